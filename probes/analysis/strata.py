"""Own beside other within strata of what the base knew before.

A fact that the base nearly knew has less to gain than one it knew nothing of, and own and other facts may differ in
that. So facts are parted twice: into known and unknown ones (as in the ledger), and into thirds of the base's centred
margin. Within a stratum all margins that the base over- or underrates fall back a little, own and other alike
(regression to the mean): read the difference.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .ledger import counts
from .pair import FEW_DRAWS, ModelPair
from .resample import Array, bootstrap

THIRDS = ("low", "middle", "high")
SIDES = ("own", "other")


def thirds(margin: Array, among: NDArray[np.bool_]) -> tuple[NDArray[np.str_], Array]:
    """The third of each base margin [N] among the facts `among` [N] ("" where it is NaN), and the two edges."""
    known = margin[among & np.isfinite(margin)]
    if not len(known):
        return np.full(len(margin), "", dtype="<U6"), np.full(2, np.nan)
    edges = np.quantile(known, [1 / 3, 2 / 3])
    place = np.searchsorted(edges, margin)
    return np.where(np.isfinite(margin), np.array(THIRDS)[np.minimum(place, 2)], ""), edges


def strata(model: ModelPair, frame: pl.DataFrame) -> list[dict[str, Any]]:
    """By stratum: the ledger's counts and the plain margin gain of own and of other facts, and their difference.

    `frame` is the model's ledger, a row for each of its facts.
    """
    sides = [model.fact_groups == "own", model.fact_groups == model.reference]
    if not any(side.any() for side in sides):
        return []
    states = frame["state"].to_numpy()
    third, edges = thirds(model.centred.margins()[0], sides[0] | sides[1])
    ends = [None, *(float(edge) if np.isfinite(edge) else None for edge in edges), None]
    parts: list[tuple[str, str, NDArray[np.bool_], list[float | None]]] = [
        ("state", name, np.isin(states, held), [None, None])
        for name, held in (("unknown", ["learned", "never"]), ("known", ["kept", "lost"]))
    ]
    parts += [("base margin", name, third == name, ends[k : k + 2]) for k, name in enumerate(THIRDS)]
    held = [inside & side for _, _, inside, _ in parts for side in sides]  # own, other of each in turn
    gain = model.gains.true[:, 0] - model.gains.wrong[:, 0]
    table = np.stack([np.concatenate([mask[:, None] * [1.0], (mask * gain)[:, None]], axis=1) for mask in held], axis=1)

    def statistic(weights: Array) -> Array:
        sums = (weights @ table.reshape(len(gain), -1)).reshape(len(weights), len(held), 2)
        with np.errstate(invalid="ignore", divide="ignore"):
            means = sums[..., 1] / sums[..., 0]
        return np.concatenate([means, means[:, ::2] - means[:, 1::2]], axis=1)

    clusters, unit = model.gains.clusters, model.facts.unit
    fewest = [clusters.fewest(mask) for mask in held]
    fewest += [min(pair) for pair in zip(fewest[::2], fewest[1::2], strict=True)]
    result = bootstrap(statistic, clusters, model.seed, draws=FEW_DRAWS, fewest=fewest)
    estimates = [result.estimate(k, n, unit, "no such facts") for k, n in enumerate(fewest)]
    out = []
    for k, (by, name, _, (low, high)) in enumerate(parts):
        row: dict[str, Any] = {"by": by, "stratum": name, "from": low, "to": high}
        for offset, side in enumerate(SIDES):
            place = 2 * k + offset
            row[side] = {**counts(states[held[place]].tolist()), "margin_gain": estimates[place].json()}
        out.append({**row, "difference": estimates[2 * len(parts) + k].json()})
    return out
