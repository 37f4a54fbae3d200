"""Domain shift for the verdict: towards the domain, or away from the rest?

Four groups of targets are read: own, other, contrast (another domain), general. What the best-fitting *temperature*
of the base alone would give each target is taken from its gain; the temperature is fitted on contrast and general
targets, never on what it is to predict. Three figures decide:

    D1   what the other specialties' targets gained beyond the contrast's, like with like
    D0   what the other specialties' targets gained in absolute terms: beyond the temperature's prediction, and plainly
    L    what general language gained, mostly a loss

Like with like: targets of the contrast are weighted to the domain's lengths and base log-probabilities. A target's
base log-probability is that of the same string in *other* contexts: matching on the very score that is compared would
regress to the mean. Names of places begin with a capital letter and names of diseases do not, so the effect of a
capital is read from general targets and subtracted. Without a contrast D1 is taken against general targets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ..results.estimate import Estimate
from ..results.findings import MARGIN
from ..results.rungs import SHIFT_GROUPS, ShiftGroup
from .detectable import Errors
from .resample import Array, Bootstrap, Clusters, bootstrap_sums, effect_size
from .targets import MOST_TOKENS, Targets, best_temperature, expected_base

QUANTILES = 8
"""Bands of base log-probability."""
TEMPERATURE_ERROR = 0.1
"""Relative interpolation error allowed for what the temperature gives, between the temperatures that were read."""
SUPPORT = 0.7
"""Share of the domain's targets that have counterparts; below it the verdict says which share the estimate covers."""


@dataclass(frozen=True)
class Shift:
    """Read by `probes.analysis.verdict`."""

    view: str
    contrast: str
    """What the domain is compared with: `contrast`, or `general` where there is no contrast domain."""
    over_contrast: Estimate
    """D1; `p` is one-sided, of "no more than the contrast, or no more than the temperature gives"."""
    absolute: Estimate
    """D0; `p` likewise."""
    general: Estimate
    """L: the plain gain of general targets."""
    towards_own: Estimate
    """What own targets gained beyond other specialties' like them."""
    gradient: dict[ShiftGroup, Estimate]
    """The plain gain of each group."""
    temperature: float | None
    predicted: float | None
    """What that temperature alone would give D1."""
    support: float
    """Share of the domain's targets that have counterparts of like length and base log-probability."""
    below_margin_p: tuple[float | None, float | None] = (None, None)
    """One-sided p of H0 "at least the smallest shift of interest", of D1 and of D0."""
    margin: float = MARGIN
    """The smallest shift of interest, in the estimate's unit."""
    errors: Errors | None = None
    """Standard errors of the test of D1, for what it could have seen."""


def _cells(targets: Targets, domain: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return cells [N] of like length and like expected base log-probability.

    Bands are quantiles of the domain's targets. Beyond the domain's own range nothing is like it: such a target falls
    in a last cell of its own.
    """
    base = expected_base(targets)
    length = np.minimum(targets.tokens, MOST_TOKENS).astype(np.int64) - 1
    edges = np.quantile(base[domain], np.linspace(0, 1, QUANTILES + 1))
    band = np.searchsorted(edges[1:-1], base)
    outside = (base < edges[0]) | (base > edges[-1])
    return np.where(outside, QUANTILES * MOST_TOKENS, length * QUANTILES + band)


def matched_shift(
    targets: Targets, clusters: Clusters, view: str, unit: str, margin: float, seed: int, is_own_tuned: bool
) -> Shift:
    """Return the shift's figures with their intervals.

    Args:
        targets: What is compared.
        clusters: Clusters of all items; `targets.item` points into them.
        view: Where gains are read.
        unit: Of the gains.
        margin: The smallest shift of interest, in `unit`.
        seed: Of the bootstrap.
        is_own_tuned: Whether the model is tuned on one specialty; else the whole domain is own.
    """
    moved_group: ShiftGroup = "other" if is_own_tuned else "own"
    contrast: ShiftGroup = "contrast" if (targets.group == "contrast").any() else "general"
    domain, reference = targets.group == moved_group, targets.group == contrast
    items, place = np.unique(targets.item, return_inverse=True)
    inside = clusters.part(items)

    def concepts(mask: NDArray[np.bool_]) -> int:
        return len(np.unique(clusters.first[targets.item[mask]]))

    def missing(why: str, support: float = 0.0) -> Shift:
        none = Estimate.missing(why, concepts(domain), unit)
        if not len(items):
            gradient = {group: Estimate.missing(f"no {group} targets", 0, unit) for group in SHIFT_GROUPS}
            return Shift(view, contrast, none, none, none, none, gradient, None, None, support)
        plain = _plain_gains(targets, place, inside, unit, seed)
        return Shift(view, contrast, none, none, plain["general"], none, plain, None, None, support)

    if not domain.any() or not reference.any():
        return missing(f"no targets to match: both the domain's and {contrast} ones are needed")
    temperature, predicted = best_temperature(targets)
    cell = _cells(targets, domain)
    common = _common(cell, domain, reference)
    support = float(np.isin(cell[domain], common).mean())
    if not len(common):
        return missing(f"no {contrast} targets of like length and base log-probability", support)
    sums = _Sums(targets, predicted, cell, place, len(items))
    capital = _letters(sums)
    matched = sums.matched(domain, reference)
    own = sums.matched(targets.group == "own", domain)
    absolute = sums.mean(domain)
    plain_means = sums.plain()

    def statistic(held: Array) -> Array:
        letter = capital(held)
        beyond, expected, letters = matched(held)
        towards, _, own_letters = own(held)
        level, level_expected = absolute(held)
        figures = [
            beyond - letter * letters,
            beyond - letter * letters - TEMPERATURE_ERROR * np.abs(expected),
            level,
            level - TEMPERATURE_ERROR * np.abs(level_expected),
            towards - letter * own_letters,
            expected,
        ]
        return np.concatenate([np.stack(figures, axis=1), plain_means(held)], axis=1)

    counted = [_any(place, mask, len(items)) for mask in (domain, reference)]
    few_own = _any(place, targets.group == "own", len(items))
    two = inside.fewest(*counted)
    one = inside.fewest(counted[0])
    of_own = min(one, inside.fewest(few_own)) if few_own.any() else 0
    groups = [_any(place, targets.group == group, len(items)) for group in SHIFT_GROUPS]
    fewest = [two, two, one, one, of_own, two, *(inside.fewest(mask) if mask.any() else 0 for mask in groups)]
    result = bootstrap_sums(sums.table(), statistic, inside, seed, fewest=fewest)
    plain = {
        group: result.estimate(6 + column, inside.concepts(mask), unit, f"no {group} targets")
        for column, (group, mask) in enumerate(zip(SHIFT_GROUPS, groups, strict=True))
    }
    n = concepts(domain)
    # The temperature that fits a rest which faded predicts a loss, and a domain that stood still lies above that.
    gained = 6 + SHIFT_GROUPS.index(moved_group)
    gains = targets.gain - predicted

    def estimate(index: int, *tests: int) -> Estimate:
        found = result.estimate(index, n, unit)
        effect = effect_size(float(result.values[index]), gains[domain], clusters.first[targets.item[domain]])
        return replace(found, p=max(result.one_sided_p(test) for test in (index, *tests)), effect=effect)

    why = "no own targets, or none like the other specialties'"
    towards = result.estimate(4, concepts(targets.group == "own"), unit, why)
    error = max(result.error(0), result.error(1))
    return Shift(
        view,
        contrast,
        estimate(0, 1),
        estimate(2, 3, gained),
        plain["general"],
        towards if is_own_tuned else Estimate.missing("the tune is for the whole domain", 0, unit),
        plain,
        temperature,
        float(result.values[5]),
        support,
        (_below(result, 0, margin), _below(result, 2, margin)),
        margin,
        Errors(error, error, int(result.clusters[0])),
    )


def _below(result: Bootstrap, index: int, margin: float) -> float:
    return result.one_sided_p(index, margin, below=True)


def _any(place: NDArray[np.int64], mask: NDArray[np.bool_], count: int) -> NDArray[np.bool_]:
    """Return which items [count] have a target in `mask`."""
    out = np.zeros(count, dtype=bool)
    out[place[mask]] = True
    return out


def _common(cell: NDArray[np.int64], domain: NDArray[np.bool_], reference: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the cells in which both sides have targets, the reference at least two."""
    size = [np.bincount(cell[side], minlength=QUANTILES * MOST_TOKENS + 1)[:-1] for side in (domain, reference)]
    return np.flatnonzero((size[0] > 0) & (size[1] > 1))


class _Sums:
    """Sums over items, cells and groups, from which each draw's means are made."""

    def __init__(
        self, targets: Targets, predicted: Array, cell: NDArray[np.int64], place: NDArray[np.int64], items: int
    ) -> None:
        self.targets, self.cell, self.place, self.items = targets, cell, place, items
        self.values = np.stack(
            [np.ones(len(cell)), targets.gain - predicted, predicted, targets.capital.astype(np.float64)]
        )
        self._entries: list[tuple[NDArray[np.int64], NDArray[np.int64], Array]] = []
        self._width = 0

    def table(self) -> csr_array:
        """Return all sums that were asked for, [items, columns]."""
        rows, columns, data = (np.concatenate(parts) for parts in zip(*self._entries, strict=True))
        return csr_array((data, (rows, columns)), shape=(self.items, self._width))

    def _add(self, rows: NDArray[np.int64], columns: NDArray[np.int64], data: Array, width: int) -> None:
        self._entries.append((rows, columns, data))
        self._width = max(self._width, width)

    def matched(self, one: NDArray[np.bool_], other: NDArray[np.bool_]) -> _Contrast:
        """Return the contrast of two masks [N] within cells, weighted as `one` is."""
        common = _common(self.cell, one, other)
        where = np.full(int(self.cell.max()) + 1, -1)
        where[common] = np.arange(len(common))
        rows, first = len(self.values), self._width
        width = first + 2 * rows * len(common)
        for side, mask in enumerate((one, other)):
            chosen = np.flatnonzero(mask & (where[self.cell] >= 0))
            for row, values in enumerate(self.values):
                column = first + (side * rows + row) * len(common) + where[self.cell[chosen]]
                self._add(self.place[chosen], column, values[chosen], width)
        self._width = width
        return _Contrast(first, rows, len(common))

    def mean(self, mask: NDArray[np.bool_]) -> _Mean:
        """Return the mean over a mask [N]."""
        first, chosen = self._width, np.flatnonzero(mask)
        for row, values in enumerate(self.values[:3]):
            self._add(self.place[chosen], np.full(len(chosen), first + row), values[chosen], first + 3)
        return _Mean(first)

    def plain(self) -> _Plain:
        """Return each group's mean gain."""
        first, groups = self._width, len(SHIFT_GROUPS)
        number = np.select([self.targets.group == group for group in SHIFT_GROUPS], range(groups))
        self._add(self.place, first + number, np.ones(len(number)), first + 2 * groups)
        self._add(self.place, first + groups + number, self.targets.gain, first + 2 * groups)
        return _Plain(first)


@dataclass(frozen=True)
class _Contrast:
    """Differences of two sides' means within cells, weighted by the first side's counts."""

    first: int
    rows: int
    cells: int

    def __call__(self, held: Array) -> tuple[Array, Array, Array]:
        """Return the difference of gain beyond the temperature, of its prediction, and of the share of capitals."""
        part = held[:, self.first : self.first + 2 * self.rows * self.cells]
        part = part.reshape(len(held), 2, self.rows, self.cells)
        count, others = part[:, 0, 0], part[:, 1, 0]
        usable = (count > 0) & (others > 0)
        total = np.where(usable, count, 0.0).sum(1)
        out = []
        with np.errstate(invalid="ignore", divide="ignore"):
            for row in range(1, self.rows):
                difference = part[:, 0, row] - count * part[:, 1, row] / others
                out.append(np.where(usable, difference, 0.0).sum(1) / total)
        return out[0], out[1], out[2]


@dataclass(frozen=True)
class _Mean:
    first: int

    def __call__(self, held: Array) -> tuple[Array, Array]:
        """Return the mean gain beyond the temperature, and its prediction."""
        count, gain, expected = (held[:, self.first + row] for row in range(3))
        with np.errstate(invalid="ignore", divide="ignore"):
            return gain / count, expected / count


@dataclass(frozen=True)
class _Plain:
    first: int

    def __call__(self, held: Array) -> Array:
        """Return the mean gain of each group [draws, groups]; NaN where it has no targets."""
        middle, groups = self.first + len(SHIFT_GROUPS), len(SHIFT_GROUPS)
        count, total = held[:, self.first : middle], held[:, middle : middle + groups]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(count > 0, total / count, np.nan)


def _letters(sums: _Sums) -> Callable[[Array], Array]:
    """Return what a capital letter adds to a general target's gain [draws]; 0 where that cannot be read."""
    general, capital = sums.targets.group == "general", sums.targets.capital
    if not (general & capital).any() or not (general & ~capital).any():
        return lambda held: np.zeros(len(held))
    contrast = sums.matched(general & capital, general & ~capital)

    def effect(held: Array) -> Array:
        if not contrast.cells:
            return np.zeros(len(held))
        found, _, _ = contrast(held)
        return np.where(np.isfinite(found), found, 0.0)

    return effect


def _plain_gains(
    targets: Targets, place: NDArray[np.int64], clusters: Clusters, unit: str, seed: int
) -> dict[ShiftGroup, Estimate]:
    """Return the plain mean gain of each group, where nothing else can be read."""
    items = len(clusters.first)
    sums = _Sums(targets, np.zeros(len(place)), np.zeros(len(place), dtype=np.int64), place, items)
    means = sums.plain()
    groups = [_any(place, targets.group == group, items) for group in SHIFT_GROUPS]
    fewest = [clusters.fewest(mask) if mask.any() else 0 for mask in groups]
    result = bootstrap_sums(sums.table(), means, clusters, seed, fewest=fewest)
    return {
        group: result.estimate(column, clusters.concepts(mask), unit, f"no {group} targets")
        for column, (group, mask) in enumerate(zip(SHIFT_GROUPS, groups, strict=True))
    }
