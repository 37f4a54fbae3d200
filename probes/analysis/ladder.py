"""The ladder: a gain taken apart into generic drift, domain shift, own wrong answers and knowledge.

For items of the own specialty S, other specialties O and general knowledge G, with T_X the mean gain of true answers
and D_X that of the same items' wrong answers, exactly

    T_S  =  D_G  +  (D_O − D_G)  +  (D_S − D_O)  +  (T_S − D_S)

Term items in running text have no wrong answers and give the first three rungs, with T in D's place. Each layer's
rungs are the same sums read through the logit lens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..results.estimate import Estimate
from ..results.rungs import GROUPS, RUNGS, TEXT_RUNGS, Per, Rung
from .resample import Clusters, bootstrap
from .scores import Array, Pair, like_length

DISTRACTORS = 3
"""A fact needs this many distractors of like length; else it is shown and left out."""

Groups = NDArray[np.str_]


@dataclass(frozen=True)
class FactGains:
    """Facts that can be used, with their gains; N facts, L layers (0 where the lens was not asked for)."""

    index: NDArray[np.int64]
    """[N] places in the pair's items."""
    like: NDArray[np.bool_]
    """[N, candidates] distractors of like length."""
    true: Array
    """[N, 1 + L] gain of the true answer: the model's own, then by layer."""
    wrong: Array
    """[N, 1 + L] mean gain of its distractors."""
    clusters: Clusters
    """[N] concepts crossed with true answers."""
    fact: NDArray[np.int64]
    """[E] true and wrong answers one by one: place in `index`."""
    role: NDArray[np.int64]
    """[E] 0 the true answer, k the k-th distractor."""
    gain: Array
    """[E, 1 + L]"""
    answers: Clusters
    """[E] concepts crossed with the answers' strings: one string is true of one fact and false of others."""


def nanmean(values: Array, axis: int | tuple[int, ...]) -> Array:
    """Mean over what is there; NaN (without a warning) where nothing is."""
    count = np.isfinite(values).sum(axis=axis)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Array = np.where(np.isfinite(values), values, 0.0).sum(axis=axis) / count
    return mean


def fact_gains(pair: Pair) -> FactGains:
    """Gains of the facts with at least `DISTRACTORS` distractors of like length."""
    like = like_length(pair.base)
    gain = pair.gain[..., None]
    layers = pair.gain_at_layers()
    every = gain if layers is None else np.concatenate([gain, layers], axis=-1)  # [facts, cues, candidates, 1 + L]
    mean = nanmean(every, 1)  # [facts, candidates, 1 + L]
    true, wrong = mean[:, 0], nanmean(np.where(like[..., None], mean, np.nan), 1)
    usable = (like.sum(1) >= DISTRACTORS) & np.isfinite(true[:, 0]) & np.isfinite(wrong[:, 0])
    index = np.flatnonzero(usable)
    items = [pair.items[i] for i in index]
    held = like[index] & np.isfinite(mean[index, :, 0])
    held[:, :1] = True
    fact, role = np.nonzero(held)
    strings = [items[i].candidates[k] for i, k in zip(fact, role, strict=True)]
    return FactGains(
        index,
        like[index],
        true[index],
        wrong[index],
        Clusters.of([item.concept for item in items], [item.candidates[0] for item in items]),
        fact,
        role,
        mean[index[fact], role],
        Clusters.of([items[i].concept for i in fact], strings),
    )


def group_means(weights: Array, members: Sequence[NDArray[np.bool_]], values: Array) -> Array:
    """Weighted means of `values` [N, V] in each group: [draws, groups, V]; NaN where a group weighs nothing."""
    counted = np.column_stack([np.ones(len(values)), values])
    sums = np.stack([weights[:, member] @ counted[member] for member in members], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(sums[..., :1] > 0, sums[..., 1:] / sums[..., :1], np.nan)


@dataclass(frozen=True)
class Ladder:
    """Rungs of one view with their intervals, and what else the same draws give."""

    rungs: dict[Rung, Estimate]
    total: Estimate
    """Mean gain of the own true answers (or own terms): the rungs' sum."""
    by_layer: dict[Rung, list[Estimate]]
    extra: dict[str, Estimate]


def _contrasts(own_tuned: bool, wrong: str) -> dict[str, dict[str, float]]:
    """Each quantity as weights on T_S, D_S, T_O, D_O, D_G; `wrong` is "T" where there are no wrong answers."""
    rungs: dict[str, dict[str, float]] = {"generic_drift": {f"{wrong}_G": 1}}
    if own_tuned:
        rungs["domain_shift"] = {f"{wrong}_O": 1, f"{wrong}_G": -1}
        rungs["specialty_vocabulary"] = {f"{wrong}_S": 1, f"{wrong}_O": -1}
    else:
        rungs["domain_shift"] = {f"{wrong}_S": 1, f"{wrong}_G": -1}
    rungs["total"] = {"T_S": 1}
    if wrong == "D":
        rungs["knowledge"] = {"T_S": 1, "D_S": -1}
    if wrong == "D" and own_tuned:
        rungs["transferable"] = {"T_O": 1, "D_O": -1}
        rungs["specific_margin"] = {"T_S": 1, "D_S": -1, "T_O": -1, "D_O": 1}
    return rungs


def _ladder(
    parts: Callable[[Array], Mapping[str, Array]],
    contrasts: Mapping[str, Mapping[str, float]],
    wanted: Sequence[Rung],
    groups: Groups,
    clusters: Clusters,
    width: int,
    unit: str,
    seed: int,
) -> Ladder:
    """The `wanted` rungs from `parts` (of weights [draws, N]: T_S and so on, each [draws, width])."""

    def statistic(weights: Array) -> Array:
        part = parts(weights)
        rows = [sum(sign * part[key] for key, sign in terms.items()) for terms in contrasts.values()]
        return np.concatenate(rows, axis=1)

    # A figure rests on no more clusters than the smallest group that it needs.
    needed = {name: sorted({GROUPS["SOG".index(key[-1])] for key in terms}) for name, terms in contrasts.items()}
    concepts = {group: clusters.concepts(groups == group) for group in GROUPS}
    fewest = [clusters.fewest(*(groups == group for group in of)) for of in needed.values() for _ in range(width)]
    result = bootstrap(statistic, clusters, seed, fewest=fewest)

    def estimates(name: str) -> list[Estimate]:
        if name not in contrasts:
            return [Estimate.missing("no other specialties to compare with", concepts["own"], unit)] * width
        begin = list(contrasts).index(name) * width
        n = min(concepts[group] for group in needed[name])
        empty = [group for group in needed[name] if not concepts[group]]
        why = f"no {' and no '.join(empty)} items" if empty else "no items of like length, or not read at this layer"
        return [result.estimate(begin + offset, n, unit, why) for offset in range(width)]

    rungs = {name: estimates(name) for name in wanted}
    return Ladder(
        {name: values[0] for name, values in rungs.items()},
        estimates("total")[0],
        {name: values[1:] for name, values in rungs.items()},
        {name: estimates(name)[0] for name in contrasts if name not in rungs and name != "total"},
    )


def fact_ladder(pair: Pair, gains: FactGains, groups: Groups, own_tuned: bool, seed: int) -> Ladder:
    """The ladder over facts; `groups` [N] says own, other, general (or common, which counts nowhere).

    Answers are resampled as strings, true and wrong alike: the same few strings are the wrong answers of a whole
    relation.
    """
    group, true = groups[gains.fact], gains.role == 0
    members = [side & (group == name) for side in (true, ~true) for name in GROUPS]
    # A fact's wrong answers weigh together as much as its true one.
    share = np.where(true, 1.0, 1 / np.maximum(1, np.bincount(gains.fact[~true], minlength=len(groups)))[gains.fact])

    def parts(weights: Array) -> dict[str, Array]:
        means = group_means(weights * share, members, gains.gain)
        return {name: means[:, i] for i, name in enumerate(("T_S", "T_O", "T_G", "D_S", "D_O", "D_G"))}

    contrasts, width = _contrasts(own_tuned, "D"), gains.gain.shape[1]
    return _ladder(parts, contrasts, RUNGS, group, gains.answers, width, pair.unit, seed)


def length_weights(tokens: Array, terms: NDArray[np.bool_], general: NDArray[np.bool_], most: int = 6) -> Array:
    """Weights [N] that give general targets the terms' distribution of token counts; 1 elsewhere.

    Counts of `most` tokens and more are one; a count that no general target has goes to the next shorter one.
    """
    weights = np.ones(len(tokens))
    if not terms.any() or not general.any():
        return weights
    count = np.minimum(tokens, most).astype(np.int64)
    wanted = np.bincount(count[terms], minlength=most + 1) / terms.sum()
    held = np.bincount(count[general], minlength=most + 1) / general.sum()
    for size in range(most, 1, -1):
        if not held[size]:
            wanted[size - 1] += wanted[size]
            wanted[size] = 0.0
    ratio = np.divide(wanted, held, out=np.zeros(most + 1), where=held > 0)
    weights[general] = ratio[count[general]]
    return weights


def text_ladder(pair: Pair, groups: Groups, own_tuned: bool, seed: int) -> Ladder:
    """The first three rungs over terms in running text; general targets are matched to the terms' token counts."""
    layers = pair.gain_at_layers()
    every = pair.gain[:, None] if layers is None else np.concatenate([pair.gain[:, None], layers], axis=1)
    members = [groups == name for name in GROUPS]
    matched = length_weights(pair.base.tokens, members[0] | members[1], members[2])

    def parts(weights: Array) -> dict[str, Array]:
        means = group_means(weights * matched, members, every)
        return {f"T_{g}": means[:, i] for i, g in enumerate("SOG")}

    contrasts = _contrasts(own_tuned, "T")
    return _ladder(parts, contrasts, TEXT_RUNGS, groups, text_clusters(pair), every.shape[1], pair.unit, seed)


def other_units(
    facts: Pair, texts: Pair, fact_groups: Groups, text_groups: Groups, own_tuned: bool, seed: int
) -> dict[Per, tuple[Ladder, Ladder]]:
    """The ladders of facts and of texts, without layers, in the units that are not the run's: per token and summed.

    Not per token where base and tuned model cut text into tokens differently.
    """
    out: dict[Per, tuple[Ladder, Ladder]] = {}
    for per in ("token", "target"):
        pairs = [Pair(replace(p.base, lens=None), replace(p.tuned, lens=None), per) for p in (facts, texts)]
        alike = all(np.array_equal(p.base.tokens, p.tuned.tokens, equal_nan=True) for p in pairs)
        if per != facts.per and (alike or per == "target"):
            held, text = pairs
            fact = fact_ladder(held, fact_gains(held), fact_groups, own_tuned, seed)
            out[per] = fact, text_ladder(text, text_groups, own_tuned, seed)
    return out


def text_clusters(pair: Pair) -> Clusters:
    """Concepts crossed with documents."""
    return Clusters.of([item.concept for item in pair.items], [item.document for item in pair.items])
