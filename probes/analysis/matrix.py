"""The matrix: tuned models × specialties, and what a model's own specialty adds to its row and column.

A single own-minus-other difference is confounded by specialties that are simply easier to move. With several tuned
models, `g[m, s] = model_m + specialty_s + γ·(m tuned on s)` is fitted; copies of one specialty share one weight.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from math import factorial

import numpy as np

from ..results.estimate import Estimate
from ..results.model import MatrixRow
from .ladder import text_clusters
from .pair import ModelPair
from .registry import analysis
from .resample import Array, Clusters, bootstrap

PERMUTED = 4
"""Below so many models the permutation's floor, 1/K!, is too high for a p."""


def members(specialties: Sequence[tuple[str, ...]], names: Sequence[str]) -> Array:
    """[items, specialties]: 1 where an item belongs to a specialty."""
    return np.array([[float(name in held) for name in names] for held in specialties]).reshape(-1, len(names))


def by_specialty(
    values: Array, member: Array, clusters: Clusters, names: Sequence[str], unit: str, seed: int
) -> dict[str, Estimate]:
    """Mean of `values` [items] in each specialty, with intervals."""

    both = np.concatenate([values[:, None] * member, member], axis=1)

    def statistic(weights: Array) -> Array:
        sums = weights @ both
        with np.errstate(invalid="ignore", divide="ignore"):
            means: Array = sums[:, : len(names)] / sums[:, len(names) :]
        return means

    held = [member[:, k] > 0 for k in range(len(names))]
    result = bootstrap(statistic, clusters, seed, fewest=[clusters.fewest(of) for of in held])
    return {name: result.estimate(k, clusters.concepts(held[k]), unit) for k, name in enumerate(names)}


@analysis("matrix")
def matrix(model: ModelPair) -> dict[str, MatrixRow]:
    """Return one model's row: by specialty, the gain of terms, of true answers, and of their margins."""
    names, texts, gains = model.specialties, model.texts, model.gains
    of_texts = members([item.specialties for item in texts.items], names)
    of_facts = members([item.specialties for item in model.items], names)
    true, wrong, unit = gains.true[:, 0], gains.wrong[:, 0], model.facts.unit
    terms = by_specialty(texts.gain, of_texts, text_clusters(texts), names, texts.unit, model.seed)
    answers = by_specialty(true, of_facts, gains.clusters, names, unit, model.seed)
    margin = by_specialty(true - wrong, of_facts, gains.clusters, names, unit, model.seed)
    return {name: MatrixRow(terms=terms[name], answers=answers[name], margin=margin[name]) for name in names}


def _gamma(cells: Array, own: Sequence[int]) -> Array:
    """γ of cell means [draws, models, specialties], model m being tuned on specialty `own[m]`."""
    draws, models, columns = cells.shape
    share = np.array([1 / own.count(k) for k in own])  # copies of one specialty share one weight
    diagonal = np.zeros((models, columns))
    diagonal[np.arange(models), own] = 1.0
    design = [diagonal.ravel()]
    design += [np.repeat(np.eye(models)[m], columns) for m in range(models)]
    design += [np.tile(np.eye(columns)[k], models) for k in range(1, columns)]
    root = np.sqrt(np.repeat(share, columns))
    solve = np.linalg.pinv(np.stack(design, 1) * root[:, None])[0]
    gamma: Array = cells.reshape(draws, -1) @ (solve * root)
    return gamma


def _between(gains: Sequence[Array], own: Sequence[int], inside: Array, clusters: Clusters) -> float:
    """Standard deviation between concepts within a specialty, pooled over the models' `gains` [items, specialties]."""
    count = np.maximum(inside.sum(1), 1)
    held = inside.any(1)
    concept = clusters.part(held).first
    squares = 0.0
    for gain, share in zip(gains, (1 / own.count(k) for k in own), strict=True):
        means = gain.sum(0) / np.maximum(inside.sum(0), 1)
        away = ((gain - inside * means).sum(1) / count)[held]
        concepts = np.bincount(concept, away) / np.bincount(concept)
        squares += share * float(concepts.var(ddof=1)) if len(concepts) > 1 else 0.0
    return float(np.sqrt(squares / len(set(own))))


def diagonal(
    rows: Mapping[str, tuple[Array, str | None]],
    member: Array,
    clusters: Clusters,
    names: Sequence[str],
    unit: str,
    seed: int,
) -> Estimate:
    """γ over models that have an own specialty; `rows` gives each model's gains [items] and its own specialty.

    p permutes which specialty is whose, models of one specialty moving together.
    """
    held = {model: (values, own) for model, (values, own) in rows.items() if own in names}
    kept = [k for k in range(len(names)) if member[:, k].sum() > 1] if len(member) else []
    own = [kept.index(k) for _, o in held.values() if (k := list(names).index(str(o))) in kept]
    if len(set(own)) < 2 or len(own) != len(held):
        return Estimate.missing("two models tuned on different specialties are needed", len(set(own)), unit)
    inside = member[:, kept]
    gains = [gain[:, None] * inside for gain, _ in held.values()]
    stacked = np.concatenate([*gains, inside], axis=1)  # [items, (models + 1) × specialties]

    def cells(weights: Array) -> Array:
        sums = (weights @ stacked).reshape(len(weights), -1, len(kept))
        with np.errstate(invalid="ignore", divide="ignore"):
            means: Array = sums[:, :-1] / sums[:, -1:]
        return means

    fewest = clusters.fewest(*(column > 0 for column in inside.T))
    result = bootstrap(lambda weights: _gamma(cells(weights), own)[:, None], clusters, seed, fewest=fewest)
    estimate = result.estimate(0, clusters.concepts(inside.any(1)), unit)
    spread = _between(gains, own, inside, clusters)
    if estimate.known and spread > 0:
        estimate = replace(estimate, effect=float(result.values[0]) / spread)
    distinct = sorted(set(own))
    if len(distinct) < PERMUTED or not estimate.known:
        return estimate
    observed = cells(np.ones((1, len(inside))))
    orders = permutations(distinct) if factorial(len(distinct)) <= 5040 else _random_orders(distinct, seed)
    renamed = (dict(zip(distinct, order, strict=True)) for order in orders)
    drawn = [float(_gamma(observed, [new[k] for k in own])[0]) for new in renamed]
    return replace(estimate, p=float(np.mean(np.array(drawn) >= float(result.values[0]) - 1e-12)))


def _random_orders(own: Sequence[int], seed: int, draws: int = 4999) -> list[list[int]]:
    rng = np.random.default_rng([seed, 13])
    return [list(own), *(rng.permutation(own).tolist() for _ in range(draws))]
