"""Centred log-probabilities of facts' candidates: what a string says in this context and not wherever it stands.

Answers differ in how easily they move, and that, not the subject, is most of a margin's noise. So each candidate's
log-probability is centred by its mean over other cues of its relation where it is false, in base and tuned separately.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .ladder import DISTRACTORS, FactGains, nanmean
from .resample import Array, codes
from .scores import Pair, Scores

SMALL_RELATION = 5
"""A relation of fewer facts counts for nothing."""


@dataclass(frozen=True)
class Centred:
    """Centred log-probabilities of N facts' candidates in `per`'s unit; NaN where one cannot be centred."""

    base: Array
    """[N, candidates], the truth first; wordings averaged."""
    tuned: Array
    """[N, candidates]"""
    like: NDArray[np.bool_]
    """[N, candidates] distractors of like length."""
    base_wordings: Array | None = None
    """[wordings, N, candidates] each wording by itself; NaN where a fact lacks one."""
    tuned_wordings: Array | None = None

    def margins(self) -> tuple[Array, Array]:
        """Return margins [N] in base and tuned; NaN where fewer than `DISTRACTORS` wrong answers are left."""
        return self._margin(self.base), self._margin(self.tuned)

    def leads(self) -> tuple[Array, Array]:
        """Return the truth's lead [N] over the best wrong answer, in base and tuned; NaN as in `margins`."""
        return self._lead(self.base), self._lead(self.tuned)

    def wording_leads(self) -> tuple[Array, Array]:
        """Return the leads [wordings, N] of each wording, in base and tuned."""
        sides = (
            ([self.base] if self.base_wordings is None else list(self.base_wordings)),
            ([self.tuned] if self.tuned_wordings is None else list(self.tuned_wordings)),
        )
        base, tuned = (np.stack([self._lead(values) for values in side]) for side in sides)
        return base, tuned

    def pseudo_margins(self) -> tuple[Array, Array]:
        """Return each wrong answer's score less the mean of the fact's other wrong ones [N, candidates - 1]."""
        base, tuned = self._pseudo(self.base), self._pseudo(self.tuned)
        return base, tuned

    def part(self, kept: NDArray[np.bool_]) -> Centred:
        """Return the facts `kept` [N] alone."""
        wordings = [None if of is None else of[:, kept] for of in (self.base_wordings, self.tuned_wordings)]
        return Centred(self.base[kept], self.tuned[kept], self.like[kept], *wordings)

    def _wrong(self, values: Array) -> tuple[Array, NDArray[np.int64]]:
        wrong = np.where(self.like, values, np.nan)[:, 1:]
        return wrong, np.isfinite(wrong).sum(1)

    def _margin(self, values: Array) -> Array:
        wrong, count = self._wrong(values)
        return np.where(count >= DISTRACTORS, values[:, 0] - nanmean(wrong, 1), np.nan)

    def _lead(self, values: Array) -> Array:
        wrong, count = self._wrong(values)
        best = np.where(np.isfinite(wrong), wrong, -np.inf).max(1, initial=-np.inf)
        return np.where(count >= DISTRACTORS, values[:, 0] - best, np.nan)

    def _pseudo(self, values: Array) -> Array:
        wrong, count = self._wrong(values)
        rest = (np.nansum(wrong, 1, keepdims=True) - wrong) / np.maximum(count - 1, 1)[:, None]
        return np.where((count >= DISTRACTORS)[:, None], wrong - rest, np.nan)


def _centre(values: Array, key: NDArray[np.int64]) -> Array:
    """Take from each candidate its mean over the other facts of its relation where it is false.

    `key` [N, candidates] numbers the answers (-1: no candidate). NaN where an answer is false nowhere else.
    """
    if not len(values):
        return values
    held = np.isfinite(values) & (key >= 0)
    false = held.copy()
    false[:, 0] = False
    flat = np.where(held, key, 0)
    total = np.bincount(flat[false], values[false], minlength=key.max() + 1)[flat]
    count = np.bincount(flat[false], minlength=key.max() + 1)[flat] - false
    elsewhere = total - np.where(false, values, 0.0)
    usable = held & (count > 0)
    return np.where(usable, values - elsewhere / np.where(usable, count, 1), np.nan)


def centre(pair: Pair, gains: FactGains, asked: NDArray[np.bool_] | None = None) -> Centred:
    """Return the centred candidates of the facts in `gains`: of all wordings, or of those `asked` [N, cues]."""
    items = [pair.items[i] for i in gains.index]
    width = gains.like.shape[1]
    relation = codes([item.relation for item in items])
    large = np.bincount(relation, minlength=1)[relation] >= SMALL_RELATION
    key = np.full((len(items), width), -1, dtype=np.int64)
    seen: dict[tuple[int, str], int] = {}
    for row, item in enumerate(items):
        for k, candidate in enumerate(item.answers):
            key[row, k] = seen.setdefault((int(relation[row]), candidate), len(seen))

    def centred(values: Array) -> Array:
        return np.where(large[:, None], _centre(values, key), np.nan)

    def both(scores: Scores) -> tuple[Array, Array]:
        every = scores.value(pair.per)[gains.index]
        every = every if asked is None else np.where(asked[..., None], every, np.nan)
        cues = range(every.shape[1])
        return centred(nanmean(every, 1)), np.stack([centred(every[:, cue]) for cue in cues])

    (base, base_wordings), (tuned, tuned_wordings) = both(pair.base), both(pair.tuned)
    return Centred(base, tuned, gains.like, base_wordings, tuned_wordings)
