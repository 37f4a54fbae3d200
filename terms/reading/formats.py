"""The forms of files that hold records: the registry from which `docs` makes its table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import first_line
from ..records import Faults
from .cells import csv_rows, tsv_rows
from .content import Content

Rows = Iterator[tuple[str, object]]
"""Records with where they stand, for people."""
WRAPPERS = frozenset(
    [
        "data",
        "records",
        "rows",
        "items",
        "examples",
        "instances",
        "train",
        "training",
        "validation",
        "valid",
        "dev",
        "test",
    ]
)
"""Keys under which a JSON object may hold its list of records."""


@dataclass(frozen=True, slots=True)
class Format:
    """A form of file: its endings (any case, each also with .gz), and its reader."""

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[Content, Faults], Rows]
    about: str
    """For the table in the docs."""
    is_prose: bool = False
    """Whether the file is running text, and no records."""


def json_lines(content: Content, faults: Faults) -> Rows:
    """Yield one record a line; or those of one JSON value, however it is laid out."""
    numbered = ((n, line) for n, line in enumerate(content.lines(), 1) if line.strip())
    first = True
    for number, line in numbered:
        if (first and line.lstrip().startswith("[")) or (first and not _is_json(line) and line.lstrip()[:1] == "{"):
            yield from _values("\n".join([line, *(rest for _, rest in numbered)]), content.path, number, faults)
            return
        first = False
        try:
            yield f"{content.path}, line {number}", json.loads(line)
        except (ValueError, RecursionError) as error:
            faults.add(f"{content.path}, line {number}", f"expected one JSON record on the line: {error}")


def json_document(content: Content, faults: Faults) -> Rows:
    """Yield the records of a list, of a list under a key such as `data`, of JSON lines, or one object as a record."""
    for where, value in json_lines(content, faults):
        lists = {key: held for key, held in value.items() if _holds_records(held)} if isinstance(value, dict) else {}
        if lists and lists.keys() <= WRAPPERS:
            for key, held in lists.items():
                yield from ((f"{content.path}, {key} record {n}", row) for n, row in enumerate(held, 1))
        else:
            yield where, value


def parquet(content: Content, faults: Faults) -> Rows:
    """Yield the rows of a parquet file, a batch at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with content.binary() as file:
            for batch in pq.ParquetFile(pa.BufferReader(file.read()) if content.is_gzipped else file).iter_batches():
                for row in batch.to_pylist():
                    number += 1
                    yield f"{content.path}, record {number}", row
    except (pa.ArrowException, UnicodeDecodeError) as error:
        faults.add(str(content.path), f"expected a parquet file: {first_line(error)}")


def prose(content: Content, faults: Faults) -> Rows:
    """Yield the whole text as one record."""
    if (text := content.whole()).strip():
        yield str(content.path), {"text": text}


JSON_LINES = Format("JSON lines", ("jsonl", "ndjson", "jsonlines"), json_lines, "a record a line")
JSON = Format(
    "JSON",
    ("json",),
    json_document,
    "a list of records, also under a key such as `data` or `train`; or a record a line",
)
CSV = Format("CSV", ("csv",), csv_rows, "a header line; commas, or semicolons, tabs or bars if the header has these")
TSV = Format("TSV", ("tsv", "tab"), tsv_rows, "a header line; a lone quotation mark is a character like any other")
PARQUET = Format("parquet", ("parquet", "pq"), parquet, "a row a record")
TEXT = Format("text", ("txt", "text", "md", "markdown"), prose, "a file is one text", is_prose=True)
FORMATS: tuple[Format, ...] = (JSON_LINES, JSON, CSV, TSV, PARQUET, TEXT)
_BY_SUFFIX = {suffix: form for form in FORMATS for suffix in form.suffixes}


def format_of(path: Path) -> Format | None:
    """Return a file's form by its ending, in any case and with or without .gz; None where it has none of these."""
    return _BY_SUFFIX.get(path.name.lower().removesuffix(".gz").rpartition(".")[2])


def suffixes(*, with_prose: bool = True) -> str:
    """Return the endings that are read, for messages."""
    return ", ".join(f".{form.suffixes[0]}" for form in FORMATS if with_prose or not form.is_prose)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _values(text: str, path: Path, line: int, faults: Faults) -> Rows:
    """Yield the records of a JSON list, or JSON values one after the other, over as many lines as they take."""
    decoder = json.JSONDecoder()
    place, number = 0, 0
    while place < len(text):
        try:
            value, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            at = line + text.count("\n", 0, getattr(error, "pos", place))
            faults.add(f"{path}, line {at}", f"expected a JSON list of records: {first_line(error)}")
            return
        for row in value if isinstance(value, list) else [value]:
            number += 1
            yield f"{path}, record {number}", row
        place = end + len(text[end:]) - len(text[end:].lstrip(" \t\r\n,"))


def _holds_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)
