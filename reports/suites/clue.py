"""What the suite `clue` adds to the page: CLUE's levels, published and mended, and their difference for each pair."""

from __future__ import annotations

from markupsafe import Markup

from ...probes.results.estimate import Estimate
from ...probes.results.evaluation import EvaluationResult
from ...probes.results.suite_parts import CluePart, PublishedLevel
from ..markup import NOTHING, join, table, value
from ..suite_registry import SuiteExtras


def render(evaluation: EvaluationResult) -> SuiteExtras:
    """Return the tables of levels."""
    part = evaluation.part(CluePart)
    rows = [
        [f"{model}, {level}", _published(levels.published[level]), _mended(mended)]
        for model, levels in part.levels.items()
        for level, mended in levels.mended.items()
    ]
    compared = [
        [f"{pair.tuned} against {pair.base}, {level}", _points(pair.published[level]), _mended(mended)]
        for pair in part.level_differences
        for level, mended in pair.mended.items()
    ]
    shown = ("as published, %", "one metric a task, 0 at chance")
    differing = ("as published, percentage points", "one metric a task, paired")
    return SuiteExtras(
        join(
            [
                table(["model, level", *shown], rows, "Levels") if rows else NOTHING,
                table(["pair, level", *differing], compared, "Levels: tuned minus base") if compared else NOTHING,
            ]
        )
    )


def _published(level: PublishedLevel) -> str:
    return f"not complete: without {', '.join(level.missing)}" if level.value is None else f"{level.value:.2f}"


def _points(difference: float | None) -> str:
    return "not complete" if difference is None else f"{difference:+.2f}"


def _mended(estimate: Estimate) -> Markup:
    """Return the level with the number of its tasks, where it is not all."""
    note = estimate.note if estimate.known else ""
    quiet = Markup(' <span class="quiet">{}</span>').format(note) if note else NOTHING
    return value(estimate) + quiet
