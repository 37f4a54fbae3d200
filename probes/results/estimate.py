"""The estimate: the form of every number that leaves `probes/`. Written by probes, read by reports and the command."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

LEVEL = 0.95
"""Two-sided level of every interval."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval.

    `value`, `low`, `high` are in `unit` (mostly "nats/token"); `None` where the data cannot tell. `n` counts the
    clusters (concepts) the value rests on; `method` names the interval's method.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    unit: str = "nats/token"
    method: str = ""
    n: int = 0
    p: float | None = None
    """Where a test belongs to the estimate: its p-value, uncorrected."""
    note: str = ""
    effect: float | None = None
    """Where a test belongs to the estimate: the value over the standard deviation between its concepts."""

    @classmethod
    def missing(cls, why: str, n: int = 0, unit: str = "nats/token") -> Estimate:
        """An estimate that the data at hand do not allow, with the reason."""
        return cls(None, n=n, note=why, unit=unit)

    @property
    def known(self) -> bool:
        return self.value is not None and math.isfinite(self.value)

    def json(self) -> dict[str, Any]:
        """As in `comparison.json`: `value` is called `estimate`; what is not finite is null."""
        out = asdict(self)
        out["estimate"] = out.pop("value")
        for key in ("estimate", "low", "high", "p", "effect"):
            if out[key] is not None and not math.isfinite(out[key]):
                out[key] = None
        return {key: out[key] for key in ("estimate", "low", "high", "unit", "n", "method", "p", "effect", "note")}
