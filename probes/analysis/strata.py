"""Own and other facts within strata of what the base knew before.

A fact that the base nearly knew has less to gain than one it knew nothing of, and own and other facts may differ in
that. So facts are parted twice: into known and unknown ones (as in the ledger), and into thirds of the base's centred
margin. Within a stratum all margins that the base over- or underrates fall back a little, own and other alike
(regression to the mean): read the difference.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..results.model import Stratum, StratumSide
from .ledger import THIRDS, counts
from .pair import FEW_DRAWS, ModelPair
from .registry import analysis
from .resample import Array, bootstrap


@analysis("strata")
def strata(model: ModelPair) -> tuple[Stratum, ...]:
    """Return by stratum the ledger's counts and plain margin gains of own and other facts, and their difference."""
    sides = [model.fact_groups == "own", model.is_reference]
    if not any(side.any() for side in sides):
        return ()
    states = model.fact_frame["state"].to_numpy()
    third, edges = model.thirds
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

    def side(place: int) -> StratumSide:
        return StratumSide(**dict(counts(states[held[place]].tolist())), margin_gain=estimates[place])

    return tuple(
        Stratum(
            by=by,
            stratum=name,
            **{"from": low, "to": high},
            own=side(2 * k),
            other=side(2 * k + 1),
            difference=estimates[2 * len(parts) + k],
        )
        for k, (by, name, _, (low, high)) in enumerate(parts)
    )
