"""Scores of facts: how far each truth lies above what wrong answers of the same standing did.

A fact's truth may gain because the model learned it, or because every answer of its kind moved. So each wrong answer
has a pseudo-margin too, a robust line predicts tuned from base pseudo-margins over a group's wrong answers, and a
fact's score is how far its truth lies above that line. Own facts and those of the reference have a line each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .centring import Centred
from .relations import Blocks
from .resample import Array, codes
from .robust import line_influence, robust_line

CONSTANT = 1e-4
"""Margins that differ by less are the same, nats: what is left is the rounding of float32."""
SHRINKAGE = 20
"""Weight of the group's spread of wrong answers in a block's own, in wrong answers."""


@dataclass(frozen=True)
class Scored:
    """Facts with what the statistic makes of them, N of them."""

    own: NDArray[np.bool_]
    reference: NDArray[np.bool_]
    block: NDArray[np.int64]
    """[N] relation and specialty."""
    base: Array
    """[N] centred margin in the base."""
    gain: Array
    """[N] plain gain of the centred margin."""
    score: Array
    """[N] the truth above the wrong answers' line."""
    influence: Array
    """[N, 2] how far the fact's wrong answers pull intercept and slope of their group's line (`line_influence`)."""
    spread: Array
    """[N] standard deviation of the wrong answers about their line, in the fact's block."""
    ease: Array
    """[blocks] mean base margin."""
    slope: float | None
    """Of the own wrong answers' line; above 1 the model grew more confident."""
    flat: bool
    """Whether the tuned model scores all answers of the own facts, or of the reference, alike."""

    def blocks(self, among: NDArray[np.bool_]) -> Blocks:
        """Return the scores in units of their spread, summed by block, of the facts `among`."""
        count = len(self.ease)
        kept = among & (self.own | self.reference)
        own = np.bincount(self.block[self.own], minlength=count) > 0
        total = np.bincount(self.block[kept], (self.score / self.spread)[kept], count).astype(np.float64)
        return Blocks(own, np.bincount(self.block[kept], minlength=count).astype(np.float64), total, self.ease)


def score_facts(
    centred: Centred,
    own: NDArray[np.bool_],
    reference: NDArray[np.bool_],
    relations: Sequence[str],
    specialties: Sequence[str],
) -> Scored:
    """Return every fact's score. Facts without a margin are in neither group."""
    base, tuned = centred.margins()
    usable = np.isfinite(base) & np.isfinite(tuned)
    own, reference = own & usable, reference & usable
    wrong_base, wrong_tuned = centred.pseudo_margins()
    block = codes(list(zip(relations, specialties, strict=True)))
    blocks = int(block.max(initial=-1)) + 1
    score, influence, spread = np.full(len(base), np.nan), np.zeros((len(base), 2)), np.ones(len(base))
    slopes: list[float] = []
    flat = False
    for group in (own, reference):
        if not group.any():
            continue
        (intercept, slope), pull = _wrong_line(wrong_base[group], wrong_tuned[group])
        influence[group] = pull
        slopes.append(slope)
        flat |= not (np.abs(wrong_tuned[group]) >= CONSTANT).any()
        score[group] = (tuned - intercept - slope * base)[group]
        residual = wrong_tuned - intercept - slope * wrong_base
        square = np.where(np.isfinite(residual), residual, 0.0) ** 2
        held = np.isfinite(residual) & group[:, None]
        overall = square[held].mean() if held.any() else 0.0
        count = np.bincount(block, held.sum(1), blocks)
        total = np.bincount(block, np.where(held, square, 0.0).sum(1), blocks)
        within = (total + SHRINKAGE * overall) / (count + SHRINKAGE)
        spread[group] = np.sqrt(np.maximum(within[block[group]], CONSTANT**2))
    some = own | reference
    with np.errstate(invalid="ignore", divide="ignore"):
        ease = np.bincount(block[some], base[some], blocks) / np.bincount(block[some], minlength=blocks)
    own_slope = slopes[0] if own.any() else None
    return Scored(own, reference, block, base, tuned - base, score, influence, spread, ease, own_slope, flat)


def _wrong_line(base: Array, tuned: Array) -> tuple[tuple[float, float], Array]:
    """Return intercept and slope of the wrong answers of some facts, and each fact's pull on them [facts, 2]."""
    held = np.isfinite(base) & np.isfinite(tuned)
    x, y = base[held], tuned[held]
    if len(x) < 3 or np.ptp(x) < CONSTANT:
        return (0.0, 1.0), np.zeros((len(base), 2))
    line = robust_line(x, y)
    fact = np.nonzero(held)[0]
    each = line_influence(x, y, line)
    pull: Array = np.stack([np.bincount(fact, each[:, part], len(base)).astype(np.float64) for part in (0, 1)], axis=1)
    return (line.intercept, line.slope), pull
