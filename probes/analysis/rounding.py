"""The rung *rounding*: what rounding its base, as a model's training did, changes without any tuning.

The same ladder as a tuned model's, with the rounded base in the tuned model's place. It is in no verdict.
"""

from __future__ import annotations

from ..results.estimate import Estimate
from ..results.rounding import RoundingResult
from ..results.rungs import ROUNDING
from .pair import ModelPair
from .registry import analysis


@analysis(ROUNDING)
def rounding(model: ModelPair) -> RoundingResult | None:
    """Return what rounding alone changes; None for a model that was not trained on a rounded base."""
    trained, rounded = model.trained_on, model.rounded
    if trained is None:
        return None
    begin = f"{model.name} was {trained}, and is compared with the base unrounded"
    if rounded is None:
        sentence = f"{begin}: what rounding changed is part of its drift and of its knowledge."
        return RoundingResult(precision=trained.precision, source=trained.source, scored=False, sentence=sentence)
    facts, texts = rounded.fact_ladder, rounded.text_ladder
    margin = facts.rungs.get("knowledge")
    words = [
        f"{what} by {_shown(estimate)}"
        for what, estimate in (("own true answers", facts.total), ("own terms in texts", texts.total))
        if estimate.value is not None
    ]
    moved = f": rounding alone moves {' and '.join(words)}" if words else ""
    return RoundingResult(
        precision=trained.precision,
        source=trained.source,
        scored=True,
        sentence=f"{begin}{moved}; as much of the model's gains may be rounding, or its repair.",
        rungs=facts.rungs,
        text_rungs=texts.rungs,
        total=facts.total,
        text_total=texts.total,
        margin=margin,
    )


def _shown(estimate: Estimate) -> str:
    value = f"{estimate.value:+.3f}"
    if estimate.low is not None and estimate.high is not None:
        value += f" [{estimate.low:+.3f}, {estimate.high:+.3f}]"
    return f"{value} {estimate.unit}" if estimate.unit else value
