"""An evaluation (`probe evaluate`) as the report shows it: its file, its tables and charts, a page of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ..errors import RunError
from .figures import heatmap, hover
from .inert import inert
from .markup import NOTHING, badge, chart, data, details, join, pairs, plot_text, signed, table, value
from .numbers import Number, need
from .registry import Section
from .run_view import flat, read_json

FILE = "evaluation.json"
SCHEMA = 1
TONE = {"win": "yes", "loss": "no", "tie": "unclear", "unknown": "unclear"}
ROWS = {
    "scores": ("model", "task", "metric", "label", "estimate"),
    "pairs": ("tuned", "base", "task", "metric", "label", "difference", "win", "tie", "loss", "p", "q", "outcome"),
}
"""Columns that the page reads."""
GRADE = "difficulty: "
"""Begins a label that is a case's difficulty (`probes.evaluate.readers.choice_sets`), and no specialty."""
Held = Mapping[tuple[str, str, str, str], Number]
"""Means by task, metric, label and model."""
WORDS = {"win": "better", "loss": "worse", "tie": "no difference seen", "unknown": "cannot tell"}
HOW = (
    "Shares of questions answered right, with 95% intervals over questions; differences are paired, question by "
    "question. Better or worse is said where the interval leaves out zero; q is corrected over every test of the "
    "suite. Unparsed answers are apart from wrong ones."
)


def read_evaluation(file: Path) -> dict[str, Any]:
    """A finished evaluation, its text made inert. Raises RunError where it cannot be read."""
    found: dict[str, Any] = inert(read_json(file, "evaluate again", "evaluate again", SCHEMA))
    for key, kind in (("suite", str), ("base", str), ("models", list), ("scores", list), ("pairs", list)):
        need(found, key, kind, str(file))
    for key, columns in ROWS.items():
        for row in found[key]:
            for column in columns:
                if not isinstance(row, dict) or column not in row:
                    raise RunError(f"{file}: a row of `{key}` has no `{column}`; evaluate again")
    return found


def evaluation_sections(found: dict[str, Any], run: dict[str, Any]) -> list[tuple[str, str, Section]]:
    """The page of an evaluation that stands beside no comparison; `run` is its run.json."""
    settings = {key: run.get(key) for key in ("seed", "device", "dtype", "batch_size", "created")}
    settings |= {key: found.get(key) for key in ("context", "template", "tie_rule")}
    settings["methods"] = ", ".join(found.get("methods") or []) or None
    parts = [
        Markup("<h3>Reproduce</h3><pre>{}</pre>").format(run.get("command") or "command not recorded"),
        Markup('<div class="multiples">'),
        pairs("Questions", flat(found.get("counts") or {})),
        pairs("Settings", settings.items()),
        pairs("Options", ((key, held) for key, held in (found.get("options") or {}).items() if held is not None)),
        pairs("Versions", (run.get("versions") or {}).items()),
        Markup("</div>"),
        pairs("Content hashes", flat((run.get("identity") or {}).get("models") or {})),
    ]
    again = "The command, run again on the same models and data, gives the same numbers; every answer is in the run."
    return [("answers", "Answers", Section(suite(found), HOW)), ("methods", "Methods", Section(join(parts), again))]


def suite(found: dict[str, Any]) -> Markup:
    """Every table and chart of one evaluation."""
    names = [found["base"], *found["models"]]
    held = {
        (row["task"], row["metric"], row["label"], row["model"]): Number.read(row["estimate"], "evaluation.json")
        for row in found["scores"]
    }
    keys = list(dict.fromkeys((task, metric) for task, metric, label, _ in held if not label))
    rows = [
        [f"{task}: {metric}", *(_mean(held.get((task, metric, "", name), Number())) for name in names)]
        for task, metric in keys
    ]
    parts = [
        table(["what is measured", *names], rows, f"{found['suite']}: every model"),
        _pairs(found),
        _accuracies(found, held),
        _matrix(found),
        _grades(found, held),
        _levels(found),
        _labels(found),
        _position(found),
        _left_out(found),
    ]
    return Markup("<h3>{}</h3>{}").format(found["suite"], join(parts))


def _mean(number: Number) -> Markup:
    """A share as a percentage; a mean has no sign."""
    if number.estimate is None or number.unit != "share":
        return value(number)
    ends = [end for end in (number.low, number.high) if end is not None]
    shown = join((data(end, f"{end:.1%}") for end in ends), " to ")
    return data(number.estimate, f"{number.estimate:.1%}") + Markup(' <span class="ci">{}</span>').format(shown)


def _pairs(found: dict[str, Any]) -> Markup:
    rows = [
        [
            f"{row['tuned']} against {row['base']}",
            f"{row['task']}: {row['metric']}",
            value(Number.read(row["difference"], "evaluation.json")),
            badge(WORDS.get(row["outcome"], row["outcome"]), TONE.get(row["outcome"], "unclear")),
            f"{row['win']} / {row['tie']} / {row['loss']}",
            "–" if row["q"] is None else f"{row['q']:.2g}",
        ]
        for row in found["pairs"]
        if not row["label"] and row["p"] is not None
    ]
    head = ["pair", "what is measured", "tuned minus base", "outcome", "questions won / tied / lost", "q"]
    counted = "; ".join(
        f"{row['tuned']} against {row['base']}: {row['win']} won, {row['tie']} tied, {row['loss']} lost"
        for row in found.get("outcomes") or []
    )
    return table(head, rows, f"Pairs. {counted}") if rows else NOTHING


def _by_label(held: Held, graded: bool) -> dict[str, list[str]]:
    """Labels by task, of accuracies that are known by label: grades of difficulty, or all others."""
    out: dict[str, list[str]] = {}
    for task, metric, label, _ in held:
        if metric == "accuracy" and label and label.startswith(GRADE) == graded:
            labels = out.setdefault(task, [])
            if label not in labels:
                labels.append(label)
    return out


def _accuracies(found: dict[str, Any], held: Held) -> Markup:
    """Accuracy, every model × specialty: what the differences are of."""
    specialties = found.get("specialties") or {}
    names = [found["base"], *found["models"]]
    tables = [
        table(
            ["tested on", *names],
            [
                [
                    specialties.get(label, label),
                    *(_mean(held.get((task, "accuracy", label, n), Number())) for n in names),
                ]
                for label in labels
            ],
            f"{task}: accuracy",
        )
        for task, labels in _by_label(held, graded=False).items()
        if len(labels) > 1
    ]
    return details("Accuracy of every model, specialty by specialty", join(tables)) if tables else NOTHING


def _grades(found: dict[str, Any], held: Held) -> Markup:
    """Accuracy by difficulty, and its difference for each pair."""
    names = [found["base"], *found["models"]]
    cells = {
        (row["task"], row["label"], row["tuned"], row["base"]): Number.read(row["difference"], "evaluation.json")
        for row in found["pairs"]
        if row["metric"] == "accuracy"
    }
    out = []
    for task, labels in _by_label(held, graded=True).items():
        compared = list(dict.fromkeys(key[2:] for key in cells if key[0] == task))
        rows = [
            [
                label.removeprefix(GRADE),
                *(_mean(held.get((task, "accuracy", label, name), Number())) for name in names),
                *(value(cells.get((task, label, *pair), Number())) for pair in compared),
            ]
            for label in labels
        ]
        head = ["difficulty", *names, *(f"{tuned} minus {base}" for tuned, base in compared)]
        out.append(table(head, rows, f"{task}: accuracy by difficulty"))
    return join(out)


def _matrix(found: dict[str, Any]) -> Markup:
    """Differences of accuracy, tuned on × tested on, one method after the other."""
    base, specialties = found["base"], found.get("specialties") or {}
    cells = {
        (row["task"], row["label"], row["tuned"]): Number.read(row["difference"], "evaluation.json")
        for row in found["pairs"]
        if row["metric"] == "accuracy" and row["label"] and row["base"] == base and not row["label"].startswith(GRADE)
    }
    labels = list(dict.fromkeys(label for _, label, _ in cells))
    if len(labels) < 2:
        return NOTHING
    names = [name for name in found["models"] if any(name == tuned for *_, tuned in cells)]
    own = (found.get("more") or {}).get("own") or {}
    diagonal = (found.get("more") or {}).get("diagonal") or {}
    out = []
    for task in dict.fromkeys(task for task, *_ in cells):
        rows = [[cells.get((task, label, name), Number()) for name in names] for label in labels]
        shown = [specialties.get(label, label) for label in labels]
        title = f"{task}: difference of accuracy from {base}"
        plot = heatmap(
            [[cell.estimate for cell in row] for row in rows],
            names,
            shown,
            [
                [
                    f"{plot_text(name)} on {plot_text(on)}<br>{hover(cell)}"
                    for name, cell in zip(names, row, strict=True)
                ]
                for on, row in zip(shown, rows, strict=True)
            ],
            text=[["" if cell.estimate is None else signed(cell.estimate, 2) for cell in row] for row in rows],
            outlined=[
                (r, c) for r, label in enumerate(labels) for c, name in enumerate(names) if own.get(name) == label
            ],
        )
        twin = table(
            ["tested on", *names],
            [[on, *map(value, row)] for on, row in zip(shown, rows, strict=True)],
            title,
        )
        gamma = Number.read(diagonal.get(task), "evaluation.json: diagonal")
        said = Markup("<p>What a model's own specialty adds (outlined cells, over rows and columns): {}</p>")
        drawn = chart(plot, title, height=24 * len(labels) + 120, min_width=130 + 52 * len(names))
        out.append(drawn + said.format(value(gamma, wide=True)) + details(f"With intervals: {task}", twin))
    return join(out)


def _levels(found: dict[str, Any]) -> Markup:
    """CLUE's levels, published and mended, and their difference for each pair."""
    more = found.get("more") or {}
    rows = [
        [f"{model}, {level}", _published(held["published"][level]), _mended(mended)]
        for model, held in (more.get("levels") or {}).items()
        for level, mended in held["mended"].items()
    ]
    compared = [
        [f"{pair['tuned']} against {pair['base']}, {level}", _points(pair["published"][level]), _mended(mended)]
        for pair in more.get("level_differences") or []
        for level, mended in pair["mended"].items()
    ]
    shown = ("as published, %", "one metric a task, 0 at chance")
    differing = ("as published, percentage points", "one metric a task, paired")
    return join(
        [
            table(["model, level", *shown], rows, "Levels") if rows else NOTHING,
            table(["pair, level", *differing], compared, "Levels: tuned minus base") if compared else NOTHING,
        ]
    )


def _published(level: dict[str, Any]) -> str:
    return f"not complete: without {', '.join(level['missing'])}" if level["value"] is None else f"{level['value']:.2f}"


def _points(difference: float | None) -> str:
    return "not complete" if difference is None else f"{difference:+.2f}"


def _mended(raw: Any) -> Markup:
    """With the number of tasks, where it is not all."""
    number = Number.read(raw, "levels")
    note = number.note if number.estimate is not None else ""
    return value(number) + (Markup(' <span class="quiet">{}</span>').format(note) if note else NOTHING)


def _labels(found: dict[str, Any]) -> Markup:
    """What the label tools made: by quorum, and as conformal sets."""
    said = (found.get("more") or {}).get("labels") or {}
    rows: list[list[Any]] = []
    if votes := said.get("votes"):
        rows += [["quorum, votes", votes["quorum"]], ["records labelled", f"{votes['labelled']} of {votes['records']}"]]
    if sets := said.get("conformal"):
        covered = _mean(Number.read(sets["coverage"], "labels"))
        rows += [
            ["conformal sets, α", f"{sets['alpha']:g}"],
            ["threshold of the score", f"{sets['threshold']:.3f}"],
            ["records that calibrate", sets["calibration"]],
            ["coverage on the others", covered],
            ["mean labels in a set", f"{sets['size']:.2f}"],
            ["empty sets", sets["empty"]],
        ]
    return table(["", "of the labels"], rows, "Labels made from votes and samples") if rows else NOTHING


def _position(found: dict[str, Any]) -> Markup:
    rows = [
        [
            f"{model}, {task}",
            *(f"{share:.0%}" for share in held["shares"].values()),
            "–" if held["excess"] is None else f"{held['excess']:.0%}",
        ]
        for task, models in ((found.get("more") or {}).get("position_bias") or {}).items()
        for model, held in models.items()
        if held
    ]
    if not rows:
        return NOTHING
    places = max(len(row) for row in rows) - 2
    rows = [[*row[:-1], *[""] * (places + 2 - len(row)), row[-1]] for row in rows]
    head = ["model", *"ABCDEFGHIJ"[:places], "beyond an even spread"]
    return details("Position bias: how often each place was chosen", table(head, rows, "Position bias"))


def _left_out(found: dict[str, Any]) -> Markup:
    lines = []
    for task, whys in (found.get("left_out") or {}).items():
        for why, held in whys.items():
            n, first = (held["n"], f" (first: {held['first']})") if isinstance(held, dict) else (held, "")
            lines.append(f"{task}: {n} questions left out: {why}{first}")
    lines += [
        f"{each['records']} records left out: {each['what']}"
        + (f" (first: {each['first']})" if each.get("first") else "")
        for each in found.get("faults") or []
    ]
    lines += [f"{each['task']}: not run: {each['why']}; {each['where']}" for each in found.get("not_run") or []]
    lines += [str(line) for line in found.get("notes") or []]
    items = join(Markup("<li>{}</li>").format(line) for line in lines)
    return details("Left out and not run", Markup("<ul>{}</ul>").format(items)) if lines else NOTHING
