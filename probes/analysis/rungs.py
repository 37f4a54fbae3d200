"""Register what the ladders of facts and of texts say: rungs, totals, their contrasts, other units, layers."""

from __future__ import annotations

from ..results.estimate import Estimate
from ..results.model import LadderTotals
from ..results.rungs import Per, Rung, View
from .ladder import Ladder, other_units
from .pair import ModelPair
from .registry import analysis

NO_OTHERS = "no other specialties to compare with"


@analysis("rungs")
def rungs(model: ModelPair) -> dict[Rung, Estimate]:
    return model.fact_ladder.rungs


@analysis("text_rungs")
def text_rungs(model: ModelPair) -> dict[Rung, Estimate]:
    return model.text_ladder.rungs


@analysis("total")
def total(model: ModelPair) -> Estimate:
    return model.fact_ladder.total


@analysis("text_total")
def text_total(model: ModelPair) -> Estimate:
    return model.text_ladder.total


@analysis("specific_margin")
def specific_margin(model: ModelPair) -> Estimate:
    return _extra(model.fact_ladder, "specific_margin")


@analysis("transferable")
def transferable(model: ModelPair) -> Estimate:
    return _extra(model.fact_ladder, "transferable")


@analysis("by_layer")
def by_layer(model: ModelPair) -> dict[View, dict[Rung, list[Estimate]]]:
    return {"fact": model.fact_ladder.by_layer, "text": model.text_ladder.by_layer}


@analysis("other_units")
def units(model: ModelPair) -> dict[Per, LadderTotals]:
    groups = model.fact_groups, model.text_groups
    ladders = other_units(model.facts, model.texts, *groups, model.is_own_tuned, model.seed)
    return {
        per: LadderTotals(rungs=facts.rungs, text_rungs=texts.rungs, total=facts.total, text_total=texts.total)
        for per, (facts, texts) in ladders.items()
    }


def _extra(ladder: Ladder, name: str) -> Estimate:
    return ladder.extra.get(name, Estimate.missing(NO_OTHERS))
