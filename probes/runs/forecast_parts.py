"""The time of what follows the scores: passages, statistics, the page. Read by `probes.runs.forecast`.

Passages are forward passes and cost by the rate that is measured for them. Statistics and page are work of numpy and
Python on one core, whose speed differs little between machines: their seconds were measured on the demo.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .passages import places, sample

if TYPE_CHECKING:
    from .plan import ComparisonPlan

STATISTICS = 0.9e-3
"""Seconds that the statistics take for each item and model."""
PAGE, PAGE_MODEL = 1.1, 0.1
"""Seconds that a page takes, and that each model adds to it."""
PASSAGE_CALLS = 3.0
"""Times that a passage takes over the multiply-adds and layer calls of its tokens: it is read alone, with every layer's
likeliest tokens."""


@dataclass(frozen=True, slots=True)
class Afterwards:
    """Seconds of what follows the scores of all models."""

    passages: float
    statistics: float
    page: float

    @property
    def total(self) -> float:
        """Seconds in all."""
        return self.passages + self.statistics + self.page


def afterwards(ready: ComparisonPlan, rate: float, layer_call: float) -> Afterwards:
    """Return the seconds that passages, statistics and page take.

    Args:
        ready: The comparison.
        rate: Floating-point operations a second.
        layer_call: Seconds that a layer takes, however few tokens there are.
    """
    models = len(ready.tuned)
    return Afterwards(
        passages=_passages(ready, rate, layer_call) * (models + 1),
        statistics=STATISTICS * len(ready.items) * models,
        page=PAGE + PAGE_MODEL * models,
    )


def _passages(ready: ComparisonPlan, rate: float, layer_call: float) -> float:
    """Return the seconds that one model takes for its passages."""
    settings = ready.settings
    if settings.remote or not settings.text or not settings.passages:
        return 0.0
    _, found = places(ready.items)
    chosen = sample(found, settings.seed, settings.passages)
    if not chosen:
        return 0.0
    anatomy = ready.base.anatomy
    texts = [passage.text[: passage.end] for passage in chosen]
    lengths = [len(ids) for ids in ready.base.tokenizer(texts, add_special_tokens=False)["input_ids"]]
    shares = [(passage.end - passage.begin) / max(1, passage.end) for passage in chosen]
    inside = sum(weight.numel() for weight in anatomy.layers.parameters())
    layers = len(ready.lens.layers) or 1
    read = sum(length * share for length, share in zip(lengths, shares, strict=True))
    operations = 2.0 * (sum(lengths) * inside + read * layers * anatomy.vocabulary * anatomy.width)
    return PASSAGE_CALLS * (operations / rate + layer_call * len(chosen) * len(anatomy.layers))
