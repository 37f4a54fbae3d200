"""The layout of calibration.json: how often each verdict was wrong, on models of known truth."""

from __future__ import annotations

from typing import ClassVar

from .base import Count, Document, Finite, ResultModel
from .findings import Rate


class ShiftRates(ResultModel):
    """The verdicts on shift in one arm."""

    yes: Rate
    no: Rate
    kinds: dict[str, Count]
    over_contrast: Finite
    """Mean D1, nats per token."""
    absolute: Finite
    """Mean D0."""
    general: Finite
    """Mean L."""


class SizeCalibration(ResultModel):
    """The verdicts on one arm's models, from samples of so many own facts."""

    knowledge: dict[str, Rate]
    """How often knowledge was said, by statistic: the instrument's, and its rivals'."""
    no_knowledge: Rate
    kinds: dict[str, Count]
    """What was said to have become of the own facts."""
    shift: ShiftRates
    """Read from facts."""
    coverage: Rate
    """How often the interval of a blindly drawn sample held the planted effect."""
    estimate: Finite
    """Mean of *acquired*, nats per token."""
    learned: Finite
    """Mean share of the clearly unknown own facts that became clearly known."""
    unknown: Finite
    """Mean number of clearly unknown own facts."""
    wordings: Count
    """Models whose facts were said to be learned in one wording only."""
    verdicts: dict[str, Count]


class ArmCalibration(ResultModel):
    """One arm: models that were trained alike, of known truth."""

    what: str
    """What they read."""
    knowledge: str
    """What is true of the own facts: `no`, `reinforced`, `lost` or `yes`."""
    shift: str | None
    """What is true of the shift: `no`, `narrowed` (or none) or `yes`; None where no truth is claimed."""
    dose: float
    """Share of the facts that was taught."""
    own_given: bool
    """False for tunes of the whole domain (`--own none`)."""
    seeds: Count
    planned: Count
    planted: Finite
    text_shift: ShiftRates
    sizes: dict[str, SizeCalibration]
    """By number of own facts."""


class Calibration(Document):
    """All that is known of the instrument's errors."""

    VERSION: ClassVar[int] = 3
    FILE: ClassVar[str] = "calibration.json"
    COMMAND: ClassVar[str] = "probe calibrate"

    base: str
    about_base: str
    version: str
    """Of knowshift."""
    rule: Count
    """Number of the verdict's rule (`probes.analysis.rule`)."""
    commit: str
    """At which the models were judged."""
    development: bool
    """Whether these are the seeds on which the rule was chosen; they state no error rate."""
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
    """By size and statistic, over all arms that acquired nothing."""
    false_shift: dict[str, Rate]
    """By view (`text`, and each size for facts), over all arms that did not move towards the domain."""
    coverage: dict[str, Rate]
    area: dict[str, dict[str, dict[str, Finite]]]
    """Area under the curve by size, dose and statistic."""
    monotone: dict[str, bool | None]
    """Whether estimates rise with the dose, by size."""
