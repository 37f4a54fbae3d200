"""Facts seen in training kept apart from those that were not, where the training data is at hand.

A fact that was in the data and is now known was learned from it; one that was not, and is known all the same, came from
elsewhere or is a wider gain. Own facts alone are parted; other specialties' and general ones stay whole beside both.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import polars as pl

from ...terms.training import Seen
from .ladder import fact_ladder
from .ledger import counts
from .pair import ModelPair

SIDES = {"seen": ("exact", "together"), "unseen": ("no",)}


def exposure(model: ModelPair, seen: Seen, frame: pl.DataFrame) -> dict[str, Any]:
    """Rungs, specific knowledge and ledger of the own facts seen and unseen; `frame` is the ledger, N rows."""
    how = np.array([seen.facts.get(item.id, "no") for item in model.items])
    states = frame["state"].to_numpy()
    out: dict[str, Any] = {
        "file": {"name": seen.file, "hash": seen.hash, "passages": seen.passages, "words": seen.words},
        "facts": dict(Counter(seen.facts.values())),
        "terms": dict(Counter(seen.terms.values())),
        "texts": len(seen.texts),
    }
    for side, levels in SIDES.items():
        among = np.isin(how, levels)
        groups = np.where((model.fact_groups == "own") & ~among, "", model.fact_groups)
        ladder = fact_ladder(model.facts, model.gains, groups, model.own is not None, model.seed)
        found = model.knowledge(among=among)
        out[side] = {
            "rungs": {name: rung.json() for name, rung in ladder.rungs.items()},
            "specific_knowledge": found.specific.json(),
            "margin_gain": found.margin_gain.json(),
            "ledger": {
                group: counts(states[among & (model.fact_groups == group)].tolist()) for group in ("own", "other")
            },
        }
    return out
