"""The record files of a domain's folder: `NAME.jsonl`, or its parquet twin. Read by `terms.domain`."""

from __future__ import annotations

from pathlib import Path

from ...errors import CorpusError, DomainError
from ..records import Faults, Record
from .load import read_records


def read_part(folder: Path, name: str, faults: Faults) -> list[Record]:
    """Return the records of `name`.jsonl (JSON lines, or one JSON list) or `name`.parquet; none if neither is there.

    Broken records go to `faults`.

    Raises:
        DomainError: Both files are there, or the file cannot be read.
    """
    lines, columns = folder / f"{name}.jsonl", folder / f"{name}.parquet"
    if lines.exists() and columns.exists():
        raise DomainError(f"{lines} and {columns.name} both exist; expected one of them: remove the other")
    if not lines.exists() and not columns.exists():
        return []
    try:
        return list(read_records(lines if lines.exists() else columns, faults))
    except CorpusError as error:
        raise DomainError(str(error)) from error
