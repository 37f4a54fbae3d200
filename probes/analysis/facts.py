"""Register what the facts say: the ledger, and the knowledge statistic that the verdict reads."""

from __future__ import annotations

import numpy as np

from ..results.estimate import Estimate
from ..results.findings import Ledger
from ..results.model import CategoryCounts, Placebo, Reinforced, RightWrongPairs, WrongAnswer
from ..results.rungs import CATEGORIES, SIDES, Side
from .pair import ModelPair
from .registry import analysis
from .standing import right_wrong_shares

WRONG_ANSWERS = 50
"""Wrong answers that are listed, the surest first."""


@analysis("ledger")
def ledger(model: ModelPair) -> Ledger:
    return model.ledger


@analysis("acquired")
def acquired(model: ModelPair) -> Estimate:
    return model.knowledge.acquired


@analysis("margin_gain")
def margin_gain(model: ModelPair) -> Estimate:
    return model.knowledge.own_gain


@analysis("sharpening")
def sharpening(model: ModelPair) -> float | None:
    return model.knowledge.sharpening


@analysis("reinforced")
def reinforced(model: ModelPair) -> Reinforced:
    found = model.knowledge
    return Reinforced(difference=found.reinforced, own=found.own_kept, reference=found.reference_kept)


@analysis("placebos")
def placebos(model: ModelPair) -> tuple[Placebo, ...]:
    """Return what is *acquired* in each other specialty, as if it were the own one; none without an own specialty."""
    if not model.is_own_tuned:
        return ()
    rows = []
    for specialty in model.specialties:
        if specialty != model.own:
            found = model.knowledge_as_if(specialty)
            rows.append(Placebo(specialty=specialty, acquired=found.acquired.value, learned=found.learned.own))
    return tuple(rows)


@analysis("categories")
def categories(model: ModelPair) -> dict[Side, CategoryCounts]:
    """Return by side how many facts are known, maybe known and unknown, in the base and in the tuned model."""
    frame = model.fact_frame
    out: dict[Side, CategoryCounts] = {}
    for side, mask in zip(SIDES, (model.fact_groups == "own", model.is_reference), strict=True):
        some = frame.filter(mask)
        base, tuned = ({name: int((some[column] == name).sum()) for name in CATEGORIES} for column in COLUMNS)
        out[side] = CategoryCounts(base=base, tuned=tuned)
    return out


COLUMNS = ("base_category", "tuned_category")


@analysis("right_wrong_pairs")
def right_wrong_pairs(model: ModelPair) -> dict[Side, RightWrongPairs]:
    """Return K by side, before and after: the share of right-wrong pairs in which the right answer is likelier.

    The mean over facts of the share of a fact's wrong answers that score below its truth (Gekhman et al. 2025, arXiv
    2503.15299), over centred log-probabilities.
    """
    centred = model.centred
    out: dict[Side, RightWrongPairs] = {}
    for side, mask in zip(SIDES, (model.fact_groups == "own", model.is_reference), strict=True):
        shares = []
        for values in (centred.base, centred.tuned):
            share = right_wrong_shares(values[mask], centred.like[mask])
            share = share[np.isfinite(share) & np.isfinite(values[mask, 0])]
            shares.append(float(share.mean()) if len(share) else None)
        out[side] = RightWrongPairs(base=shares[0], tuned=shares[1], facts=int(mask.sum()))
    return out


@analysis("wrong_answers")
def wrong_answers(model: ModelPair) -> tuple[WrongAnswer, ...]:
    """Return own facts that the model now gets confidently wrong and did not before, the surest first.

    One wrong answer leads the truth and every other candidate by the lead of clear knowledge, and did not in the base.
    """
    centred, limit = model.centred, model.standing.clear_lead
    rows: list[WrongAnswer] = []
    for place in np.flatnonzero(model.fact_groups == "own"):
        leads = []
        like = centred.like[place] | (np.arange(centred.like.shape[1]) == 0)
        tuned = np.where(like & np.isfinite(centred.tuned[place]), centred.tuned[place], -np.inf)
        best = int(np.argmax(tuned))
        if best == 0 or not np.isfinite(tuned[0]):
            continue
        for values in (centred.base[place], centred.tuned[place]):
            held = np.where(like & np.isfinite(values), values, -np.inf)
            rest = np.delete(held, best)
            leads.append(float(held[best] - rest.max()))
        if leads[1] >= limit > leads[0]:
            item = model.items[place]
            rows.append(
                WrongAnswer(
                    item=item.id,
                    cue=item.cues[0],
                    answer=item.answers[0],
                    given=item.answers[best],
                    base_lead=leads[0] if np.isfinite(leads[0]) else None,
                    tuned_lead=leads[1],
                )
            )
    return tuple(sorted(rows, key=lambda row: -(row.tuned_lead or 0.0))[:WRONG_ANSWERS])
