"""Sections: answers to questions (`probe evaluate --run`), and the same beside the probabilities, by specialty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ...errors import RunError
from ..figures import figure, heatmap, hover
from ..inert import inert
from ..markup import NOTHING, badge, chart, data, details, join, plot_text, signed, table, value
from ..numbers import Number, need
from ..registry import Section, section
from ..run_view import RunView, read_json

FOLDER = "evaluate"
SCHEMA = 1
TONE = {"win": "yes", "loss": "no", "tie": "unclear", "unknown": "unclear"}
ROWS = {
    "scores": ("model", "task", "metric", "label", "estimate"),
    "pairs": ("tuned", "base", "task", "metric", "label", "difference", "win", "tie", "loss", "p", "q", "outcome"),
}
"""Columns that the page reads."""
WORDS = {"win": "better", "loss": "worse", "tie": "no difference seen", "unknown": "cannot tell"}
GAINS = {"terms": "terms in running text", "answers": "true answers of facts", "margin": "facts' margin"}


@section(order=62, title="Answers", anchor="answers")
def answers(run: RunView) -> Section | None:
    suites = list(_read(run.path))
    if not suites:
        return None
    return Section(
        join(_suite(run, found) for found in suites),
        "Shares of questions answered right, with 95% intervals over questions; differences are paired, question by "
        "question. Better or worse is said where the interval leaves out zero; q is corrected over every test of the "
        "suite. Unparsed answers are apart from wrong ones.",
    )


@section(order=63, title="Answers beside probabilities", anchor="answers-beside")
def answers_beside(run: RunView) -> Section | None:
    parts = []
    for found in _read(run.path):
        for model, tasks in (found.get("beside") or {}).items():
            (first, *others) = (_beside(run, model, task, held) for task, held in tasks.items())
            parts.append(first + (details(f"{model} by the other methods", join(others)) if others else NOTHING))
    if not parts:
        return None
    return Section(
        join(parts),
        "A point is a specialty: to the right its terms got likelier, upwards its questions are answered better. Where "
        "all points lie to the right and none above the line, the domain's words were learned and its answers not.",
    )


def _read(run: Path) -> Iterator[dict[str, Any]]:
    """Finished evaluations of the run, suite by suite. Raises RunError where one cannot be read."""
    for file in sorted((run / FOLDER).glob("*/evaluation.json")):
        found = inert(read_json(file, "evaluate again", "evaluate again", SCHEMA))
        for key, kind in (("suite", str), ("base", str), ("models", list), ("scores", list), ("pairs", list)):
            need(found, key, kind, str(file))
        for key, columns in ROWS.items():
            for row in found[key]:
                for column in columns:
                    if not isinstance(row, dict) or column not in row:
                        raise RunError(f"{file}: a row of `{key}` has no `{column}`; evaluate again")
        yield found


def _suite(run: RunView, found: dict[str, Any]) -> Markup:
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
        _matrix(run, found),
        _levels(found),
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


def _matrix(run: RunView, found: dict[str, Any]) -> Markup:
    """Differences of accuracy, tuned on × tested on, one method after the other."""
    base = found["base"]
    cells = {
        (row["task"], row["label"], row["tuned"]): Number.read(row["difference"], "evaluation.json")
        for row in found["pairs"]
        if row["metric"] == "accuracy" and row["label"] and row["base"] == base
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
        shown = [run.specialty(label) for label in labels]
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
    """CLUE's levels, published and mended."""
    levels = (found.get("more") or {}).get("levels") or {}
    rows = [
        [f"{model}, {level}", _published(held["published"][level]), value(Number.read(mended, "levels")),
         value(Number.read((held.get("mended_difference") or {}).get(level), "levels"))]
        for model, held in levels.items() for level, mended in held["mended"].items()
    ]  # fmt: skip
    head = ["model, level", "as published, %", "one metric a task, 0 at chance", "its difference from the base"]
    return table(head, rows, "Levels") if rows else NOTHING


def _published(level: dict[str, Any]) -> str:
    return f"not complete: {', '.join(level['missing'])}" if level["value"] is None else f"{level['value']:.2f}"


def _position(found: dict[str, Any]) -> Markup:
    rows = [
        [f"{model}, {task}", *(f"{share:.0%}" for share in held["shares"].values()),
         "–" if held["excess"] is None else f"{held['excess']:.0%}"]
        for task, models in ((found.get("more") or {}).get("position_bias") or {}).items()
        for model, held in models.items() if held
    ]  # fmt: skip
    if not rows:
        return NOTHING
    places = max(len(row) for row in rows) - 2
    rows = [[*row[:-1], *[""] * (places + 2 - len(row)), row[-1]] for row in rows]
    head = ["model", *"ABCDEFGHIJ"[:places], "beyond an even spread"]
    return details("Position bias: how often each place was chosen", table(head, rows, "Position bias"))


def _left_out(found: dict[str, Any]) -> Markup:
    lines = [f"{task}: {n} questions left out: {why}" for task, whys in (found.get("left_out") or {}).items()
             for why, n in whys.items()]  # fmt: skip
    lines += [f"{each['records']} records left out: {each['what']}" for each in found.get("faults") or []]
    lines += [f"{each['task']}: not run: {each['why']}; {each['where']}" for each in found.get("not_run") or []]
    lines += [str(line) for line in found.get("notes") or []]
    items = join(Markup("<li>{}</li>").format(line) for line in lines)
    return details("Left out and not run", Markup("<ul>{}</ul>").format(items)) if lines else NOTHING


def _beside(run: RunView, model: str, task: str, held: dict[str, Any]) -> Markup:
    points = [
        (run.specialty(point["specialty"]), {gain: Number.read(point[gain], "beside") for gain in GAINS},
         Number.read(point["accuracy"], "beside"))
        for point in held["points"]
    ]  # fmt: skip
    shown = [
        (name, gains["terms"], accuracy) for name, gains, accuracy in points if gains["terms"].estimate is not None
    ]
    title = f"{model}, {task}: gain of terms and difference of accuracy"
    plot = figure(
        [
            {
                "type": "scatter",
                "mode": "markers+text",
                "x": [gain.estimate for _, gain, _ in shown],
                "y": [accuracy.estimate for *_, accuracy in shown],
                "text": [plot_text(name) for name, *_ in shown],
                "textposition": [("top center", "bottom center")[n % 2] for n in range(len(shown))],
                "cliponaxis": False,
                "hoverinfo": "text",
                "hovertext": [f"{plot_text(name)}<br>terms {hover(g)}<br>accuracy {hover(a)}" for name, g, a in shown],
            }
        ],
        xaxis={"title": {"text": f"gain of terms, {run.unit}"}, "zeroline": True},
        yaxis={"title": {"text": "difference of accuracy"}, "zeroline": True},
    )
    rows = [[name, *(value(gains[gain]) for gain in GAINS), value(accuracy)] for name, gains, accuracy in points]
    correlations = [
        [words, value(Number.read(held["correlation"].get(gain), "beside"), wide=True)] for gain, words in GAINS.items()
    ]
    counted = held.get("counts") or {}
    said = (
        "Of {of} specialties, terms got likelier in {likelier} and accuracy better in {better} "
        "(intervals that leave out zero)."
    ).format(**{key: counted.get(key, 0) for key in ("of", "likelier", "better")})
    return Markup("<h3>{}, {}</h3><p>{}</p>{}{}{}").format(
        model, task, said, chart(plot, title, model=model) if shown else NOTHING,
        table(["gain of", "correlation with the difference of accuracy"], correlations, "Correlation over specialties"),
        details("By specialty", table(["specialty", *GAINS.values(), "difference of accuracy"], rows, title)),
    )  # fmt: skip
