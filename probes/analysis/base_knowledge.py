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
            too_few = too_little(pair.knowledge_within(of_domain, id))
            found[id] = _with_limits(_counted(pair, specialty.name, mine), too_few)
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


def _with_limits(counted: SpecialtyKnowledge, why: str) -> SpecialtyKnowledge:
    """Return the counts with the limits of a verdict; `why` says why there can be none, empty where there can."""
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
    if blunt:
        enough = unknown_needed(packaged(), AIM)
        names = ", ".join(blunt[:MOST]) + (f" and {len(blunt) - MOST} more" if len(blunt) > MOST else "")
        wanted = "" if enough is None else f": that takes about {enough:,} clearly unknown facts a specialty"
        lines.append(f"a tune that teaches one fact in ten is likely to be missed in {names}{wanted}")
    if lines:
        lines.append("more facts: probe domain from, of your own training data or of a vocabulary")
    return lines
