"""Published scores of models, pair by pair, as `probe evaluate --published --json` prints them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Count, ResultModel
from .evaluation import Outcome


class PublishedPair(ResultModel):
    """One measure of a tuned model and a base."""

    tuned: str
    base: str
    measure: str
    score: float
    base_score: float
    difference: float
    """Percentage points, to the decimals that are printed."""
    outcome: Outcome


class PublishedCount(ResultModel):
    """Win, tie and loss on one measure, for one choice of a base for each tuned model."""

    measure: str
    models: Count
    win: Count
    tie: Count
    loss: Count
    paired_with: dict[str, str] = Field(serialization_alias="with")
    """The chosen base of each tuned model that has several."""

    def __str__(self) -> str:
        """Return the count as a sentence: `L1: 9 of 12 decline (… paired with …)`."""
        paired = ", ".join(f"{tuned} paired with {base}" for tuned, base in self.paired_with.items())
        return f"{self.measure}: {self.loss} of {self.models} decline" + (f" ({paired})" if paired else "")


class PublishedComparison(ResultModel):
    """Differences of every pair on every measure, and the counts."""

    schema_version: Literal[1] = Field(default=1, serialization_alias="schema")
    source: str
    unit: str
    tie_rule: str
    pairs: tuple[PublishedPair, ...]
    counts: tuple[PublishedCount, ...]
