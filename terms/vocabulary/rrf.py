"""A UMLS release in Rich Release Format, streamed: MRCONSO merged with MRSTY, MRDEF and MRREL by CUI.

The files of a release are sorted by CUI, so that one concept's rows are all that is ever held. Columns are those of
the UMLS Reference Manual, chapter 3 (tables of MRCONSO, MRSTY, MRDEF and MRREL). Which row names a concept and which
source defines it are scispaCy's choices (scispacy/umls_utils.py, the export of its own knowledge bases), so that both
give the same names; where no row is marked preferred, the best by TS, STT, ISPREF and TTY is taken.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from ...errors import VocabularyError
from .entry import Entry
from .reading import Filters, Tally, raw_lines, text

COLUMNS = {"MRCONSO": 18, "MRSTY": 6, "MRDEF": 8, "MRREL": 16}
CODED = {
    "SNOMEDCT_US": "SNOMEDCT_US",
    "MSH": "MSH",
    "HPO": "HP",
    "GO": "GO",
    "NCI": "NCI",
    "ICD10CM": "ICD10CM",
    "ICD10": "ICD10",
    "ICD9CM": "ICD9CM",
    "MDR": "MDR",
    "ATC": "ATC",
    "RXNORM": "RXNORM",
    "OMIM": "OMIM",
}
"""Sources (SAB) whose codes become cross-references → how those are written."""
DEFINING = {"NCI_BRIDG", "NCI_NCI-GLOSS", "NCI", "GO", "MSH", "NCI_FDA"}
"""Sources whose definitions go before all others'."""
NAMING = {tty: n for n, tty in enumerate(("PN", "MH", "PT", "NM", "HT", "PEP", "FN", "SY", "ET"))}
"""Term types by how well they name a concept of which no row is marked preferred."""

_CUI, _LAT, _TS, _STT, _ISPREF, _SAB, _TTY, _CODE, _STR, _SUPPRESS = 0, 1, 2, 4, 6, 11, 12, 13, 14, 16


def folder(path: Path) -> Path | None:
    """The folder that holds MRCONSO: the one given, or META in it; None where neither does."""
    return next((place for place in (path, path / "META") if _file(place, "MRCONSO")), None)


def is_rxnorm(path: Path) -> bool:
    """Whether the folder, or rrf in it, holds a release of RxNorm alone, whose files have other columns."""
    return any(_file(place, "RXNCONSO") for place in (path, path / "rrf"))


def read(path: Path, filters: Filters, tally: Tally) -> Iterator[Entry]:
    """Concepts of a release folder or its META folder, in order of CUI.

    Raises VocabularyError, naming file and line, for a row that is cut off, not UTF-8, or out of order.
    """
    meta = folder(path) or path
    types = _CompanionFile(meta, "MRSTY", "types", tally)
    definitions = _CompanionFile(meta, "MRDEF", "definitions", tally)
    relations = _CompanionFile(meta, "MRREL", "parents", tally, ("PAR", "RB") if filters.broader else ("PAR",))
    for cui, rows in groupby(_rows(meta / "MRCONSO.RRF", "MRCONSO", tally), itemgetter(_CUI)):
        names, xrefs = _names(rows, filters, tally)
        if not names:
            tally.dropped["concepts without a name left"] += 1
            continue
        parents = (
            row[4]
            for row in relations.of(cui)
            if row[4] != cui and _kept(row[14], filters) and (filters.sab is None or row[10] in filters.sab)
        )
        kinds = (row[1] for row in types.of(cui))
        yield Entry.of(cui, names[0], names[1:], kinds, _definition(definitions.of(cui), filters), parents, xrefs)
    # Rows out of order may lie behind the last concept.
    for companion in (types, definitions, relations):
        companion.finish()


def _names(rows: Iterable[list[str]], filters: Filters, tally: Tally) -> tuple[list[str], list[str]]:
    """The names that pass, the preferred one first, and the codes; codes are taken from every language."""
    names: list[str] = []
    xrefs: list[str] = []
    best: tuple[object, ...] = ()
    preferred = 0
    for row in rows:
        if not _kept(row[_SUPPRESS], filters):
            tally.dropped["suppressed names"] += 1
            continue
        if filters.sab is not None and row[_SAB] not in filters.sab:
            tally.dropped["names of other sources"] += 1
            continue
        if (source := CODED.get(row[_SAB])) and row[_CODE] not in ("", "NOCODE"):
            xrefs.append(row[_CODE] if ":" in row[_CODE] else f"{source}:{row[_CODE]}")
        if filters.languages is not None and row[_LAT] not in filters.languages:
            tally.dropped["names in other languages"] += 1
            continue
        if not row[_STR].strip():
            continue
        marks = (row[_TS] != "P", row[_STT] != "PF", row[_ISPREF] != "Y")
        rank = (*marks, NAMING.get(row[_TTY], len(NAMING)) if any(marks) else 0)
        if not names or rank < best:
            best, preferred = rank, len(names)
        names.append(row[_STR])
    if names:
        names.insert(0, names.pop(preferred))
    return names, xrefs


def _definition(rows: list[list[str]], filters: Filters) -> str:
    found = [row for row in rows if _kept(row[6], filters)]
    chosen = next((row for row in found if row[4] in DEFINING), found[0] if found else None)
    return chosen[5] if chosen else ""


def _kept(suppress: str, filters: Filters) -> bool:
    return filters.keep_suppressed or suppress == "N"


class _CompanionFile:
    """A file read in step with MRCONSO: the rows of one CUI at a time, asked for in ascending order."""

    def __init__(self, meta: Path, stem: str, what: str, tally: Tally, relations: tuple[str, ...] = ()) -> None:
        there = _file(meta, stem) is not None
        if not there:
            tally.notes.append(f"{stem}.RRF is missing: no {what}")
        self._rows = _rows(meta / f"{stem}.RRF", stem, None, relations) if there else iter(())
        self._next = next(self._rows, None)

    def of(self, cui: str) -> list[list[str]]:
        while self._next is not None and self._next[0] < cui:
            self._next = next(self._rows, None)
        found = []
        while self._next is not None and self._next[0] == cui:
            found.append(self._next)
            self._next = next(self._rows, None)
        return found

    def finish(self) -> None:
        for _ in self._rows:
            pass


def _file(meta: Path, stem: str) -> Path | None:
    return next((path for end in ("", ".gz") if (path := meta / f"{stem}.RRF{end}").is_file()), None)


def _rows(named: Path, stem: str, tally: Tally | None, relations: tuple[str, ...] = ()) -> Iterator[list[str]]:
    """Rows as fields, in order of CUI; of MRREL only those of the relations, REL being what CUI2 is to CUI1."""
    path = _file(named.parent, stem) or named
    columns = COLUMNS[stem]
    marks = [f"|{relation}|".encode() for relation in relations]
    last = ""
    for n, line in enumerate(raw_lines(path, tally), 1):
        # Most of MRREL's rows are no parents: they are passed over before they cost anything.
        if (marks and not any(mark in line for mark in marks)) or not line.strip():
            continue
        row = text(line, path, n).split("|")
        if len(row) != columns + 1:
            raise VocabularyError(
                f"{path}, line {n}: {len(row) - 1} columns, expected {columns} that each end in |; "
                "the row is cut off, or the file is of another format"
            )
        if row[0] < last:
            raise VocabularyError(f"{path}, line {n}: {row[0]} comes after {last}; sort the file: {_sorting(path)}")
        last = row[0]
        if not relations or row[3] in relations:
            yield row


def _sorting(path: Path) -> str:
    """The command that sorts a file by CUI and leaves the rows of a CUI in their order."""
    sort, name = "LC_ALL=C sort -s -t'|' -k1,1 -o", shlex.quote(str(path).removesuffix(".gz"))
    return f"gunzip {name}.gz && {sort} {name} {name}" if path.suffix == ".gz" else f"{sort} {name} {name}"
