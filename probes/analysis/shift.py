"""Domain shift for the verdict: the other specialties' gain on general targets, like with like.

Base headroom moves the raw rung (a mere change of temperature does), so general targets are matched to the domain's
on base log-probability per token and on length, and the result is read beside what the best-fitting temperature of
the base alone would give. Without common support nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize_scalar

from ...models.table import TEMPERATURES
from ..results.estimate import Estimate
from ..results.findings import MARGIN
from .detectable import Errors
from .ladder import FactGains, Groups, nanmean
from .resample import Array, Clusters, bootstrap, effect_size
from .scores import Pair

QUANTILES = 8
"""Bands of base log-probability."""
MOST_TOKENS = 4
"""Targets of as many tokens and more are one length."""
TEMPERATURE_ERROR = 0.1
"""Relative interpolation error allowed for what the temperature gives, between the temperatures that were read."""
SUPPORT = 0.7
"""Share of the domain's targets that must have general targets like them."""


@dataclass(frozen=True)
class Entries:
    """Strings to be matched: item of each (for the clusters), and per-token figures."""

    item: NDArray[np.int64]
    domain: NDArray[np.bool_]
    """Of other specialties (with `--own none`: of the domain); else general."""
    base: Array
    """Base log-probability, nats per token."""
    tokens: Array
    gain: Array
    """In the comparison's unit."""
    tempered: Array
    """[entries, temperatures] base log-probability at each temperature, in the comparison's unit."""


@dataclass(frozen=True)
class Shift:
    """Read by `probes.analysis.verdict`."""

    view: str
    matched: Estimate
    """`p` is one-sided, of "no gain beyond general targets, or no more than the temperature gives"."""
    temperature: float | None
    predicted: float | None
    """What that temperature alone would give for the matched rung."""
    support: float
    below_margin_p: float | None = None
    """One-sided p of H0: at least the smallest shift of interest, beyond what the temperature gives."""
    margin: float = MARGIN
    """The smallest shift of interest, in the estimate's unit."""
    errors: Errors | None = None
    """Standard errors of the test, for what it could have seen."""


def text_entries(pair: Pair, groups: Groups, own_tuned: bool) -> Entries:
    domain = groups == ("other" if own_tuned else "own")
    kept = np.flatnonzero(domain | (groups == "general"))
    scores = pair.base
    return Entries(
        kept,
        domain[kept],
        scores.value("token")[kept],
        scores.tokens[kept],
        pair.gain[kept],
        (scores.tempered / scores.length(pair.per)[:, None])[kept],
    )


def fact_entries(pair: Pair, gains: FactGains, groups: Groups, own_tuned: bool) -> Entries:
    """Wrong answers of the facts in `gains`, an item's wordings averaged; clusters are `gains.answers`."""
    group = groups[gains.fact]
    domain = group == ("other" if own_tuned else "own")
    kept = np.flatnonzero((gains.role > 0) & (domain | (group == "general")))
    at, role = gains.index[gains.fact[kept]], gains.role[kept]
    base = pair.base
    tempered = base.tempered[at, :, role] / base.length(pair.per)[at, :, role][..., None]
    return Entries(
        kept,
        domain[kept],
        nanmean(base.value("token")[at, :, role], 1),
        nanmean(base.tokens[at, :, role], 1).round(),
        gains.gain[kept, 0],
        nanmean(tempered, 1),
    )


def best_temperature(entries: Entries) -> tuple[float, Array]:
    """The temperature of the base that comes nearest to the tuned model, and what it gives each entry.

    Least squares over all entries, general and domain weighing alike; between the temperatures that were read,
    log-probability is a cubic spline in 1/temperature.
    """
    inverse = 1.0 / np.array(TEMPERATURES)
    order = np.argsort(inverse)
    one = TEMPERATURES.index(1.0)
    spline = CubicSpline(inverse[order], (entries.tempered - entries.tempered[:, [one]])[:, order], axis=1)
    weight = np.where(entries.domain, 1 / max(1, entries.domain.sum()), 1 / max(1, (~entries.domain).sum()))

    def loss(value: float) -> float:
        return float((weight * (entries.gain - spline(value)) ** 2).sum())

    grid = np.linspace(inverse.min(), inverse.max(), 31)
    near = int(np.argmin([loss(value) for value in grid]))
    around = grid[max(0, near - 1)], grid[min(len(grid) - 1, near + 1)]
    best = float(minimize_scalar(loss, bounds=around, method="bounded", options={"xatol": 1e-6}).x)
    return 1.0 / best, spline(best)


def _cells(entries: Entries) -> NDArray[np.int64]:
    """Cells of like length and like base log-probability (bands are quantiles of the domain's targets).

    Beyond the domain's own range nothing is like it: such an entry falls in a last cell of its own.
    """
    length = np.minimum(entries.tokens, MOST_TOKENS).astype(np.int64) - 1
    edges = np.quantile(entries.base[entries.domain], np.linspace(0, 1, QUANTILES + 1))
    band = np.searchsorted(edges[1:-1], entries.base)
    outside = (entries.base < edges[0]) | (entries.base > edges[-1])
    return np.where(outside, QUANTILES * MOST_TOKENS, length * QUANTILES + band)


def matched_shift(entries: Entries, clusters: Clusters, view: str, unit: str, margin: float, seed: int) -> Shift:
    """The matched rung with its interval; `clusters` are those of all items, `entries.item` points into them.

    `margin` is the smallest shift of interest, in `unit`.
    """
    domain = entries.domain
    n = len(np.unique(clusters.first[entries.item[domain]]))
    if domain.all() or not domain.any():
        missing = Estimate.missing("no targets to match: both the domain's and general ones are needed", n, unit)
        return Shift(view, missing, None, None, 0.0)
    temperature, predicted = best_temperature(entries)
    cell = _cells(entries)
    cells = QUANTILES * MOST_TOKENS
    size = {side: np.bincount(cell[domain == side], minlength=cells + 1)[:cells] for side in (True, False)}
    common = np.flatnonzero((size[True] > 0) & (size[False] > 1))
    support = float(size[True][common].sum() / domain.sum())
    if not len(common):
        why = "no general targets of like length and base log-probability"
        return Shift(view, Estimate.missing(why, n, unit), temperature, None, 0.0)
    held, place = np.unique(entries.item, return_inverse=True)

    # [items, 6 × common cells]: count, gain and predicted gain of each item's domain entries, then of its general ones.
    sums = np.zeros((6, len(held), cells + 1))
    for row, (side, values) in enumerate(product((True, False), (np.ones(len(cell)), entries.gain, predicted))):
        chosen = domain == side
        np.add.at(sums[row], (place[chosen], cell[chosen]), values[chosen])
    table = sums[:, :, common].transpose(1, 0, 2).reshape(len(held), -1)

    def statistic(weights: Array) -> Array:
        count, gain, expected, others, others_gain, others_expected = np.moveaxis(
            (weights @ table).reshape(len(weights), 6, -1), 1, 0
        )
        usable = (count > 0) & (others > 0)
        total = np.where(usable, count, 0.0).sum(1)

        def difference(of: Array, others_of: Array) -> Array:
            with np.errstate(invalid="ignore", divide="ignore"):
                mean: Array = np.where(usable, of - count * others_of / others, 0.0).sum(1) / total
            return mean

        moved, predicted = difference(gain, others_gain), difference(expected, others_expected)
        beyond = moved - predicted
        surely_beyond = beyond - TEMPERATURE_ERROR * np.abs(predicted)
        return np.stack([moved, beyond, predicted, surely_beyond], axis=1)

    inside, is_domain, is_general = clusters.part(held), np.zeros(len(held), bool), np.zeros(len(held), bool)
    is_domain[place[domain]] = is_general[place[~domain]] = True
    result = bootstrap(statistic, inside, seed, fewest=inside.fewest(is_domain, is_general))
    estimate = result.estimate(0, n, unit)
    p = max(result.one_sided_p(0), result.one_sided_p(3))
    expected = float(result.values[2])
    below = result.one_sided_p(1 if expected > 0 else 0, margin, below=True)
    error = max(result.error(0), result.error(1))
    effect = effect_size(float(result.values[0]), entries.gain[domain], clusters.first[entries.item[domain]])
    estimate = replace(estimate, p=p, effect=effect)
    errors = Errors(error, error, int(result.clusters[0]))
    return Shift(view, estimate, temperature, expected, support, below, margin, errors)
