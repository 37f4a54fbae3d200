"""Minimum detectable effects: what the verdict's own tests can see in the data at hand.

An effect is detectable if its test, at its own level, finds it with 80 % power:

    smallest  =  q(1 − level) · error under no effect  +  q(power) · error of the estimate

with q the normal quantile (Student's below `FEW_CLUSTERS` clusters). Errors are those of this very model's estimates,
so the answer is that for a repetition with as many concepts; with more, errors fall as one over their root, if the
concepts beside them (other specialties, controls) grow in proportion. Written for `probes.analysis.verdict`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ..results.findings import Detectable
from .resample import FEW_CLUSTERS, Array

POWER = 0.8


@dataclass(frozen=True)
class Errors:
    """Standard errors of one test, in its estimate's unit."""

    null: float
    """Standard error under H0."""
    estimate: float
    clusters: int
    """In the smallest group that the estimate rests on."""
    beside: float = 0.0
    """Of a second estimate that must be above zero too; it moves as the first one does."""


def label_error(residual: Array, own: NDArray[np.bool_], cluster: NDArray[np.int64]) -> float:
    """Standard error of a difference of means [items] under permuted labels of whole clusters.

    Each side is centred first, so that an effect does not count as spread. NaN with a side of no cluster.
    """
    centred = residual - np.where(own, residual[own].mean(), residual[~own].mean())
    clusters = int(cluster.max()) + 1
    sums = np.bincount(cluster, centred, clusters) * clusters / len(residual)
    mine = len(np.unique(cluster[own]))
    if not 0 < mine < clusters:
        return float("nan")
    return float(np.sqrt(sums.var(ddof=1) * clusters / (mine * (clusters - mine))))


def detectable(
    errors: Errors | None,
    level: float,
    absence_level: float,
    *,
    concepts: int,
    margin: float,
    unit: str,
    least: int = 0,
) -> Detectable | None:
    """What can be seen at one-sided `level`, and ruled out at `absence_level`; None where no error is known.

    `least` concepts are needed in any case.
    """
    if errors is None or not all(map(math.isfinite, (errors.null, errors.estimate, errors.beside))):
        return None

    def q(probability: float) -> float:
        if errors.clusters >= FEW_CLUSTERS:
            return float(stats.norm.ppf(probability))
        return float(stats.t.ppf(probability, max(1, errors.clusters - 1)))

    effect = max(q(1 - level) * errors.null + q(POWER) * errors.estimate, q(POWER) * errors.beside)
    absence = (q(1 - absence_level) + q(POWER)) * errors.estimate
    needed = max(least, math.ceil(concepts * (effect / margin) ** 2))
    return Detectable(
        effect=effect,
        absence=absence,
        power=POWER,
        level=level,
        unit=unit,
        concepts=concepts,
        margin=margin,
        needed=needed,
    )
