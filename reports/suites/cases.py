"""What the suite `cases` adds to the page."""

from __future__ import annotations

from ...probes.results.evaluation import EvaluationResult
from ...probes.results.suite_parts import CasesPart
from ..answer_cells import position_bias
from ..suite_registry import SuiteExtras


def render(evaluation: EvaluationResult) -> SuiteExtras:
    """Return how often each place of the options was chosen."""
    return SuiteExtras(position_bias(evaluation.part(CasesPart).position_bias))
