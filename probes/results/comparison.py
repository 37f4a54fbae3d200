"""The layout of comparison.json."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from .base import Count, Document, ResultModel
from .estimate import DiagonalEstimate
from .model import ModelResult
from .replicates import ReplicateGroup
from .rungs import DiagonalView, Per


class ItemCounts(ResultModel):
    """How many items of each kind were scored, and what was left out."""

    facts: Count
    terms: Count
    words: Count
    controls: Count
    concepts: Count
    dropped: dict[str, Count]
    """By reason."""


class ComparisonResult(Document):
    """A finished comparison, as `probe compare --json` prints it."""

    VERSION: ClassVar[int] = 1
    FILE: ClassVar[str] = "comparison.json"
    COMMAND: ClassVar[str] = "probe compare"

    base: str
    domain: str
    per: Per
    seed: int
    run: str
    """Path of the run directory when the run was made."""
    specialties: dict[str, str]
    """Display names by id."""
    lens: str
    """How layers were read: raw, tuned, none."""
    layers: Count
    layer_numbers: tuple[int, ...]
    """Zero-based."""
    counts: ItemCounts
    mentions: str
    """How terms were found."""
    diagonal: dict[DiagonalView, DiagonalEstimate | None]
    """γ over the models, by kind of item."""
    models: dict[str, ModelResult]
    replicates: dict[str, ReplicateGroup] = Field(default_factory=dict)
    """By name, groups of models that are trainings of one tune; none where `--replicates` names none."""
