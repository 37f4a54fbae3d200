"""The layout of hypotheses.json: every test on a run, and what shows when its files were written."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from .base import Count, Document, Finite, ResultModel
from .estimate import Estimate

Outcome = Literal["supported", "refuted", "cannot tell"]


class HypothesisFile(ResultModel):
    """A file of hypotheses, as it was when it was tested."""

    file: str
    sha256: str
    modified: str
    """When it was last written, ISO 8601."""
    before_run: str
    """Whether it was read or dated before the run began, or after."""


class GroupSize(ResultModel):
    """Rows and concepts of a group of items."""

    rows: Count
    concepts: Count


class ModelOutcome(ResultModel):
    """One hypothesis on one model."""

    outcome: Outcome
    why: str
    effect: Estimate
    p: Finite
    """In favour, corrected after Holm over the file's hypotheses and the run's models."""
    p_uncorrected: Finite
    p_against: Finite
    power: Finite
    """To support it, were the effect the smallest of interest."""
    detectable: Finite
    """Smallest effect that would be found."""
    groups: dict[str, GroupSize]


class HypothesisResult(ResultModel):
    """A hypothesis as its file states it, and its outcome for each model."""

    name: str
    prediction: str
    items: str
    measure: str
    groups: dict[str, dict[str, Any]]
    """Conditions on columns of the items, as the file gives them."""
    contrast: str
    formula: str | None
    direction: str
    smallest: float
    layers: tuple[str | int, ...]
    file: str
    sha256: str
    results: dict[str, ModelOutcome]
    """By model name."""


class HypothesisTestResult(ResultModel):
    """One call of `probe test`."""

    tested: str
    """ISO 8601."""
    run_started: str
    base: str
    domain: str
    level: float
    files: tuple[HypothesisFile, ...]
    hypotheses: tuple[HypothesisResult, ...]


class HypothesisRecord(Document):
    """All tests on a run, the latest of each set of files."""

    VERSION: ClassVar[int] = 1
    FILE: ClassVar[str] = "hypotheses.json"
    COMMAND: ClassVar[str] = "probe test"

    tests: tuple[HypothesisTestResult, ...]
