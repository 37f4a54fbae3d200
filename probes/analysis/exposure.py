"""Facts seen in training kept apart from those that were not, where the training data is at hand.

A fact that was in the data and is now known was learned from it; one that was not, and is known all the same, came from
elsewhere or is a wider gain. Only own facts are split; other specialties' and general ones stay complete on both sides.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from ...terms.training import Seen
from ..results.model import Exposure, ExposureLedger, ExposureSide, TrainingFile
from .ladder import fact_ladder
from .ledger import counts
from .pair import ModelPair
from .registry import analysis

SEEN, UNSEEN = ("exact", "together"), ("no",)
"""How a fact stood in the training data (`terms.training.Seen`)."""


@analysis("training")
def exposure(model: ModelPair) -> Exposure | None:
    """Return rungs, acquired and ledger of the own facts seen and unseen; None without training data."""
    seen = model.seen
    if not seen:
        return None
    return Exposure(
        file=TrainingFile(name=seen.file, hash=seen.hash, passages=seen.passages, words=seen.words),
        facts=dict(Counter(seen.facts.values())),
        terms=dict(Counter(seen.terms.values())),
        texts=len(seen.texts),
        seen=_side(model, seen, SEEN),
        unseen=_side(model, seen, UNSEEN),
    )


def _side(model: ModelPair, seen: Seen, levels: tuple[str, ...]) -> ExposureSide:
    among = np.isin([seen.facts.get(item.id, "no") for item in model.items], levels)
    groups = np.where((model.fact_groups == "own") & ~among, "", model.fact_groups)
    ladder = fact_ladder(model.facts, model.gains, groups, model.is_own_tuned, model.seed)
    knowledge = model.knowledge_among(among)
    states = model.fact_frame["state"].to_numpy()
    own, other = (counts(states[among & (model.fact_groups == group)].tolist()) for group in ("own", "other"))
    return ExposureSide(
        rungs=ladder.rungs,
        acquired=knowledge.acquired,
        margin_gain=knowledge.own_gain,
        ledger=ExposureLedger(own=own, other=other),
    )
