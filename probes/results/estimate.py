"""The estimate: the form of every number that leaves `probes/`."""

from __future__ import annotations

from typing import Any

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass

from .base import CONFIG, Count, Finite

LEVEL = 0.95
"""Two-sided level of every interval."""


@dataclass(frozen=True, config=CONFIG)
class Estimate:
    """A value with its interval.

    `value`, `low` and `high` are in `unit` (mostly "nats/token"); each is None where the data cannot tell. In JSON
    `value` is called `estimate`.
    """

    value: Finite = Field(alias="estimate")
    low: Finite = None
    high: Finite = None
    unit: str = "nats/token"
    method: str = ""
    """How the interval was made."""
    n: Count = 0
    """Clusters (mostly concepts) that the value rests on."""
    p: Finite = None
    """The test's p-value, uncorrected, where a test belongs to the estimate."""
    note: str = ""
    """Why there is no value, where there is none."""
    effect: Finite = None
    """Value over the standard deviation between its concepts, where a test belongs to the estimate."""

    @classmethod
    def missing(cls, why: str, n: int = 0, unit: str = "nats/token") -> Estimate:
        """Return an estimate without a value, for data that do not allow one."""
        return Estimate(None, n=n, note=why, unit=unit)

    @property
    def known(self) -> bool:
        return self.value is not None

    def json(self) -> dict[str, Any]:
        """Return the estimate as in a result file."""
        values: dict[str, Any] = _ADAPTER.dump_python(self, mode="json", by_alias=True)
        return values


_ADAPTER: TypeAdapter[Estimate] = TypeAdapter(Estimate)


@dataclass(frozen=True, config=CONFIG)
class MatchedEstimate(Estimate):
    """A mean difference between pairs of terms and controls."""

    matched: Finite = 0.0
    """Share of the terms for which a control was found."""

    @classmethod
    def of(cls, estimate: Estimate, matched: float) -> MatchedEstimate:
        """Return the estimate with the share of terms that it rests on."""
        return cls(**vars(estimate), matched=matched)


@dataclass(frozen=True, config=CONFIG)
class Additivity:
    """Tukey's test for non-additivity of models × specialties."""

    coefficient: Finite
    """Of the product of row and column effects; 0 where they add."""
    f: Finite
    degrees: Count
    """Of the denominator; the numerator has one."""
    p: Finite


@dataclass(frozen=True, config=CONFIG)
class DiagonalEstimate(Estimate):
    """γ: what a model's own specialty adds, over several models."""

    additivity: Additivity | None = None
    """None where no degree of freedom is left for the test."""

    @classmethod
    def of(cls, estimate: Estimate, additivity: Additivity | None) -> DiagonalEstimate:
        """Return the estimate with the test of what it takes for granted."""
        return cls(**vars(estimate), additivity=additivity)
