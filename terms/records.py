"""One record of a file, with checks that name file, line and field, and the faults of many.

Reading goes on after a fault, so that a person sees the first ten at once. Records are read by `terms.reading`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ..errors import DomainError

SHOWN = 10
"""Faults told one by one; of the others only the count."""


class Faults:
    """What is wrong with a domain, collected over all its files."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, where: str, what: str) -> None:
        self.found.append(f"{where}: {what}")

    def raise_any(self) -> None:
        """Raises DomainError with the first ten faults, one a line, and the count of those left out."""
        if self.found:
            more = len(self.found) - SHOWN
            raise DomainError("\n".join(self.found[:SHOWN] + ([f"and {more} more"] if more > 0 else [])))


@dataclass(frozen=True, slots=True)
class Record:
    """One record; its getters report what is missing or of a wrong form, and return an empty value for it."""

    data: dict[str, Any]
    where: str
    """File and line, for people."""
    faults: Faults

    def fault(self, field: str, what: str) -> None:
        self.faults.add(f'{self.where}, field "{field}"', what)

    def has(self, field: str) -> bool:
        """A parquet file has every column in every record: null is absent."""
        return self.data.get(field) is not None

    def text(self, field: str, default: str | None = None) -> str:
        """A string that is not blank; `default` where the field may be absent."""
        if not self.has(field):
            if default is None:
                self.fault(field, "missing; expected text")
            return default or ""
        return self._text(field, self.data[field])

    def texts(self, field: str, least: int = 0) -> tuple[str, ...]:
        """A list of strings, none blank; `least` of them at the least (0: the field may be absent)."""
        if not self.has(field):
            if least:
                self.fault(field, "missing; expected a list of texts")
            return ()
        values = self.data[field]
        if not isinstance(values, list):
            self.fault(field, f"expected a list of texts, found {_shown(values)}")
            return ()
        if len(values) < least:
            self.fault(field, f"expected at least {least} text{'s' * (least > 1)} in the list, found {len(values)}")
        return tuple(self._text(field, value) for value in values)

    def id(self, default: str | None = None) -> str:
        """Return the record's id as text; many files number their records."""
        value = self.data.get("id")
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return self.text("id", default)

    def _text(self, field: str, value: object) -> str:
        if not isinstance(value, str) or not value.strip():
            self.fault(field, f"expected text that is not empty, found {_shown(value)}")
            return ""
        if any("\ud800" <= c <= "\udfff" for c in value):
            self.fault(field, f"half of a surrogate pair in {_shown(value)}; expected text that UTF-8 can hold")
            return ""
        if "\0" in value:
            self.fault(field, f"a NUL character in {_shown(value)}; remove it")
            return ""
        return value


def _shown(value: object) -> str:
    """A value as JSON, short enough for one line."""
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= 60 else text[:57] + "..."
