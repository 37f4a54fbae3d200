"""Records of one file of a domain, with checks that name file, line and field. Read by `terms.domain`.

A file is JSON lines, or a parquet twin of the same name. Reading goes on after a fault, so that a person sees the
first ten of a domain at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DomainError, first_line

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


def read(folder: Path, name: str, faults: Faults) -> list[Record]:
    """Records of `name`.jsonl (JSON lines, or one JSON list) or `name`.parquet in the folder; none if neither is there.

    Raises DomainError where both are there or the file cannot be read; broken records go to `faults`.
    """
    lines, columns = folder / f"{name}.jsonl", folder / f"{name}.parquet"
    if lines.exists() and columns.exists():
        raise DomainError(f"{lines} and {columns.name} both exist; expected one of them: remove the other")
    if not lines.exists() and not columns.exists():
        return []
    return read_file(lines if lines.exists() else columns, faults)


def read_file(path: Path, faults: Faults) -> list[Record]:
    """Records of a JSON lines (or JSON list) or parquet file. Raises DomainError where it cannot be read."""
    try:
        out = []
        for where, value in _parquet(path, faults) if path.suffix == ".parquet" else _json(path, faults):
            if isinstance(value, dict):
                out.append(Record(value, where, faults))
            else:
                faults.add(where, f"expected a record {{...}}, found {_shown(value)}")
    except OSError as error:
        raise DomainError(
            f"{error.filename or path}: cannot be read: {error.strerror or error}; expected a file"
        ) from error
    return out


def _json(path: Path, faults: Faults) -> Iterator[tuple[str, object]]:
    raw = path.read_bytes()
    try:
        content = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        broken = raw[: error.start].count(b"\n") + 1
        faults.add(f"{path}, line {broken}", "not UTF-8; save the file as UTF-8")
        return
    if content.lstrip().startswith("["):
        try:
            yield from ((f"{path}, record {n}", value) for n, value in enumerate(json.loads(content), 1))
        except (ValueError, RecursionError) as error:
            faults.add(f"{path}, line {getattr(error, 'lineno', 1)}", f"expected a JSON list of records: {error}")
        return
    # Not splitlines: JSON allows U+2028 and its like inside a string.
    for n, line in enumerate(content.split("\n"), 1):
        if line.strip():
            try:
                yield f"{path}, line {n}", json.loads(line)
            except (ValueError, RecursionError) as error:
                faults.add(f"{path}, line {n}", f"expected one JSON record on the line: {error}")


def _parquet(path: Path, faults: Faults) -> Iterator[tuple[str, object]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(path).to_pylist()
    except (pa.ArrowException, UnicodeDecodeError) as error:
        faults.add(str(path), f"expected a parquet file: {first_line(error)}")
        return
    yield from ((f"{path}, record {n}", row) for n, row in enumerate(rows, 1))


def _shown(value: object) -> str:
    """A value as JSON, short enough for one line."""
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= 60 else text[:57] + "..."
