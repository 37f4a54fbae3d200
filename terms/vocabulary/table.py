"""A table of concepts: CSV, TSV, JSON lines, one JSON list, or parquet.

Columns `id` and `name`, and any of the others, under the spellings of `SPELLINGS` in any case. Cells with several
values are lists in JSON and parquet; in CSV and TSV, `|` stands between them. A table may be long: rows of one id and
one name are one concept.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ...errors import VocabularyError, first_line
from .entry import Entry
from .reading import Filters, Tally, lines, records, strings

SPELLINGS = {
    "id": ("id", "concept_id"),
    "name": ("name", "label", "canonical_name", "preferred_name"),
    "aliases": ("aliases", "alias", "synonyms", "synonym"),
    "types": ("types", "type", "semantic_types", "semantic_type", "tui"),
    "definition": ("definition", "def", "description"),
    "parents": ("parents", "parent", "is_a", "subclassof"),
    "xrefs": ("xrefs", "xref", "umls_cui", "cui"),
}
"""A concept's field → the headers it is known by."""
_ONE = ("id", "name", "definition")
"""Fields of one value; the others are united over columns and rows."""


def read(path: Path, filters: Filters, tally: Tally) -> Iterator[Entry]:
    """Concepts in the order of their first rows; parents are as written, ids or names.

    Raises VocabularyError, naming the line: a column or value that is missing, a value of a wrong form, an id with
    two names.
    """
    found: dict[str, tuple[str, dict[str, list[str]]]] = {}
    for where, row in _rows(path, tally):
        for name in ("id", "name"):
            if not row[name]:
                raise VocabularyError(f"{where}: no {name}; expected one in every row")
        first, fields = found.setdefault(row["id"][0].strip(), (where, row))
        if fields is row:
            continue
        if fields["name"][0].strip() != row["name"][0].strip():
            raise VocabularyError(
                f'{where}: {row["id"][0]} is named "{row["name"][0]}", but "{fields["name"][0]}" in'
                f" {first.removeprefix(f'{path}, ')}; expected one name for an id"
            )
        for name, values in row.items():
            if name not in _ONE or not fields[name]:
                fields[name] += values
    for id, (_, f) in found.items():
        definition = "".join(f["definition"][:1])
        yield Entry.of(id, f["name"][0], f["aliases"], f["types"], definition, f["parents"], f["xrefs"])


def _rows(path: Path, tally: Tally) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Rows as lists of values under the fields' own names, each with its place."""
    kind = path.name.removesuffix(".gz").rpartition(".")[2].lower()
    separator = "|" if kind in ("csv", "tsv") else None
    rows: Iterable[tuple[str, dict[str, Any]]]
    if separator:
        rows = _cells(path, "," if kind == "csv" else "\t", tally)
    else:
        rows = _parquet(path) if kind == "parquet" else records(path, tally)
    headers: tuple[str, ...] = ()
    columns: dict[str, list[str]] = {}
    for where, row in rows:
        if tuple(row) != headers:
            headers = tuple(row)
            columns = _columns(where, headers)
        yield (
            where,
            {
                name: [
                    value
                    for header in columns[name]
                    for value in strings(where, header, row[header], None if name in _ONE else separator)
                    if value.strip()
                ]
                for name in SPELLINGS
            },
        )


def _columns(where: str, headers: Iterable[str]) -> dict[str, list[str]]:
    """Each field's headers, of those that the table has."""
    plain = {"_".join(header.split()).casefold(): header for header in headers}
    found = {name: [plain[s] for s in spellings if s in plain] for name, spellings in SPELLINGS.items()}
    if not found["id"] and "cui" in plain:
        found["id"] = [plain["cui"]]
    for name in ("id", "name"):
        if not found[name]:
            known, given = ", ".join(SPELLINGS[name]), ", ".join(map(repr, plain.values()))
            raise VocabularyError(f"{where}: no column for the {name}; expected {known}; found {given or 'none'}")
    for name in _ONE:
        found[name] = found[name][:1]
    return found


def _cells(path: Path, delimiter: str, tally: Tally) -> Iterator[tuple[str, dict[str, str]]]:
    reader = csv.reader((f"{line}\n" for _, line in lines(path, tally)), delimiter=delimiter, strict=True)
    headers: list[str] = []
    begin = 1
    try:
        for cells in reader:
            where, begin = f"{path}, line {begin}", reader.line_num + 1
            if not headers:
                headers = cells
                _columns(where, headers)
            elif cells and len(cells) != len(headers):
                raise VocabularyError(f"{where}: {len(cells)} cells, expected {len(headers)} as in the first line")
            elif cells:
                yield where, dict(zip(headers, cells, strict=True))
    except csv.Error as error:
        raise VocabularyError(f"{path}, line {begin}: {error}; expected cells quoted as in CSV") from error


def _parquet(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        n = 0
        for batch in file.iter_batches():
            for row in batch.to_pylist():
                n += 1
                yield f"{path}, record {n}", row
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise VocabularyError(f"{path}: expected a parquet file: {first_line(error)}") from error
    except OSError as error:
        raise VocabularyError(f"{path}: cannot be read: {error.strerror or error}") from error
