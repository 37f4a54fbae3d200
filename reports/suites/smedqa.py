"""What the suite `smedqa` adds to the page: own specialties in the matrix, how labels were made, position bias."""

from __future__ import annotations

from markupsafe import Markup

from ...probes.results.estimate import Estimate
from ...probes.results.evaluation import EvaluationResult
from ...probes.results.suite_parts import Labelling, SmedqaPart
from ..answer_cells import position_bias, share
from ..markup import ABSENT, NOTHING, join, table, value
from ..suite_registry import SuiteExtras


def render(evaluation: EvaluationResult) -> SuiteExtras:
    """Return the parts named above."""
    part = evaluation.part(SmedqaPart)
    tasks = dict.fromkeys(row.task for row in evaluation.scores)
    return SuiteExtras(
        join([_labels(part.labels), position_bias(part.position_bias)]),
        outlined=part.own,
        below_matrix={task: _diagonal(part.diagonal.get(task)) for task in tasks},
    )


def _diagonal(estimate: Estimate | None) -> Markup:
    text = Markup("<p>What a model's own specialty adds (outlined cells, over rows and columns): {}</p>")
    return text.format(value(estimate or ABSENT, wide=True))


def _labels(labels: Labelling) -> Markup:
    """Return what the label tools made: by quorum, and as conformal sets."""
    rows: list[list[object]] = []
    if votes := labels.votes:
        rows += [["quorum, votes", votes.quorum], ["records labelled", f"{votes.labelled} of {votes.records}"]]
    if sets := labels.conformal:
        rows += [
            ["conformal sets, α", f"{sets.alpha:g}"],
            ["threshold of the score", f"{sets.threshold:.3f}"],
            ["records that calibrate", sets.calibration],
            ["coverage on the others", share(sets.coverage)],
            ["mean labels in a set", f"{sets.size:.2f}"],
            ["empty sets", sets.empty],
        ]
    return table(["", "of the labels"], rows, "Labels made from votes and samples") if rows else NOTHING
