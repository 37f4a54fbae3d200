"""Intervals of proportions, and of differences between paired proportions, that have a width whatever the data.

A bootstrap of answers that are all right, or of pairs that all differ alike, draws the same sample every time: its
interval has no width, which looks like certainty. These formulae know how few the answers are.
"""

from __future__ import annotations

from math import sqrt

from scipy import stats

from ..results.estimate import LEVEL
from ..results.findings import Rate

Interval = tuple[float, float]
WILSON = "Wilson"
AS_IF_BINARY = "Wilson, as if right or wrong"
"""Of shares between 0 and 1, which vary at most as much as 0s and 1s of the same mean."""
NEWCOMBE = "Newcombe, paired"


def wilson(share: float, n: int) -> Interval:
    """Return Wilson's (1927) interval of a share of `n` answers, at `LEVEL`; n × share need not be whole."""
    z = float(stats.norm.ppf((1 + LEVEL) / 2))
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # Rounding must not leave the share out of its own interval.
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def rate(hits: int, n: int) -> Rate:
    """Return `hits` of `n` with the exact interval of Clopper and Pearson (1934), at `LEVEL`."""
    if not n:
        return Rate(hits=0, n=0, rate=None, low=None, high=None)
    interval = stats.binomtest(hits, n).proportion_ci(LEVEL, method="exact")
    return Rate(hits=hits, n=n, rate=hits / n, low=interval.low, high=interval.high)


def newcombe(both: int, first: int, second: int, neither: int) -> Interval:
    """Return the interval of a difference of paired proportions: Newcombe (1998), Statistics in Medicine 17, method 10.

    Args:
        both: Questions that both models answered right.
        first: Questions that the first alone answered right; the difference is first minus second.
        second: Questions that the second alone answered right.
        neither: Questions that neither answered right.
    """
    n = both + first + second + neither
    one, other = (both + first) / n, (both + second) / n
    (low_1, high_1), (low_2, high_2) = wilson(one, n), wilson(other, n)
    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    product = float(both * neither - first * second)
    if product > 0:
        product = max(product - n / 2, 0.0)
    phi = product / sqrt(margins) if margins else 0.0

    def distance(a: float, b: float) -> float:
        return sqrt(max(0.0, a * a - 2 * phi * a * b + b * b))

    difference = one - other
    low = difference - distance(one - low_1, high_2 - other)
    high = difference + distance(high_1 - one, other - low_2)
    return max(-1.0, low), min(1.0, high)


def even_difference(difference: float, n: int) -> Interval:
    """Return an interval for `n` paired differences, between −1 and 1, that are all `difference`.

    Differences of this mean vary at most as much as ones of −1 and 1.
    """
    low, high = wilson((1 + difference) / 2, n)
    return 2 * low - 1, 2 * high - 1


def even_p(distance: float, n: int) -> float:
    """Return a bound of p for `n` changes between −1 and 1 that are all the same, `distance` beyond the hypothesis.

    Were their mean `distance` nearer, at least distance / 2 of them would differ. The bound also holds for a difference
    of two groups of at least `n`.
    """
    return float((1 - min(1.0, max(0.0, distance) / 2)) ** n)
