"""What several trainings of one tune have in common: means over the trainings, and how far these lie apart."""

from __future__ import annotations

from collections.abc import Mapping

from .base import Count, Finite, ResultModel
from .estimate import Estimate
from .findings import STATE_LABELS, State
from .rungs import ABSOLUTE_SHIFT, ACQUIRED, BEYOND_CONTRAST, GENERAL_LANGUAGE, LEARNED

SHARE = "share"
"""Unit of the share of facts that were learned, from 0 to 1."""


class ReplicateSpread(ResultModel):
    """One quantity of a group of trainings."""

    mean: Estimate
    """Mean over the trainings. Its interval is Student's t over them; none where fewer than two have a value."""
    sd: Finite
    """Standard deviation over the trainings (n − 1), in the mean's unit; None where fewer than two have a value."""
    trainings: dict[str, Estimate]
    """By model, the value of each training with its interval over facts."""

    @property
    def over_facts(self) -> tuple[float, float] | None:
        """The lowest and the highest end of the single trainings' intervals over facts; None where none has any."""
        ends = [(e.low, e.high) for e in self.trainings.values() if e.low is not None and e.high is not None]
        return (min(low for low, _ in ends), max(high for _, high in ends)) if ends else None


class ReplicateGroup(ResultModel):
    """Models that differ in their training's seed alone. It has no verdict of its own; each model has one."""

    models: tuple[str, ...]
    """Names of its models in the comparison."""
    own: str | None
    """Specialty id of all its models; None for a tune of the whole domain."""
    sentence: str
    knowledge: dict[State, Count]
    """Trainings by the answer on knowledge."""
    shift: dict[State, Count]
    """Trainings by the answer on shift."""
    acquired: ReplicateSpread
    learned: ReplicateSpread
    """Share of the clearly unknown own facts."""
    over_contrast: ReplicateSpread
    """D1."""
    absolute: ReplicateSpread
    """D0."""
    general: ReplicateSpread
    """L."""

    @property
    def spreads(self) -> dict[str, ReplicateSpread]:
        """Every quantity, keyed by the name that it has on the page."""
        return {
            ACQUIRED: self.acquired,
            LEARNED: self.learned,
            BEYOND_CONTRAST: self.over_contrast,
            ABSOLUTE_SHIFT: self.absolute,
            GENERAL_LANGUAGE: self.general,
        }


def states_in_words(states: Mapping[State, int]) -> str:
    """Return `yes in 2 of 3, cannot tell in 1 of 3`; answers that no training has are left out."""
    total = sum(states.values())
    return ", ".join(f"{STATE_LABELS[state]} in {count} of {total}" for state, count in states.items() if count)
