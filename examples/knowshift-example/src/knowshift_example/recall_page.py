"""What the suite `recall` adds to the page."""

from knowshift.probes.results.evaluation import EvaluationResult
from knowshift.reports.markup import table
from knowshift.reports.suite_registry import SuiteExtras

from .recall import RecallPart


def render(evaluation: EvaluationResult) -> SuiteExtras:
    """Return each model's longest answer; the markup escapes it."""
    part = evaluation.part(RecallPart)
    return SuiteExtras(table(["model", "longest answer"], part.longest.items(), "Recall: longest answers"))
