"""Resampling: two-way clustered intervals, permutation of labels, Holm's correction.

Concepts and answers (in texts: concepts and documents) are crossed clusters. The variance of an estimate is that of
Cameron, Gelbach and Miller (2011), V_first + V_second − V_intersection, each part by a cluster bootstrap; the
interval's shape is the bootstrap distribution over the clusters that vary more, scaled to that variance. Below
`FEW_CLUSTERS` clusters, in the smallest group that a statistic rests on, a t interval takes its place.

Draws depend on the seed and the clusters alone, so several models on the same items are resampled jointly.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.sparse import csr_array

from ..results.estimate import LEVEL, Estimate

DRAWS = 1999
PERMUTATIONS = 4999
FEW_CLUSTERS = 30
DENSE = 2_000_000
"""Numbers in a table of sums up to which it is multiplied as a dense one."""
LEAST = 2
"""Clusters that an interval needs."""
TOO_FEW = "no interval: it needs at least two"
NO_SPREAD = "no interval: all are the same"

Array = NDArray[np.float64]
Statistic = Callable[[Array], Array]
"""Weights [draws, items] → values [draws, statistics]; NaN where a draw leaves a group empty."""


def codes(labels: Sequence[Hashable]) -> NDArray[np.int64]:
    """Labels as integers from 0, in order of first appearance."""
    seen: dict[Hashable, int] = {}
    return np.array([seen.setdefault(label, len(seen)) for label in labels], dtype=np.int64)


@dataclass(frozen=True)
class Clusters:
    """Two crossed clusterings of the same items: `first` and `second` are integer codes [items]."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]

    @classmethod
    def of(cls, first: Sequence[Hashable], second: Sequence[Hashable]) -> Clusters:
        return cls(codes(first), codes(second))

    @property
    def both(self) -> NDArray[np.int64]:
        return codes(list(zip(self.first.tolist(), self.second.tolist(), strict=True)))

    def part(self, kept: NDArray[np.int64] | NDArray[np.bool_]) -> Clusters:
        """The clusterings of some of the items."""
        return Clusters.of(self.first[kept].tolist(), self.second[kept].tolist())

    def concepts(self, kept: NDArray[np.bool_]) -> int:
        """Clusters of the first kind among some of the items."""
        return len(np.unique(self.first[kept]))

    def fewest(self, *groups: NDArray[np.bool_]) -> int:
        """The smallest number of clusters, of either kind, in any of `groups` (masks [items])."""
        return min(len(np.unique(of[kept])) for kept in groups for of in (self.first, self.second))


@lru_cache(maxsize=512)
def _counts(clusters: int, draws: int, key: tuple[int, ...]) -> NDArray[np.uint8]:
    """How often each cluster is drawn, [draws, clusters]; kept, because every model of a run draws the same."""
    drawn = np.random.default_rng(key).integers(clusters, size=(draws, clusters))
    drawn += clusters * np.arange(draws)[:, None]
    return np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape).astype(np.uint8)


def cluster_weights(cluster: NDArray[np.int64], draws: int, seed: tuple[int, ...]) -> Iterator[Array]:
    """Bootstrap weights [draws, items] in chunks: clusters drawn with replacement, an item weighs as its cluster."""
    clusters = int(cluster.max()) + 1 if len(cluster) else 1
    for chunk, size in enumerate(_chunks(draws, len(cluster))):
        yield _counts(clusters, size, (*seed, chunk))[:, cluster].astype(np.float64)


@dataclass(frozen=True)
class Bootstrap:
    """The bootstrap distribution of several statistics: `values` [statistics], `deviations` [draws, statistics]."""

    values: Array
    deviations: Array
    """Scaled to the two-way variance."""
    clusters: NDArray[np.int64]
    """[statistics] clusters in the smallest group that each rests on."""

    def error(self, index: int) -> float:
        """Standard error of statistic `index`, corrected where its clusters are few; NaN where nothing is known."""
        clusters, deviations = self.clusters[index], self.deviations[:, index]
        deviations = deviations[np.isfinite(deviations)]
        if len(deviations) < 2 or not np.isfinite(self.values[index]):
            return float("nan")
        few = np.sqrt(clusters / max(1, clusters - 1)) if clusters < FEW_CLUSTERS else 1.0
        return float(deviations.std(ddof=1) * few)

    def quantile(self, index: int, probability: float) -> float:
        """A one-sided bound of statistic `index` at confidence `probability` (upper for > .5, lower for < .5)."""
        deviations = self.deviations[:, index]
        deviations = deviations[np.isfinite(deviations)]
        if len(deviations) < 2 or not np.isfinite(self.values[index]):
            return float("nan")
        if (clusters := self.clusters[index]) < FEW_CLUSTERS:
            return float(self.values[index] + stats.t.ppf(probability, max(1, clusters - 1)) * self.error(index))
        # The basic bootstrap's reflection, so that a skewed statistic's bound leans the right way.
        return float(self.values[index] - np.quantile(deviations, 1 - probability))

    def one_sided_p(self, index: int, against: float = 0.0, *, below: bool = False) -> float:
        """p of the hypothesis "at most `against`" (with `below`: "at least `against`"); 1 where nothing is known."""
        distance = float(self.values[index]) - against
        deviations = self.deviations[:, index]
        deviations = deviations[np.isfinite(deviations)]
        if len(deviations) < 2 or not np.isfinite(distance):
            return 1.0
        if below:
            distance, deviations = -distance, -deviations
        if (clusters := self.clusters[index]) < FEW_CLUSTERS:
            spread = self.error(index)
            return float(stats.t.sf(distance / spread, max(1, clusters - 1))) if spread else float(distance <= 0)
        return float((1 + (deviations >= distance).sum()) / (1 + len(deviations)))

    def estimate(self, index: int, n: int, unit: str, missing: str = "no items") -> Estimate:
        """Statistic `index` with its interval; `missing` says why where there is no value.

        Below two clusters, and where shares of answers do not vary, there is no interval, and `note` says why.
        """
        value = float(self.values[index])
        if not np.isfinite(value):
            return Estimate.missing(missing, n, unit)
        tail = (1 - LEVEL) / 2
        low, high = self.quantile(index, tail), self.quantile(index, 1 - tail)
        if not high > low and (n < LEAST or unit.startswith("share")):
            # Draws that are all the same show no certainty.
            return Estimate(value, unit=unit, n=n, note=TOO_FEW if n < LEAST else NO_SPREAD)
        method = "two-way cluster bootstrap" if self.clusters[index] >= FEW_CLUSTERS else "clustered t"
        return Estimate(value, low, high, unit, method, n)


def bootstrap(
    statistic: Statistic,
    clusters: Clusters,
    seed: int,
    draws: int = DRAWS,
    fewest: int | Sequence[int] | None = None,
) -> Bootstrap:
    """Bootstraps `statistic` over two crossed clusterings; see the module's docstring.

    `fewest` counts the clusters in the smallest group that a statistic rests on (one number for all, or one for
    each); by default all items are one group.
    """
    values = statistic(np.ones((1, len(clusters.first))))[0]

    def drawn(cluster: NDArray[np.int64], offset: int) -> Array:
        every = [statistic(w) for w in cluster_weights(cluster, draws, (seed, offset))]
        deviations: Array = np.concatenate(every) - values
        return deviations

    return _two_way(values, drawn, clusters, fewest)


def bootstrap_sums(
    table: csr_array,
    statistic: Statistic,
    clusters: Clusters,
    seed: int,
    draws: int = DRAWS,
    fewest: int | Sequence[int] | None = None,
) -> Bootstrap:
    """Bootstrap a statistic of weighted sums, with the draws of `bootstrap` and in a fraction of its time.

    Args:
        table: [items, columns] whose weighted sums over items the statistic is computed from.
        statistic: Sums [draws, columns] → values [draws, statistics].
        clusters: Of the items.
        seed: Of the draws.
        draws: Their number.
        fewest: As in `bootstrap`.
    """
    values = statistic(np.asarray(table.sum(axis=0)).reshape(1, -1))[0]

    def drawn(cluster: NDArray[np.int64], offset: int) -> Array:
        count = int(cluster.max()) + 1 if len(cluster) else 1
        places = cluster, np.arange(len(cluster))
        by_cluster = csr_array((np.ones(len(cluster)), places), shape=(count, len(cluster))) @ table
        held = by_cluster.toarray() if count * table.shape[1] < DENSE else None
        turned = by_cluster.T.tocsr()
        every = []
        for chunk, size in enumerate(_chunks(draws, len(cluster))):
            weights = _counts(count, size, (seed, offset, chunk)).astype(np.float64)
            every.append(statistic(weights @ held if held is not None else (turned @ weights.T).T))
        deviations: Array = np.concatenate(every) - values
        return deviations

    return _two_way(values, drawn, clusters, fewest)


def _two_way(
    values: Array,
    drawn: Callable[[NDArray[np.int64], int], Array],
    clusters: Clusters,
    fewest: int | Sequence[int] | None,
) -> Bootstrap:
    """Return the two-way distribution from the deviations that `drawn` gives for each clustering."""
    first, second, both = drawn(clusters.first, 0), drawn(clusters.second, 1), clusters.both
    # Where one clustering is nested in the other, the finer of the two is the intersection.
    nested = [part for part, of in ((first, clusters.first), (second, clusters.second)) if np.array_equal(of, both)]
    one, other, intersection = map(_variance, (first, second, nested[0] if nested else drawn(both, 2)))
    variance = np.maximum(one + other - intersection, np.maximum(one, other))
    wider = one >= other
    with np.errstate(all="ignore"):
        scale = np.sqrt(variance / np.where(wider, one, other))
    deviations = np.where(wider, first, second) * np.where(np.isfinite(scale), scale, 1.0)
    if fewest is None:
        fewest = clusters.fewest(np.ones(len(both), dtype=bool))
    return Bootstrap(values, deviations, np.broadcast_to(np.asarray(fewest, dtype=np.int64), values.shape))


def _variance(drawn: Array) -> Array:
    """Variance over the draws [draws, statistics] that left no group empty; NaN where fewer than two did."""
    held = np.isfinite(drawn)
    number = held.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(held, drawn, 0.0).sum(0) / number
        squares = np.where(held, drawn - mean, 0.0) ** 2
        return np.where(number > 1, squares.sum(0) / (number - 1), np.nan)


def _chunks(draws: int, items: int, elements: int = 1 << 17) -> list[int]:
    """Splits `draws` so that a weight matrix holds about `elements` numbers: what a core's own cache holds."""
    size = max(4, min(draws, elements // max(1, items)))
    return [min(size, draws - begin) for begin in range(0, draws, size)]


def permutation_p(
    statistic: Statistic,
    own: NDArray[np.bool_],
    cluster: NDArray[np.int64],
    seed: int,
    draws: int = PERMUTATIONS,
) -> float:
    """One-sided p of `statistic` (of 0/1 own weights [draws, items] → [draws, 1]) under permuted cluster labels.

    The number of own clusters stays fixed, and so do the labels of a cluster that has own and other items. The
    observed labelling counts among the permutations (Phipson and Smyth 2010).
    """
    clusters = int(cluster.max()) + 1
    share = np.bincount(cluster, own, clusters) / np.bincount(cluster, minlength=clusters)
    pure = np.flatnonzero((share == 0) | (share == 1))
    observed = statistic(own[None].astype(np.float64))[0, 0]
    rng = np.random.default_rng([seed, 7])
    labels = np.broadcast_to(share, (max(_chunks(draws, len(cluster))), clusters)).copy()
    mixed = ~np.isin(cluster, pure)
    reached = 0
    for size in _chunks(draws, len(cluster)):
        labels[:size, pure] = rng.permuted(np.broadcast_to(share[pure], (size, len(pure))), axis=1)
        drawn = labels[:size, cluster]
        drawn[:, mixed] = own[mixed]
        # A draw without a value counts as one that reaches it.
        reached += int((~(statistic(drawn)[:, 0] < observed - 1e-12)).sum())
    return (1 + reached) / (1 + draws)


def effect_size(value: float, values: Array, cluster: NDArray[np.int64]) -> float | None:
    """`value` over the standard deviation between the clusters' means of `values` [items]; None where that is zero."""
    if not np.isfinite(value) or len(values) < 2:
        return None
    count = np.bincount(cluster)
    means = (np.bincount(cluster, values) / np.maximum(count, 1))[count > 0]
    spread = means.std(ddof=1) if len(means) > 1 else 0.0
    return float(value / spread) if spread > 1e-12 * (1e-12 + np.abs(means).max()) else None


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values, in the given order."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [1.0] * len(p_values)
    running = 0.0
    for step, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - step) * p_values[index]))
        adjusted[index] = running
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values (false discovery rate), NaN kept where given."""
    p = np.asarray(p_values, dtype=np.float64)
    out = np.full(len(p), np.nan)
    known = np.isfinite(p)
    if known.any():
        out[known] = stats.false_discovery_control(p[known])
    return [float(q) for q in out]
