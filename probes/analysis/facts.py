"""Register what the facts say: the ledger, and the knowledge statistic that the verdict reads."""

from __future__ import annotations

from ..results.estimate import Estimate
from ..results.findings import Ledger
from .pair import ModelPair
from .registry import analysis


@analysis("ledger")
def ledger(model: ModelPair) -> Ledger:
    return model.ledger


@analysis("specific_knowledge")
def specific_knowledge(model: ModelPair) -> Estimate:
    return model.knowledge.specific


@analysis("margin_gain")
def margin_gain(model: ModelPair) -> Estimate:
    return model.knowledge.margin_gain


@analysis("sharpening")
def sharpening(model: ModelPair) -> float | None:
    return model.knowledge.slope
