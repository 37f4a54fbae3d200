"""What the built-in suites add to evaluation.json, under `more`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from .base import Count, Finite, ResultModel
from .estimate import Estimate

Level = Literal["L1", "L2"]


class NoPart(ResultModel):
    """For a suite that adds nothing."""


class PlaceShares(ResultModel):
    """How often a model chose each place of the options, over all rotations."""

    options: Count
    """Places; questions with the commonest number of options are counted."""
    shares: dict[str, float]
    """By letter."""
    excess: Finite
    """Share of choices beyond an even spread (total variation)."""
    choices: Count


class VoteLabels(ResultModel):
    """Labels that were made from votes."""

    quorum: Count
    records: Count
    labelled: Count


class ConformalLabels(ResultModel):
    """Label sets that were made from sampled answers."""

    alpha: float
    threshold: float
    """Largest score of a label in a set."""
    calibration: Count
    """Records."""
    coverage: Estimate
    """Share of the other records whose set holds the true label."""
    size: float
    """Mean labels a set."""
    empty: Count
    """Sets without a label."""


class Labelling(ResultModel):
    """How records without a specialty were given one."""

    votes: VoteLabels | None = Field(default=None, exclude_if=lambda value: value is None)
    conformal: ConformalLabels | None = Field(default=None, exclude_if=lambda value: value is None)


def _answered(tasks: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
    """Drop models without an answer, which early evaluations hold as empty objects."""
    return {task: {model: shares for model, shares in models.items() if shares} for task, models in tasks.items()}


PositionBias = Annotated[dict[str, dict[str, PlaceShares]], BeforeValidator(_answered)]
"""By task and model."""


class CasesPart(ResultModel):
    """Added by `cases`."""

    position_bias: PositionBias = Field(default_factory=dict)


class SmedqaPart(ResultModel):
    """Added by `smedqa`."""

    own: dict[str, str] = Field(default_factory=dict)
    """Specialty that a model was tuned on."""
    labels: Labelling = Labelling()
    position_bias: PositionBias = Field(default_factory=dict)
    diagonal: dict[str, Estimate] = Field(default_factory=dict)
    """By task: accuracy that being tuned on a specialty adds there, beyond rows and columns."""


class PublishedLevel(ResultModel):
    """One of CLUE's levels as published."""

    value: Finite
    """Percent; None where a task or metric is missing."""
    missing: tuple[str, ...]


class ModelLevels(ResultModel):
    """A model's levels."""

    published: dict[Level, PublishedLevel]
    mended: dict[Level, Estimate]
    """One metric a task, rescaled so that 0 is chance and 1 perfect."""


class LevelDifferences(ResultModel):
    """Differences of the levels of a pair."""

    tuned: str
    base: str
    published: dict[Level, Finite]
    """Percentage points; None where either level is."""
    mended: dict[Level, Estimate]


class CluePart(ResultModel):
    """Added by `clue`."""

    levels: dict[str, ModelLevels] = Field(default_factory=dict)
    """By model."""
    level_differences: tuple[LevelDifferences, ...] = ()
    shots: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """By task: ids of the examples."""
