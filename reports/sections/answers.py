"""Sections: answers to questions (`probe evaluate --run`), and the same beside the probabilities, by specialty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from markupsafe import Markup

from ...probes.results.evaluation import EvaluationResult, GainCorrelation, GainKind
from ..evaluation import FILE, HOW, answer_tables, read_evaluation
from ..figures import figure, hover
from ..markup import ABSENT, NOTHING, chart, details, join, plot_text, table, value
from ..registry import Section, section
from ..run_view import RunView

FOLDER = "evaluate"
GAINS: dict[GainKind, str] = {
    "terms": "terms in running text",
    "answers": "true answers of facts",
    "margin": "facts' margin",
}


@section(order=62, title="Answers", anchor="answers")
def answers(run: RunView) -> Section | None:
    suites = [answer_tables(evaluation) for evaluation in _evaluations(run.path)]
    return Section(join(suites), HOW) if suites else None


@section(order=63, title="Answers beside probabilities", anchor="answers-beside")
def answers_beside(run: RunView) -> Section | None:
    parts = []
    for evaluation in _evaluations(run.path):
        for model, tasks in (evaluation.beside or {}).items():
            (first, *others) = (_correlation(run, model, task, gains) for task, gains in tasks.items())
            parts.append(first + (details(f"{model} by the other methods", join(others)) if others else NOTHING))
    if not parts:
        return None
    return Section(
        join(parts),
        "A point is a specialty: to the right its terms got likelier, upwards its questions are answered better. Where "
        "all points lie to the right and none above the line, the domain's words were learned and its answers not.",
    )


def _evaluations(run: Path) -> Iterator[EvaluationResult]:
    """Yield the run's finished evaluations, suite by suite. Raises `RunError` where one cannot be read."""
    return (read_evaluation(file) for file in sorted((run / FOLDER).glob(f"*/{FILE}")))


def _correlation(run: RunView, model: str, task: str, correlation: GainCorrelation) -> Markup:
    points = [(run.specialty(point.specialty), point) for point in correlation.points]
    shown = [
        (name, point.terms, point.accuracy) for name, point in points if point.terms is not None and point.terms.known
    ]
    title = f"{model}, {task}: gain of terms and difference of accuracy"
    plot = figure(
        [
            {
                "type": "scatter",
                "mode": "markers+text",
                "x": [gain.value for _, gain, _ in shown],
                "y": [accuracy.value for *_, accuracy in shown],
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
    rows = [
        [name, *(value(gain or ABSENT) for gain in (point.terms, point.answers, point.margin, point.accuracy))]
        for name, point in points
    ]
    correlations = [
        [words, value(correlation.correlation.get(gain) or ABSENT, wide=True)] for gain, words in GAINS.items()
    ]
    counts = correlation.counts
    said = (
        f"Of {counts.of} specialties, terms got likelier in {counts.likelier} and accuracy better in {counts.better} "
        "(intervals that leave out zero)."
    )
    return Markup("<h3>{}, {}</h3><p>{}</p>{}{}{}").format(
        model,
        task,
        said,
        chart(plot, title, model=model) if shown else NOTHING,
        table(["gain of", "correlation with the difference of accuracy"], correlations, "Correlation over specialties"),
        details("By specialty", table(["specialty", *GAINS.values(), "difference of accuracy"], rows, title)),
    )
