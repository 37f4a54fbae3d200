"""The figures of each wording by itself: a gain in the wording that was taught alone is a memorised string.

Where the domain says what its cues are (`wordings` in facts.jsonl: taught, paraphrase, inverse, …), by that name; else
by the cue's place.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..results.model import WordingRow
from .pair import ModelPair
from .registry import analysis

UNNAMED = "not named"
"""Cues of facts whose wordings the domain does not name, where it names others."""


def kinds(model: ModelPair) -> dict[str, NDArray[np.bool_]]:
    """Masks [N, cues] by what cues are called; empty where no cue is called anything."""
    cues = model.facts.base.logprob.shape[1]
    if not any(item.wordings for item in model.items):
        return {}
    named = [(item.wordings or (UNNAMED,) * len(item.cues)) + ("",) * (cues - len(item.cues)) for item in model.items]
    table = np.array(named)
    return {name: table == name for name in dict.fromkeys(table.ravel().tolist()) if name}


@analysis("wordings")
def wordings(model: ModelPair) -> tuple[WordingRow, ...]:
    """Return acquired and margin gain by wording; none where there is but one."""
    facts, cues = len(model.items), model.facts.base.logprob.shape[1]
    by_name = kinds(model)
    places = {str(cue): np.broadcast_to(np.arange(cues) == cue, (facts, cues)) for cue in range(cues)}
    masks = by_name or places
    if not facts or len(masks) < 2:
        return ()
    rows = []
    for cue, (name, asked) in enumerate(masks.items()):
        knowledge = model.knowledge_of_wordings(asked)
        rows.append(
            WordingRow(
                cue=None if by_name else cue,
                wording=name if by_name else None,
                facts=int(asked.any(1).sum()),
                acquired=knowledge.acquired,
                margin_gain=knowledge.own_gain,
            )
        )
    return tuple(rows)
