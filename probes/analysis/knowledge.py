"""The knowledge statistic: did true answers gain on wrong ones in the own specialty more than in others?

Answers differ in how easily they move, and that, not the subject, is most of a margin's noise. So each candidate's
log-probability is centred by its mean over other cues of its relation where it is false, in base and tuned
separately; margins are formed from the centred values; the tuned margin is predicted from the base margin by a
robust line fitted over the other specialties (a model that only grew more confident scales every margin); and
`specific_knowledge` is the mean residual of the own specialty.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..results.estimate import Estimate
from ..results.findings import MARGIN
from .detectable import Errors, label_error
from .ladder import DISTRACTORS, FactGains, nanmean
from .resample import DRAWS, PERMUTATIONS, Array, Clusters, bootstrap, codes, effect_size, permutation_p
from .scores import Pair, Scores

SMALL_RELATION = 5
"""A relation of fewer facts counts for nothing."""
HUBER = 1.345
CONSTANT = 1e-4
"""Margins that differ by less are the same, nats: what is left is the rounding of float32."""
COVERED = 0.9
"""Share of own base margins that must lie within the range of the others'."""


@dataclass(frozen=True)
class Centred:
    """Centred log-probabilities of N facts' candidates in `per`'s unit; NaN where one cannot be centred."""

    base: Array
    """[N, candidates]"""
    tuned: Array
    """[N, candidates]"""
    like: NDArray[np.bool_]
    """[N, candidates] distractors of like length."""

    def margins(self) -> tuple[Array, Array]:
        """Margins [N] in base and tuned; NaN where fewer than `DISTRACTORS` wrong answers are left."""

        def margin(values: Array) -> Array:
            wrong = np.where(self.like, values, np.nan)
            enough = np.isfinite(wrong).sum(1) >= DISTRACTORS
            return np.where(enough, values[:, 0] - nanmean(wrong, 1), np.nan)

        return margin(self.base), margin(self.tuned)


def _centre(values: Array, key: NDArray[np.int64]) -> Array:
    """Takes from each candidate its mean over the other facts of its relation where it is false.

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
    """Centred candidates of the facts in `gains`, an item's wordings averaged: all, or those `asked` [N, cues]."""
    items = [pair.items[i] for i in gains.index]
    width = pair.base.logprob.shape[2]
    relation = codes([item.relation for item in items])
    large = np.bincount(relation, minlength=1)[relation] >= SMALL_RELATION
    key = np.full((len(items), width), -1, dtype=np.int64)
    seen: dict[tuple[int, str], int] = {}
    for row, item in enumerate(items):
        for k, candidate in enumerate(item.scored):
            key[row, k] = seen.setdefault((int(relation[row]), candidate), len(seen))

    def values(scores: Scores) -> Array:
        every = scores.value(pair.per)[gains.index]
        every = nanmean(every if asked is None else np.where(asked[..., None], every, np.nan), 1)
        return np.where(large[:, None], _centre(every, key), np.nan)

    return Centred(values(pair.base), values(pair.tuned), gains.like)


@dataclass(frozen=True)
class Line:
    """A Huber regression's result; `scale` is the residuals' median absolute deviation / 0.6745."""

    intercept: float
    slope: float
    scale: float


def _least_squares(held: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """Intercepts and slopes [draws] for weights `held` [draws, N]; NaN where `x` does not vary."""
    with np.errstate(invalid="ignore", divide="ignore"):
        total, *sums = (held @ np.stack([np.ones(len(x)), x, y, x * x, x * y], axis=1)).T
        mean_x, mean_y, square, product = (part / total for part in sums)
        spread = square - mean_x**2
        slope = np.where(spread > 1e-12 * (1e-12 + square), (product - mean_x * mean_y) / spread, np.nan)
    return mean_y - slope * mean_x, slope


def _huber(weights: Array, x: Array, y: Array, intercept: Array, slope: Array, scale: float) -> tuple[Array, Array]:
    """One step of Huber's regression from the lines given, [draws]."""
    residual = y - intercept[:, None]
    residual -= slope[:, None] * x
    np.abs(residual, out=residual)
    # Residuals of next to nothing keep their whole weight.
    bound = HUBER * max(scale, 1e-12)
    np.maximum(residual, bound, out=residual)
    np.divide(bound * weights, residual, out=residual)
    return _least_squares(residual, x, y)


def robust_line(x: Array, y: Array) -> Line:
    """Huber regression of `y` on `x` [N]; NaN where `x` does not vary."""
    weights = np.ones((1, len(x)))
    intercept, slope = _least_squares(weights, x, y)
    scale = float("nan")
    for _ in range(100):
        if not np.isfinite(slope[0]):
            break
        scale = float(np.median(np.abs(y - intercept - slope * x))) / 0.6744897501960817
        before = intercept[0], slope[0]
        intercept, slope = _huber(weights, x, y, intercept, slope, scale)
        if np.allclose(before, (intercept[0], slope[0]), rtol=0, atol=1e-10):
            break
    return Line(float(intercept[0]), float(slope[0]), scale)


def robust_lines(x: Array, y: Array, weights: Array, start: Line, steps: int = 8) -> tuple[Array, Array]:
    """Intercepts and slopes [draws] for each row of `weights` [draws, N], in so many steps from `start`.

    `start.scale` serves every draw.
    """
    intercept, slope = np.full(len(weights), start.intercept), np.full(len(weights), start.slope)
    for _ in range(steps):
        intercept, slope = _huber(weights, x, y, intercept, slope, start.scale)
    return intercept, slope


@dataclass(frozen=True)
class Knowledge:
    """What the facts say of knowledge; read by `probes.analysis.verdict`."""

    specific: Estimate
    """Mean residual of the own facts; `p` is the permutation's."""
    margin_gain: Estimate
    """Plain centred margin gain of the own facts."""
    below_margin_p: float | None
    """One-sided p of H0: specific knowledge is at least `MARGIN`."""
    own_concepts: int
    other_concepts: int
    covered: float
    """Share of own base margins within the range of the others'."""
    slope: float | None
    """Of the line: above 1 the model grew more confident."""
    margin: float = MARGIN
    """Smallest specific knowledge of interest, in the estimates' unit."""
    beside: str = "other"
    """Whose facts the own ones are held against: those of other specialties, or general ones."""
    errors: Errors | None = None
    """Standard errors of the test, for what it could have seen."""


def measure(
    centred: Centred,
    own: NDArray[np.bool_],
    reference: NDArray[np.bool_],
    clusters: Clusters,
    seed: int,
    *,
    unit: str,
    margin: float = MARGIN,
    whole_domain: bool = False,
    draws: int = DRAWS,
    permutations: int = PERMUTATIONS,
) -> Knowledge:
    """Specific knowledge of the facts `own` [N] beside `reference` [N] (the other specialties' facts).

    `margin` is `MARGIN` in the unit of the margins. With `whole_domain` (a tune for no one specialty) the reference
    is general knowledge, and p permutes answers among the candidates of a fact instead of labels; as that takes the
    line as given, p is no smaller than the bootstrap's.
    """
    base, tuned = centred.margins()
    known = np.isfinite(base) & np.isfinite(tuned)
    own, reference = own & known, reference & known
    concepts = [len(np.unique(clusters.first[member])) for member in (own, reference)]
    beside = "general" if whole_domain else "other"
    if concepts[0] < 2 or concepts[1] < 3:
        why = f"{concepts[0]} own and {concepts[1]} {beside} concepts have a centred margin"
        missing = Estimate.missing(why, concepts[0], unit)
        return Knowledge(missing, missing, None, concepts[0], concepts[1], 0.0, None, margin, beside)
    kept = own | reference
    x, y, is_own = base[kept], tuned[kept], own[kept].astype(np.float64)
    inside = clusters.part(kept)
    line = robust_line(x[is_own == 0], y[is_own == 0])
    if min(np.ptp(x[is_own == 0]), np.ptp(y[is_own == 0])) < CONSTANT:
        # A model that says the same of every fact would be certain to have learned nothing.
        line = Line(float("nan"), float("nan"), 0.0)

    def residual(weights: Array, labels: Array) -> Array:
        """Mean residual of the own facts about the line of the rest."""
        intercept, slope = robust_lines(x, y, weights * (1.0 - labels), line)
        held = weights * labels
        with np.errstate(invalid="ignore", divide="ignore"):
            mean: Array = (held @ y - slope * (held @ x)) / held.sum(1) - intercept
        return mean

    def statistic(weights: Array) -> Array:
        held = weights * is_own
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.stack([residual(weights, is_own[None]), held @ (y - x) / held.sum(1)], axis=1)

    result = bootstrap(statistic, inside, seed, draws, clusters.fewest(own, reference))
    why = "the other facts' margins are all the same: no line can be fitted"
    specific, gain = (result.estimate(i, concepts[0], unit, why) for i in (0, 1))
    errors = None
    if specific.known:
        if whole_domain:
            p = max(answer_permutation_p(centred, own, line.slope, seed, permutations), result.one_sided_p(0))
        else:
            p = permutation_p(
                lambda labels: residual(np.ones_like(labels), labels)[:, None],
                own[kept],
                inside.first,
                seed,
                permutations,
            )
        away = y - line.slope * x
        mine = is_own == 1
        specific = replace(specific, p=p, effect=effect_size(float(result.values[0]), away[mine], inside.first[mine]))
        error = result.error(0)
        null = error if whole_domain else label_error(away, mine, inside.first)
        errors = Errors(null, error, int(result.clusters[0]), result.error(1))
    low, high = x[is_own == 0].min(), x[is_own == 0].max()
    covered = float(((x >= low) & (x <= high))[is_own == 1].mean())
    below = result.one_sided_p(0, margin, below=True)
    slope = line.slope if specific.known else None
    return Knowledge(specific, gain, below, concepts[0], concepts[1], covered, slope, margin, beside, errors)


def answer_permutation_p(
    centred: Centred, own: NDArray[np.bool_], slope: float, seed: int, draws: int = PERMUTATIONS
) -> float:
    """One-sided p of the own facts' mean centred margin gain, each fact's true answer drawn among its candidates.

    Gains are those beyond `slope` times the base: what a model that only grew more confident would gain.
    """
    gain = (centred.tuned - slope * centred.base)[own]
    gain = np.where(centred.like[own] | (np.arange(gain.shape[1]) == 0), gain, np.nan)
    count = np.isfinite(gain).sum(1)
    rest = (np.nansum(gain, 1, keepdims=True) - gain) / np.maximum(count - 1, 1)[:, None]
    margin = gain - rest
    rng = np.random.default_rng([seed, 11])
    choices = [row[np.isfinite(row)] for row in margin]
    drawn = sum(rng.choice(row, size=draws) for row in choices) / len(choices)
    return float((1 + (drawn >= margin[:, 0].mean() - 1e-12).sum()) / (1 + draws))
