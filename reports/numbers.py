"""Estimates of evaluation.json, checked as they are read. Read by `evaluation` and the section on answers alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from ..errors import RunError
from ..probes.results.base import CONFIG, Finite, describe
from ..probes.results.estimate import Estimate

AGAIN = "the file is damaged: run the evaluation again"


@dataclass(frozen=True, config={**CONFIG, "extra": "ignore"})
class Number(Estimate):
    """An estimate that may be absent from the file."""

    value: Annotated[Finite, Field(alias="estimate")] = None
    unit: str = ""

    @property
    def estimate(self) -> float | None:
        return self.value

    @classmethod
    def read(cls, raw: Any, where: str) -> Number:
        """Read null or an estimate. Raises RunError, which names `where`."""
        if raw is None or raw == {}:
            return cls()
        try:
            return _ADAPTER.validate_python(raw)
        except ValidationError as error:
            raise RunError(f"{where}: {describe(error)}; {AGAIN}") from error


_ADAPTER = TypeAdapter(Number)


def need(raw: Any, key: str, kind: type | tuple[type, ...], where: str) -> Any:
    value = raw.get(key) if isinstance(raw, Mapping) else None
    if not isinstance(value, kind):
        what = kind.__name__ if isinstance(kind, type) else "number"
        raise RunError(f"{where}: `{key}` is missing or not a {what}; {AGAIN}")
    return value
