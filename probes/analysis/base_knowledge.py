"""What a base knows of a domain, and what a tune would have to teach to be seen. Read by `probes.runs.base_only`.

The base is laid beside itself, so that facts, margins and limits are those of a comparison with this base.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ..results.base_knowledge import SpecialtyKnowledge
from .error_rates import packaged
from .inputs import AnalysisInputs
from .knowledge import measure
from .pair import BaseScores, ModelPair
from .power import smallest_share, unknown_needed
from .verdict import too_little

ITSELF = "base"
AIM = 0.10
"""Share of the facts that a tune should be seen to teach, for the advice."""
MOST = 3
"""Specialties that a line names."""


@dataclass(frozen=True)
class Known:
    """What was found, and a row a fact."""

    specialties: dict[str, SpecialtyKnowledge]
    controls: SpecialtyKnowledge | None
    threshold: float
    usable: int
    advice: tuple[str, ...]
    frame: pl.DataFrame


def base_knowledge(inputs: AnalysisInputs) -> Known:
    """Return what the base of `inputs` knows; its tuned models are not looked at."""
    alone = replace(inputs, tuned={ITSELF: inputs.base}, own={ITSELF: (None, "")})
    pair = BaseScores(alone).pair_with(ITSELF)
    of_domain = np.array([inputs.domain.general not in item.specialties for item in pair.items], dtype=bool)
    found = {}
    for id, specialty in inputs.domain.specialties.items():
        mine = np.array([id in item.specialties for item in pair.items], dtype=bool)
        if mine.any():
            found[id] = _of_specialty(pair, specialty.name, mine, of_domain & ~mine)
    controls = _counted(pair, "controls", ~of_domain) if (~of_domain).any() else None
    standing = pair.standing
    frame = pl.DataFrame(
        {
            "fact": [item.id.partition(":")[2] for item in pair.items],
            "specialties": [list(item.specialties) for item in pair.items],
            "relation": [item.relation for item in pair.items],
            "answer": [item.candidates[0] for item in pair.items],
            "lead": standing.base_lead,
            "category": standing.categories(),
            "clearly_unknown": standing.is_clearly_unknown,
        }
    )
    return Known(found, controls, standing.threshold, len(pair.items), tuple(_advice(found)), frame)


def _counted(pair: ModelPair, name: str, among: NDArray[np.bool_]) -> SpecialtyKnowledge:
    categories = np.array(pair.standing.categories(), dtype=object)[among]
    clearly = pair.standing.is_clearly_unknown & among
    return SpecialtyKnowledge(
        name=name,
        facts=int(among.sum()),
        known=int((categories == "known").sum()),
        maybe_known=int((categories == "maybe known").sum()),
        unknown=int((categories == "unknown").sum()),
        clearly_unknown=int(clearly.sum()),
        relations=len({pair.fact_relations[fact] for fact in np.flatnonzero(clearly)}),
        testable=False,
        why="",
        to_teach=None,
        share=None,
    )


def _of_specialty(pair: ModelPair, name: str, own: NDArray[np.bool_], other: NDArray[np.bool_]) -> SpecialtyKnowledge:
    """Return what the base knows of the facts `own` [N], and the limits of a verdict with them as own facts."""
    counted = _counted(pair, name, own)
    found = measure(
        pair.centred,
        own,
        other,
        pair.fact_relations,
        [name if mine else item.specialties[0] for mine, item in zip(own, pair.items, strict=True)],
        pair.gains.clusters,
        pair.seed,
        unit=pair.facts.unit,
        margin=pair.margin,
        draws=2,
        permute=False,
    )
    why = too_little(found)
    share = None if why else smallest_share(packaged(), counted.clearly_unknown)
    return counted.model_copy(
        update={
            "testable": not why,
            "why": why,
            "to_teach": None if share is None else math.ceil(share * counted.facts - 1e-9),
            "share": share,
        }
    )


def _advice(found: dict[str, SpecialtyKnowledge]) -> list[str]:
    """Return what to add, where a verdict is not possible or only a large share would be seen."""
    lines = [
        f"{one.name}: no verdict on knowledge is possible: {one.why}" for one in found.values() if not one.testable
    ]
    blunt = [one.name for one in found.values() if one.testable and (one.share is None or one.share > AIM)]
    enough = unknown_needed(packaged(), AIM)
    if blunt:
        names = ", ".join(blunt[:MOST]) + (f" and {len(blunt) - MOST} more" if len(blunt) > MOST else "")
        wanted = "" if enough is None else f": that takes about {enough:,} clearly unknown facts a specialty"
        lines.append(f"a tune that teaches one fact in ten is likely to be missed in {names}{wanted}")
    if lines:
        lines.append("more facts: probe domain from, of your own training data or of a vocabulary")
    return lines
