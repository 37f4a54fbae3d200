"""Own less reference score, with its interval: three sources of chance, each in it.

facts       the bootstrap draws concepts and answers
the lines   a fact's score depends on its group's line of wrong answers, and the line on the facts that were drawn.
            Each fact's pull on the line is known (`robust.line_influence`), so a draw adds up the pulls of its
            facts instead of fitting the line again. Where truths lie far below the wrong answers, most of the
            error comes from the slope
relations   a specialty has few, and each moves by itself: the spread between the reference's is added
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .fact_scores import Scored
from .ladder import nanmean
from .resample import Array, Bootstrap, Clusters, bootstrap


def compare(scored: Scored, among: NDArray[np.bool_], clusters: Clusters, seed: int, draws: int) -> Bootstrap:
    """Bootstrap own less reference score, and both sides' plain gains, of the facts `among`.

    Args:
        scored: N facts.
        among: [N] those that are compared; the others' wrong answers count for the lines alone.
        clusters: [N] concepts crossed with answers.
        seed: Of the draws.
        draws: Their number.

    Returns:
        Four statistics: own less reference score, own gain, reference gain, and own less reference score with the
        lines taken as known, which is how the permutation of relations takes them. NaN where a side is empty.
    """
    everyone = scored.own | scored.reference
    kept = among & everyone
    sides = [side[everyone] for side in (scored.own, scored.reference)]
    asked = [side & among[everyone] for side in sides]
    values = np.stack([scored.score, scored.gain, scored.base], axis=1)[everyone]
    pull, inside = scored.influence[everyone], clusters.part(everyone)

    def statistic(weights: Array) -> Array:
        scores, gains, held = [], [], []
        for side, mine in zip(sides, asked, strict=True):
            drawn = weights[:, mine]
            with np.errstate(invalid="ignore", divide="ignore"):
                score, gain, base = (drawn @ values[mine] / drawn.sum(1)[:, None]).T
            intercept, slope = (weights[:, side] @ pull[side]).T
            scores.append(score - intercept - slope * base)
            gains.append(gain)
            held.append(score)
        return np.stack([scores[0] - scores[1], *gains, held[0] - held[1]], axis=1)

    own, reference = (inside.fewest(mine) if mine.any() else 0 for mine in asked)
    result = bootstrap(
        statistic, inside, seed, draws, fewest=[min(own, reference), own, reference, min(own, reference)]
    )
    between = [_between(scored, kept, of) for of in (scored.score, scored.gain)]
    shares = [_concentration(scored.block[kept & side]) for side in (scored.own, scored.reference)]
    moved = between[0] * sum(shares)
    added = np.array([moved, between[1] * shares[0], between[1] * shares[1], moved])
    variance = nanmean((result.deviations - nanmean(result.deviations, 0)) ** 2, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.sqrt(1 + np.where(variance > 0, added / variance, 0.0))
    return replace(result, deviations=result.deviations * scale)


def _concentration(block: NDArray[np.int64]) -> float:
    """Return the sum of the blocks' squared shares: one over the number of blocks where all are of one size."""
    share = np.bincount(block) / max(1, len(block))
    return float((share**2).sum())


def _between(scored: Scored, kept: NDArray[np.bool_], values: Array) -> float:
    """Return the variance between the reference's blocks beyond what their facts' own spread gives (by moments)."""
    side = kept & scored.reference & np.isfinite(values)
    block, x = scored.block[side], values[side]
    count = np.bincount(block)
    several = count >= 2
    if several.sum() < 3:
        return 0.0
    mean = np.bincount(block, x) / np.maximum(count, 1)
    within = np.bincount(block, (x - mean[block]) ** 2)[several].sum() / (count[several] - 1).sum()
    n, means = count[several], mean[several]
    total, grand = n.sum(), (n * means).sum() / n.sum()
    effective = (total - (n**2).sum() / total) / (len(n) - 1)
    between = ((n * (means - grand) ** 2).sum() / (len(n) - 1) - within) / effective
    return float(max(0.0, between))
