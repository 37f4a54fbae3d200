"""The verdict's first form, kept as a rival: it takes rehearsal and confidence for knowledge.

The tuned centred margin is predicted from the base's by a robust line over the other specialties' facts; its statistic
is the own facts' mean residual, known facts included, and its p permutes the labels of single facts.
"""

from __future__ import annotations

import numpy as np

from ..analysis.pair import ModelPair
from ..analysis.resample import Array, permutation_p
from ..analysis.robust import robust_line, robust_lines
from .rivals import Rival

PERMUTATIONS = 999


def judge(pair: ModelPair, seed: int) -> Rival:
    """Return the mean residual of the own facts and its p; 1 where own margins did not gain."""
    base, tuned = pair.centred.margins()
    kept = np.isfinite(base) & np.isfinite(tuned) & ((pair.fact_groups == "own") | pair.is_reference)
    x, y, own = base[kept], tuned[kept], (pair.fact_groups == "own")[kept]
    if own.sum() < 2 or (~own).sum() < 3 or np.ptp(x[~own]) < 1e-4 or np.ptp(y[~own]) < 1e-4:
        return Rival(0.0, 1.0)
    line = robust_line(x[~own], y[~own])

    def residual(labels: Array) -> Array:
        intercept, slope = robust_lines(x, y, 1.0 - labels, line)
        mean: Array = (labels @ y - slope * (labels @ x)) / labels.sum(1) - intercept
        return mean[:, None]

    value = float(residual(own[None].astype(np.float64))[0, 0])
    if (y - x)[own].mean() <= 0:
        return Rival(value, 1.0)
    cluster = pair.gains.clusters.part(kept).first
    return Rival(value, permutation_p(residual, own, cluster, seed, PERMUTATIONS))
