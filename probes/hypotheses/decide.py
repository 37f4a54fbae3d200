"""Supported, refuted or cannot tell: the tests of one effect, and what they could have seen.

direction  supported                                        refuted
greater    above 0, and the estimate at least `smallest`    below +smallest
less       below 0, and the estimate at most −smallest      above −smallest
differs    not 0, and the estimate `smallest` away or more  within ±smallest
equal      within ±smallest                                 beyond ±smallest

All at .05, corrected after Holm over a file's hypotheses and the run's models: once for what is in favour, once for
what is against. An interval within ±smallest is two one-sided tests (Schuirmann 1987). p are those of the two-way
cluster bootstrap (`probes.analysis.resample`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ..analysis.detectable import POWER
from ..analysis.proportions import even_p
from ..analysis.resample import DRAWS, FEW_CLUSTERS, Array, Bootstrap, Clusters, bootstrap
from ..analysis.robust import robust_line, robust_lines
from ..results.estimate import Estimate
from ..results.hypotheses import Outcome
from .contrast import Means, Regression

LEVEL = 0.05
LEAST = 10
"""Concepts that the smallest group needs."""
SUPPORTED: Outcome = "supported"
REFUTED: Outcome = "refuted"
UNCLEAR: Outcome = "cannot tell"


def drawn(
    contrast: Means | Regression,
    values: Array,
    clusters: Clusters,
    fewest: int,
    seed: int,
    predictor: Array | None = None,
    reference: NDArray[np.bool_] | None = None,
    draws: int = DRAWS,
) -> Bootstrap:
    """The bootstrap of a contrast of `values` [rows].

    With `predictor` [rows]: of what is beyond a robust line over the rows of `reference`, fitted anew in each draw.
    """
    if predictor is None or reference is None:
        return bootstrap(lambda weights: contrast(weights, values[:, None]), clusters, seed, draws, fewest)
    x, y, at = predictor, values, reference
    line = robust_line(x[at], y[at])
    table = np.stack([y, x, np.ones(len(x))], axis=1)

    def statistic(weights: Array) -> Array:
        intercept, slope = robust_lines(x[at], y[at], weights[:, at], line)
        every = contrast(weights, table)
        return (every[:, 0] - slope * every[:, 1] - intercept * every[:, 2])[:, None]

    return bootstrap(statistic, clusters, seed, draws, fewest)


@dataclass(frozen=True)
class Tested:
    """One hypothesis on one model, before any correction."""

    effect: Estimate
    favour: float
    """p of the test that supports it."""
    against: float
    """p of the test that refutes it."""
    error: float
    """Standard error of the effect; NaN where it is not known."""
    clusters: int


def tested(result: Bootstrap, direction: str, smallest: float, n: int, unit: str, missing: str) -> Tested:
    """The tests in favour and against, by the table above; `missing` says why where there is no effect."""

    estimate = result.estimate(0, n, unit, missing)
    is_even = estimate.value is not None and estimate.low is None

    def at_least(distance: float, p: float) -> float:
        """Return `p`, or of answers that all changed alike what their number allows: their draws never vary."""
        return max(p, even_p(distance, n)) if is_even else p

    def above(bound: float) -> float:
        return at_least(float(result.values[0]) - bound, result.one_sided_p(0, bound))

    def below(bound: float) -> float:
        return at_least(bound - float(result.values[0]), result.one_sided_p(0, bound, below=True))

    inside = max(below(smallest), above(-smallest))
    if direction == "greater":
        favour, against = above(0.0), below(smallest)
    elif direction == "less":
        favour, against = below(0.0), above(-smallest)
    elif direction == "differs":
        favour, against = min(1.0, 2 * min(above(0.0), below(0.0))), inside
    else:
        favour, against = inside, min(1.0, 2 * min(above(smallest), below(-smallest)))
    return Tested(estimate, favour, against, result.error(0), int(result.clusters[0]))


@dataclass(frozen=True)
class Decision:
    outcome: Outcome
    why: str
    power: float | None = None
    """To support it, were the effect just `smallest` in its direction (equal: were it 0)."""
    detectable: float | None = None
    """The smallest effect that would be found with `detectable.POWER` (equal: the smallest margin)."""


def decide(found: Tested, direction: str, smallest: float, favour: float, against: float, family: int) -> Decision:
    """The outcome, from p values that are corrected over a family of so many tests."""
    value = found.effect.value
    if value is None:
        return Decision(UNCLEAR, found.effect.note)
    power, seen = _power(found, direction, smallest, family)
    if found.effect.n < LEAST:
        why = f"only {found.effect.n} concepts in the smallest group; {LEAST} are needed"
        return Decision(UNCLEAR, why, power, seen)
    unit = found.effect.unit
    shown = f"{value:+.3f} {unit}"
    if against <= LEVEL:
        opposite = {
            "greater": f"below {smallest:+.3g}",
            "less": f"above {-smallest:+.3g}",
            "differs": f"within ±{smallest:.3g}",
            "equal": f"beyond ±{smallest:.3g}",
        }[direction]
        return Decision(REFUTED, f"{shown} is {opposite} (p = {against:.4f})", power, seen)
    large = {"greater": value >= smallest, "less": value <= -smallest, "differs": abs(value) >= smallest, "equal": True}
    if favour > LEVEL:
        return Decision(UNCLEAR, f"{shown}: p in favour {favour:.4f}, against {against:.4f}", power, seen)
    if not large[direction]:
        why = f"{shown} is smaller than the smallest effect of interest, and might be as large"
        return Decision(UNCLEAR, f"{why} (p = {favour:.4f} for any effect)", power, seen)
    return Decision(SUPPORTED, f"{shown} (p = {favour:.4f})", power, seen)


def _power(found: Tested, direction: str, smallest: float, family: int) -> tuple[float | None, float | None]:
    """At the level of Holm's first step; the normal, below `FEW_CLUSTERS` clusters Student's t."""
    error = found.error
    if not np.isfinite(error) or error <= 0:
        return None, None
    spread = stats.norm if found.clusters >= FEW_CLUSTERS else stats.t(max(1, found.clusters - 1))
    level = LEVEL / family / (2 if direction == "differs" else 1)
    critical = float(spread.ppf(1 - level))
    if direction == "equal":
        power = max(0.0, 2 * float(spread.cdf(smallest / error - critical)) - 1)
        return power, error * (critical + float(spread.ppf((1 + POWER) / 2)))
    return float(spread.sf(critical - smallest / error)), error * (critical + float(spread.ppf(POWER)))
