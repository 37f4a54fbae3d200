"""What rounding a base changes by itself, where a model was trained on the rounded base."""

from __future__ import annotations

from pydantic import Field

from .base import ResultModel
from .estimate import Estimate
from .rungs import Rung


class RoundingResult(ResultModel):
    """The rung *rounding*: the ladder from the base to the base as the model's training rounded it.

    A tuned model's own rungs are from the unrounded base, so that they include what undoes or repeats these.
    """

    precision: str
    """`4bit`, `8bit`, or `other` for a method that is not repeated here."""
    source: str
    """What says that the model was trained so."""
    scored: bool
    """Whether the rounded base was scored; without it there are no estimates."""
    sentence: str
    rungs: dict[Rung, Estimate] = Field(default_factory=dict)
    text_rungs: dict[Rung, Estimate] = Field(default_factory=dict)
    total: Estimate | None = None
    """Mean gain of the own true answers by rounding alone: the rungs' sum."""
    text_total: Estimate | None = None
    margin: Estimate | None = None
    """Of these, what the true answers gained on their wrong ones."""
