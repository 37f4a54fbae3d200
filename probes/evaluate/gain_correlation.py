"""Correlate gains of probability with differences of accuracy, over specialties.

Did terms get likelier where answers got better? From a comparison's matrix (gains of terms, of true answers, of
margins, in nats) and an evaluation's paired differences of accuracy on the same specialty's questions. The correlation
is Pearson's, its interval Fisher's z.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

import numpy as np
from scipy import stats

from ..results.estimate import LEVEL, Estimate
from ..results.evaluation import BetterCounts, GainCorrelation, GainKind, PairDifference, SpecialtyPoint
from ..results.model import MatrixRow

FEWEST = 4
"""Specialties; Fisher's z needs more than three."""
GAINS: tuple[GainKind, ...] = get_args(GainKind)


def correlate_gains(
    base: str, pairs: Sequence[PairDifference], gains: Mapping[str, Mapping[str, MatrixRow]]
) -> dict[str, dict[str, GainCorrelation]]:
    """Return, by tuned model and task, a point for each specialty and the correlation for each kind of gain.

    Args:
        base: The comparison's base; pairs with another base are left out.
        pairs: The evaluation's differences.
        gains: The comparison's, by tuned model and specialty.
    """
    out: dict[str, dict[str, GainCorrelation]] = {}
    for name, matrix in gains.items():
        rows = [
            row
            for row in pairs
            if row.tuned == name and row.base == base and row.metric == "accuracy" and row.label in matrix
        ]
        for task in dict.fromkeys(row.task for row in rows):
            points = [_point(row, matrix[row.label]) for row in rows if row.task == task]
            out.setdefault(name, {})[task] = GainCorrelation(
                points=tuple(points),
                correlation={gain: correlation(*_known(points, gain)) for gain in GAINS},
                counts=_counts(points),
            )
    return out


def _point(row: PairDifference, gains: MatrixRow) -> SpecialtyPoint:
    return SpecialtyPoint(
        specialty=row.label,
        accuracy=row.difference,
        terms=gains.terms,
        answers=gains.answers,
        margin=gains.margin,
    )


def _counts(points: Sequence[SpecialtyPoint]) -> BetterCounts:
    """Count the specialties whose intervals are above zero, of those where both are known, as in the correlation."""
    both = [(point.terms, point.accuracy) for point in points if _gain(point, "terms") is not None]
    return BetterCounts(
        of=len(both),
        likelier=sum(_is_above(terms) for terms, _ in both),
        better=sum(_is_above(accuracy) for _, accuracy in both),
    )


def _is_above(estimate: Estimate | None) -> bool:
    return estimate is not None and estimate.low is not None and estimate.low > 0


def _gain(point: SpecialtyPoint, kind: GainKind) -> tuple[float, float] | None:
    """Return gain and difference of accuracy; None where either is not known."""
    gain: Estimate | None = getattr(point, kind)
    if gain is None or gain.value is None or point.accuracy.value is None:
        return None
    return gain.value, point.accuracy.value


def _known(points: Sequence[SpecialtyPoint], kind: GainKind) -> tuple[list[float], list[float]]:
    known = [both for point in points if (both := _gain(point, kind)) is not None]
    return [x for x, _ in known], [y for _, y in known]


def correlation(x: list[float], y: list[float]) -> Estimate:
    """Return Pearson's r with Fisher's interval; missing below four points, or where one side does not vary."""
    if len(x) < FEWEST:
        return Estimate.missing(f"fewer than {FEWEST} specialties with both", len(x), "r")
    if np.ptp(x) < 1e-12 or np.ptp(y) < 1e-12:
        return Estimate.missing("one of the two is the same in every specialty", len(x), "r")
    found = stats.pearsonr(x, y)
    low, high = found.confidence_interval(LEVEL)
    return Estimate(
        float(found.statistic), float(low), float(high), "r", "Pearson, Fisher's z", len(x), float(found.pvalue)
    )
