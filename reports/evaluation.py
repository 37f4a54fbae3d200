"""An evaluation (`probe evaluate`) as the report shows it: its file, its tables and charts, a page of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ..errors import RunError
from ..probes.results.estimate import Estimate
from ..probes.results.evaluation import EvaluationResult, Outcome
from .answer_cells import share
from .figures import heatmap, hover
from .inert import inert
from .markup import ABSENT, NOTHING, badge, chart, details, join, pairs, plot_text, signed, table, value
from .registry import Section
from .run_view import flat
from .suite_registry import SuiteExtras, suite_extras

FILE = EvaluationResult.FILE
TONE: dict[Outcome, str] = {"win": "yes", "loss": "no", "tie": "unclear", "unknown": "unclear"}
WORDS: dict[Outcome, str] = {
    "win": "better",
    "loss": "worse",
    "tie": "no difference seen",
    "unknown": "cannot tell",
}
GRADE = "difficulty: "
"""Prefix of a label that is a case's difficulty (`probes.evaluate.readers.choice_sets`), and no specialty."""
Means = Mapping[tuple[str, str, str, str], Estimate]
"""Means by model, task, metric and label."""
HOW = (
    "Shares of questions answered right, with 95% intervals over questions; differences are paired, question by "
    "question. Better or worse is said where the interval leaves out zero; q is corrected over every test of the "
    "suite. Unparsed answers are apart from wrong ones."
)


def read_evaluation(file: Path) -> EvaluationResult:
    """Read a finished evaluation and make its text inert. Raises `RunError` where it cannot be read."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise RunError(f"{file}: cannot be read ({error.strerror}); run {EvaluationResult.COMMAND} again") from error
    with suppress(ValueError):  # Reading the document names the fault.
        content = json.dumps(inert(json.loads(content))).encode()
    return EvaluationResult.from_json(content, str(file))


def evaluation_sections(evaluation: EvaluationResult, run: dict[str, Any]) -> list[tuple[str, str, Section]]:
    """Return the sections of an evaluation that belongs to no comparison; `run` is its run.json."""
    settings = {key: run.get(key) for key in ("seed", "device", "dtype", "batch_size", "created")}
    settings |= {
        "context": evaluation.context,
        "template": evaluation.template,
        "tie_rule": evaluation.tie_rule or None,
        "methods": ", ".join(evaluation.methods) or None,
    }
    counts = {task: count.model_dump() for task, count in evaluation.counts.items()}
    parts = [
        Markup("<h3>Reproduce</h3><pre>{}</pre>").format(run.get("command") or "command not recorded"),
        Markup('<div class="multiples">'),
        pairs("Questions", flat(counts)),
        pairs("Settings", settings.items()),
        pairs("Options", ((name, value) for name, value in evaluation.options.items() if value is not None)),
        pairs("Versions", (run.get("versions") or {}).items()),
        Markup("</div>"),
        pairs("Content hashes", flat((run.get("identity") or {}).get("models") or {})),
    ]
    again = "The command, run again on the same models and data, gives the same numbers; every answer is in the run."
    return [
        ("answers", "Answers", Section(answer_tables(evaluation), HOW)),
        ("methods", "Methods", Section(join(parts), again)),
    ]


def answer_tables(evaluation: EvaluationResult) -> Markup:
    """Return every table and chart of one evaluation."""
    names, means, extras = evaluation.names, evaluation.estimates(), suite_extras(evaluation)
    keys = dict.fromkeys((row.task, row.metric) for row in evaluation.scores if not row.label)
    rows = [
        [f"{task}: {metric}", *(share(means.get((name, task, metric, ""))) for name in names)] for task, metric in keys
    ]
    parts = [
        table(["what is measured", *names], rows, f"{evaluation.suite}: every model"),
        _pairs(evaluation),
        _accuracies(evaluation, means),
        _matrix(evaluation, extras),
        _grades(evaluation, means),
        extras.body,
        _left_out(evaluation),
    ]
    return Markup("<h3>{}</h3>{}").format(evaluation.suite, join(parts))


def _pairs(evaluation: EvaluationResult) -> Markup:
    rows = [
        [
            f"{row.tuned} against {row.base}",
            f"{row.task}: {row.metric}",
            value(row.difference),
            badge(WORDS[row.outcome], TONE[row.outcome]),
            f"{row.win} / {row.tie} / {row.loss}",
            "–" if row.q is None else f"{row.q:.2g}",
        ]
        for row in evaluation.pairs
        if not row.label and row.p is not None
    ]
    head = ["pair", "what is measured", "tuned minus base", "outcome", "questions won / tied / lost", "q"]
    counted = "; ".join(
        f"{row.tuned} against {row.base}: {row.win} won, {row.tie} tied, {row.loss} lost" for row in evaluation.outcomes
    )
    return table(head, rows, f"Pairs. {counted}") if rows else NOTHING


def _by_label(means: Means, graded: bool) -> dict[str, list[str]]:
    """Return the labels of each task's accuracies: grades of difficulty, or all others."""
    out: dict[str, list[str]] = {}
    for _, task, metric, label in means:
        if metric == "accuracy" and label and label.startswith(GRADE) == graded:
            labels = out.setdefault(task, [])
            if label not in labels:
                labels.append(label)
    return out


def _accuracies(evaluation: EvaluationResult, means: Means) -> Markup:
    """Return the accuracy of every model on every specialty, of which the matrix shows the differences."""
    names = evaluation.names
    tables = [
        table(
            ["tested on", *names],
            [
                [
                    evaluation.specialties.get(label, label),
                    *(share(means.get((name, task, "accuracy", label))) for name in names),
                ]
                for label in labels
            ],
            f"{task}: accuracy",
        )
        for task, labels in _by_label(means, graded=False).items()
        if len(labels) > 1
    ]
    return details("Accuracy of every model, specialty by specialty", join(tables)) if tables else NOTHING


def _grades(evaluation: EvaluationResult, means: Means) -> Markup:
    """Return accuracy by difficulty, and its difference for each pair."""
    names = evaluation.names
    cells = {
        (row.task, row.label, row.tuned, row.base): row.difference
        for row in evaluation.pairs
        if row.metric == "accuracy"
    }
    out = []
    for task, labels in _by_label(means, graded=True).items():
        compared = list(dict.fromkeys(key[2:] for key in cells if key[0] == task))
        rows = [
            [
                label.removeprefix(GRADE),
                *(share(means.get((name, task, "accuracy", label))) for name in names),
                *(value(cells.get((task, label, *pair), ABSENT)) for pair in compared),
            ]
            for label in labels
        ]
        head = ["difficulty", *names, *(f"{tuned} minus {base}" for tuned, base in compared)]
        out.append(table(head, rows, f"{task}: accuracy by difficulty"))
    return join(out)


def _matrix(evaluation: EvaluationResult, extras: SuiteExtras) -> Markup:
    """Return differences of accuracy, tuned on × tested on, task by task."""
    base, specialties = evaluation.base, evaluation.specialties
    cells = {
        (row.task, row.label, row.tuned): row.difference
        for row in evaluation.pairs
        if row.metric == "accuracy" and row.label and row.base == base and not row.label.startswith(GRADE)
    }
    labels = list(dict.fromkeys(label for _, label, _ in cells))
    if len(labels) < 2:
        return NOTHING
    names = [name for name in evaluation.models if any(name == tuned for *_, tuned in cells)]
    out = []
    for task in dict.fromkeys(task for task, *_ in cells):
        rows = [[cells.get((task, label, name), ABSENT) for name in names] for label in labels]
        shown = [specialties.get(label, label) for label in labels]
        title = f"{task}: difference of accuracy from {base}"
        plot = heatmap(
            [[cell.value for cell in row] for row in rows],
            names,
            shown,
            [
                [
                    f"{plot_text(name)} on {plot_text(on)}<br>{hover(cell)}"
                    for name, cell in zip(names, row, strict=True)
                ]
                for on, row in zip(shown, rows, strict=True)
            ],
            text=[["" if cell.value is None else signed(cell.value, 2) for cell in row] for row in rows],
            outlined=[
                (r, c)
                for r, label in enumerate(labels)
                for c, name in enumerate(names)
                if extras.outlined.get(name) == label
            ],
        )
        twin = table(
            ["tested on", *names],
            [[on, *map(value, row)] for on, row in zip(shown, rows, strict=True)],
            title,
        )
        drawn = chart(plot, title, height=24 * len(labels) + 120, min_width=130 + 52 * len(names))
        out.append(drawn + extras.below_matrix.get(task, NOTHING) + details(f"With intervals: {task}", twin))
    return join(out)


def _left_out(evaluation: EvaluationResult) -> Markup:
    def named(first: str) -> str:
        return f" (first: {first})" if first else ""

    lines = [
        f"{task}: {questions.n} questions left out: {why}{named(questions.first)}"
        for task, reasons in evaluation.left_out.items()
        for why, questions in reasons.items()
    ]
    lines += [f"{fault.records} records left out: {fault.what}{named(fault.first)}" for fault in evaluation.faults]
    lines += [*map(str, evaluation.not_run), *evaluation.notes]
    items = join(Markup("<li>{}</li>").format(line) for line in lines)
    return details("Left out and not run", Markup("<ul>{}</ul>").format(items)) if lines else NOTHING
