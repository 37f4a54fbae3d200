"""Sections: answers to questions (`probe evaluate --run`), and the same beside the probabilities, by specialty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ..evaluation import FILE, HOW, read_evaluation, suite
from ..figures import figure, hover
from ..markup import NOTHING, chart, details, join, plot_text, table, value
from ..numbers import Number
from ..registry import Section, section
from ..run_view import RunView

FOLDER = "evaluate"
GAINS = {"terms": "terms in running text", "answers": "true answers of facts", "margin": "facts' margin"}


@section(order=62, title="Answers", anchor="answers")
def answers(run: RunView) -> Section | None:
    suites = [suite(found) for found in _evaluations(run.path)]
    return Section(join(suites), HOW) if suites else None


@section(order=63, title="Answers beside probabilities", anchor="answers-beside")
def answers_beside(run: RunView) -> Section | None:
    parts = []
    for found in _evaluations(run.path):
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


def _evaluations(run: Path) -> Iterator[dict[str, Any]]:
    """Finished evaluations of the run, suite by suite. Raises RunError where one cannot be read."""
    return (read_evaluation(file) for file in sorted((run / FOLDER).glob(f"*/{FILE}")))


def _beside(run: RunView, model: str, task: str, held: dict[str, Any]) -> Markup:
    points = [
        (
            run.specialty(point["specialty"]),
            {gain: Number.read(point[gain], "beside") for gain in GAINS},
            Number.read(point["accuracy"], "beside"),
        )
        for point in held["points"]
    ]
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
        model,
        task,
        said,
        chart(plot, title, model=model) if shown else NOTHING,
        table(["gain of", "correlation with the difference of accuracy"], correlations, "Correlation over specialties"),
        details("By specialty", table(["specialty", *GAINS.values(), "difference of accuracy"], rows, title)),
    )
