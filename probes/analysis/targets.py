"""The targets that a shift is read from, and what the base alone would make of them.

Strings in running text, or the wrong answers of facts, each with its group, its gain, what a mere change of
temperature would give it, and what its string scores in other contexts. Read by `probes.analysis.shift`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize_scalar

from ...models.table import TEMPERATURES
from ..results.rungs import SHIFT_GROUPS
from .ladder import FactGains, Groups, nanmean
from .resample import Array, codes
from .scores import Pair

MOST_TOKENS = 4
"""Targets of as many tokens and more are one length."""
SHRINKAGE = 1.0
"""Weight, in occurrences, of the mean of all targets of a string's length in what the string is expected to score."""


@dataclass(frozen=True)
class Targets:
    """Strings whose gains are compared, N of them."""

    item: NDArray[np.int64]
    """[N] the item of each, for the clusters."""
    group: Groups
    """[N] one of `SHIFT_GROUPS`."""
    string: NDArray[np.int64]
    """[N] numbers of the strings."""
    capital: NDArray[np.bool_]
    """[N] whether the string begins with a capital letter."""
    base: Array
    """[N] base log-probability, nats per token."""
    tokens: Array
    gain: Array
    """[N] in the comparison's unit."""
    tempered: Array
    """[N, temperatures] base log-probability at each temperature, in the comparison's unit."""


def text_targets(pair: Pair, groups: Groups) -> Targets:
    """Return the terms and words of running text."""
    kept = np.flatnonzero(np.isin(groups, SHIFT_GROUPS))
    scores, items = pair.base, pair.items
    strings = [items[i].target for i in kept]
    return Targets(
        kept,
        groups[kept],
        codes([string.casefold() for string in strings]),
        np.array([string[:1].isupper() for string in strings], dtype=bool),
        scores.value("token")[kept],
        scores.tokens[kept],
        pair.gain[kept],
        (scores.tempered / scores.length(pair.per)[:, None])[kept],
    )


def fact_targets(pair: Pair, gains: FactGains, groups: Groups) -> Targets:
    """Return the wrong answers of the facts in `gains`, an item's wordings averaged; clusters are `gains.answers`."""
    group = groups[gains.fact]
    kept = np.flatnonzero((gains.role > 0) & np.isin(group, SHIFT_GROUPS))
    at, role = gains.index[gains.fact[kept]], gains.role[kept]
    base = pair.base
    tempered = base.tempered[at, :, role] / base.length(pair.per)[at, :, role][..., None]
    strings = [pair.items[i].candidates[k] for i, k in zip(at, role, strict=True)]
    return Targets(
        kept,
        group[kept],
        codes([string.casefold() for string in strings]),
        np.array([string[:1].isupper() for string in strings], dtype=bool),
        nanmean(base.value("token")[at, :, role], 1),
        nanmean(base.tokens[at, :, role], 1).round(),
        gains.gain[kept, 0],
        nanmean(tempered, 1),
    )


def best_temperature(targets: Targets) -> tuple[float, Array]:
    """Return the temperature of the base that comes nearest to the tuned model, and what it gives each target.

    Least squares over contrast and general targets, each group weighing alike: what the temperature is to predict has
    no part in it. Between the temperatures that were read, log-probability is a cubic spline in 1/temperature.
    """
    inverse = 1.0 / np.array(TEMPERATURES)
    order = np.argsort(inverse)
    one = TEMPERATURES.index(1.0)
    spline = CubicSpline(inverse[order], (targets.tempered - targets.tempered[:, [one]])[:, order], axis=1)
    weight = sum(
        (mask / max(1, mask.sum()) for mask in (targets.group == "contrast", targets.group == "general")),
        np.zeros(len(targets.group)),
    )

    def loss(value: float) -> float:
        return float((weight * (targets.gain - spline(value)) ** 2).sum())

    grid = np.linspace(inverse.min(), inverse.max(), 31)
    near = int(np.argmin([loss(value) for value in grid]))
    around = grid[max(0, near - 1)], grid[min(len(grid) - 1, near + 1)]
    best = float(minimize_scalar(loss, bounds=around, method="bounded", options={"xatol": 1e-6}).x)
    return 1.0 / best, spline(best)


def expected_base(targets: Targets) -> Array:
    """Return what each target's string scores in the base in other contexts [N], nats per token.

    A string that occurs seldom is drawn towards the mean of all targets of its length.
    """
    length = np.minimum(targets.tokens, MOST_TOKENS).astype(np.int64)
    by_length = np.bincount(length, targets.base) / np.maximum(np.bincount(length), 1)
    total, count = np.bincount(targets.string, targets.base), np.bincount(targets.string)
    others = total[targets.string] - targets.base
    out: Array = (others + SHRINKAGE * by_length[length]) / (count[targets.string] - 1 + SHRINKAGE)
    return out
