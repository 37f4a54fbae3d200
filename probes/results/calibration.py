"""The layout of calibration.json: how often each verdict was wrong, on models of known truth."""

from __future__ import annotations

from typing import ClassVar

from .base import Count, Document, Finite, ResultModel
from .findings import Rate


class SizeCalibration(ResultModel):
    """The verdicts on one arm's models, from samples of so many own facts."""

    knowledge: dict[str, Rate]
    """How often knowledge was said, by statistic: the instrument's, and its rivals'."""
    no_knowledge: Rate
    shift: Rate
    no_shift: Rate
    coverage: Rate
    """How often the interval of a blindly drawn sample held the planted effect."""
    estimate: Finite
    """Mean specific knowledge, nats per token."""
    verdicts: dict[str, Count]


class ArmCalibration(ResultModel):
    """One arm: models that were trained alike, of known truth."""

    what: str
    """What they read."""
    truth: str
    """`nothing`, `knowledge` or `reinforced`."""
    dose: float
    """Share of the own facts that was taught."""
    seeds: Count
    planted: Finite
    text_shift: Rate
    text_no_shift: Rate
    sizes: dict[str, SizeCalibration]
    """By number of own facts."""


class Calibration(Document):
    """All that is known of the instrument's errors."""

    VERSION: ClassVar[int] = 1
    FILE: ClassVar[str] = "calibration.json"
    COMMAND: ClassVar[str] = "probe calibrate"

    base: str
    about_base: str
    version: str
    """Of knowshift."""
    command: str
    hours: float
    """Of one processor."""
    pool: Count
    """Own facts of the world."""
    models: Count
    sizes: tuple[Count, ...]
    """Own facts in a sample."""
    others: dict[str, Count]
    """Least number of other specialties' facts in such a sample, by size."""
    arms: dict[str, ArmCalibration]
    false_knowledge: dict[str, dict[str, Rate]]
    """By size and statistic, over all arms that learned nothing."""
    coverage: dict[str, Rate]
    area: dict[str, dict[str, dict[str, Finite]]]
    """Area under the curve by size, dose and statistic."""
    monotone: dict[str, dict[str, bool | None]]
    """Whether estimates rise with the dose, by size and kind of arm."""
