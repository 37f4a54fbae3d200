"""The permutation of whole relations: own against reference, with ease as a covariate.

A specialty has a few relations and each moves by itself, so relations and not facts are the unit. A block is the facts
of one relation in one specialty. The statistic is the own blocks' mean less the others', adjusted for how easy a block
is to the base (its mean base margin): specialties differ in that, and it decides how far facts can move.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray

from .resample import Array

DRAWS_PER_MODEL = 20_000
"""Permutations for each model of a run, at the least: the smallest p must stay below Holm's first level."""
MOST_DRAWS = 4_000_000
CHUNK = 20_000


@dataclass(frozen=True)
class Blocks:
    """Facts summed up by block, B of them."""

    own: NDArray[np.bool_]
    """[B]"""
    count: Array
    """[B] facts; a block without any has no part."""
    total: Array
    """[B] sum of the facts' scores."""
    ease: Array
    """[B] mean base margin of all facts of the block, known ones too."""

    def adjusted(self) -> tuple[Array, Array]:
        """Return weights and scores [B], the scores less what a block's ease explains, both centred."""
        weight = self.count / max(self.count.sum(), 1.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(self.count > 0, self.total / self.count, 0.0)
        ease = np.where(np.isfinite(self.ease), self.ease, 0.0)
        ease = ease - weight @ ease
        spread = weight @ ease**2
        mean = mean - weight @ mean
        slope = weight @ (ease * mean) / spread if spread > 1e-12 else 0.0
        return weight, mean - slope * ease


def permutation_p(blocks: Blocks, seed: int, models: int = 1) -> float:
    """Return the one-sided p of the own blocks' mean being above the others', labels of whole blocks permuted.

    The observed labelling counts among the permutations (Phipson and Smyth 2010). Where there are no more labellings
    than draws, p cannot fall below one over their number.

    Args:
        blocks: The facts by block.
        seed: Of the permutations.
        models: Models of the run, over which p is corrected.
    """
    used = blocks.count > 0
    own = blocks.own[used]
    count, mine = len(own), int(own.sum())
    if not 0 < mine < count:
        return 1.0
    weight, score = Blocks(own, blocks.count[used], blocks.total[used], blocks.ease[used]).adjusted()
    ease = blocks.ease[used]
    ease = np.where(np.isfinite(ease), ease, 0.0)
    ease = ease - weight @ ease
    spread = float(weight @ ease**2)

    def statistic(labels: Array) -> Array:
        """The coefficient of the label beside ease, [draws]."""
        share = labels @ weight
        tilt = labels @ (weight * ease) / spread if spread > 1e-12 else np.zeros(len(labels))
        above = labels @ (weight * score)
        with np.errstate(invalid="ignore", divide="ignore"):
            out: Array = above / (share * (1 - share) - tilt**2 * spread)
        return out

    observed = float(statistic(own[None].astype(np.float64))[0])
    if not np.isfinite(observed):
        return 1.0
    draws = min(MOST_DRAWS, DRAWS_PER_MODEL * max(1, models), max(1000, comb(count, mine) * 4))
    rng = np.random.default_rng([seed, 7])
    reached, done = 0, 0
    while done < draws:
        size = min(CHUNK, draws - done)
        order = np.argpartition(rng.random((size, count), dtype=np.float32), mine - 1, axis=1)[:, :mine]
        labels = np.zeros((size, count))
        np.put_along_axis(labels, order, 1.0, axis=1)
        # A draw without a value counts as one that reaches it.
        reached += int((~(statistic(labels) < observed - 1e-12)).sum())
        done += size
    return max((1 + reached) / (1 + draws), 1 / comb(count, mine))
