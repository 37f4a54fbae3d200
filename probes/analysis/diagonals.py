"""γ over a run's models, for terms in text and for the margins of facts, from the gains that are kept of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...terms.items import Item
from ...terms.select import COMMON
from ..results.estimate import DiagonalEstimate, Estimate
from ..results.rungs import DiagonalView
from .additivity import additivity
from .ladder import text_clusters
from .matrix import diagonal, members
from .pair import ModelPair
from .resample import Array, Clusters

SAME_ITEMS = "two models on the same items, tuned on different specialties, are needed"


@dataclass(frozen=True)
class GainsOfModel:
    """One number an item: what γ needs of a model."""

    name: str
    own: str | None
    texts: tuple[Item, ...]
    """[M]"""
    text_gain: Array
    """[M]"""
    text_clusters: Clusters
    text_unit: str
    facts: tuple[Item, ...]
    """[N]"""
    index: NDArray[np.int64]
    """[N] places of the facts among all."""
    margin: Array
    """[N] gain of the true answer on the wrong ones."""
    fact_clusters: Clusters
    fact_unit: str

    @classmethod
    def of(cls, model: ModelPair) -> GainsOfModel:
        """Return the gains of a model."""
        gains, texts = model.gains, model.texts
        return cls(
            model.name,
            model.own,
            texts.items,
            texts.gain,
            text_clusters(texts),
            texts.unit,
            tuple(model.items),
            gains.index,
            gains.true[:, 0] - gains.wrong[:, 0],
            gains.clusters,
            model.facts.unit,
        )


def diagonals(
    models: Sequence[GainsOfModel], names: Sequence[str], seed: int
) -> dict[DiagonalView, DiagonalEstimate | None]:
    """Return γ and the test of its additivity, by kind of item.

    Args:
        models: The run's models.
        names: Ids of the specialties.
        seed: Of the bootstrap.
    """
    first = models[0]
    same = all(m.texts == first.texts and np.array_equal(m.index, first.index) for m in models)
    if not same or len(models) < 2:
        missing = DiagonalEstimate.of(Estimate.missing(SAME_ITEMS), None)
        return {"term": missing, "fact": missing}
    is_term = np.array([item.kind == "term" for item in first.texts], dtype=bool)
    return {
        "term": _estimate(
            {m.name: (m.text_gain, m.own) for m in models},
            _members(first.texts, names) * is_term[:, None],
            first.text_clusters,
            names,
            first.text_unit,
            seed,
        ),
        "fact": _estimate(
            {m.name: (m.margin, m.own) for m in models},
            _members(first.facts, names),
            first.fact_clusters,
            names,
            first.fact_unit,
            seed,
        ),
    }


def _estimate(
    rows: dict[str, tuple[Array, str | None]],
    member: Array,
    clusters: Clusters,
    names: Sequence[str],
    unit: str,
    seed: int,
) -> DiagonalEstimate:
    gamma = diagonal(rows, member, clusters, names, unit, seed)
    return DiagonalEstimate.of(gamma, additivity(rows, member, names))


def _members(items: Sequence[Item], names: Sequence[str]) -> Array:
    """Return [items, specialties] as `members`; common items belong to none."""
    return members([() if len(item.specialties) >= COMMON else item.specialties for item in items], names)
