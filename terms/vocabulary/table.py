"""A table of concepts: CSV, TSV, JSON lines, one JSON list, or parquet.

Columns `id` and `name`, and any of the others, under the spellings of `SPELLINGS` in any case. Cells with several
values are lists in JSON and parquet; in CSV and TSV, `|` stands between them. A table may be long: rows of one id and
one name are one concept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ...errors import CorpusError, VocabularyError
from ..reading.formats import CSV, TSV, format_of
from ..reading.load import read_values
from ..records import Faults
from .entry import Entry
from .reading import Filters, Tally, strings

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
    for where, row in _rows(path, tally.encoding):
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


def _rows(path: Path, encoding: str | None) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Yield rows as lists of values under the fields' own names, each with its place."""
    separator = "|" if format_of(path) in (CSV, TSV) else None
    headers: tuple[str, ...] = ()
    columns: dict[str, list[str]] = {}
    for where, row in _records(path, encoding):
        if tuple(row) != headers:
            headers = tuple(row)
            # A table names its columns in its first line, every JSON record its own.
            columns = _columns(f"{path}, line 1" if separator else where, headers)
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


def _records(path: Path, encoding: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the table's records; a vocabulary is not compiled from a file with a fault in it."""
    faults = Faults()
    try:
        for where, value in read_values(path, faults, encoding=encoding, prose=False):
            if faults.found:
                break
            if not isinstance(value, dict):
                raise VocabularyError(f"{where}: expected a record {{...}}, found {type(value).__name__}")
            yield where, value
    except CorpusError as error:
        raise VocabularyError(str(error)) from error
    if faults.found:
        raise VocabularyError(faults.found[0])
