"""The list of terms: its columns, its two files, and a person's edits.

`terms.parquet` has everything, typed; `terms.csv` has the same for a spreadsheet, where a person may put anything in
`drop`, delete rows, or write other `specialties`. Given back, that file decides.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from ...errors import CorpusError, first_line
from ..domain import Domain
from .evidence import is_common

LIST = "|"
BREAK = " ‖ "
EDITED = "edited"


@dataclass(frozen=True, slots=True)
class Term:
    """A concept that the corpus mentions, and what is known of its specialties."""

    concept: str
    name: str
    cuis: tuple[str, ...]
    """Its UMLS concepts: its own id, or its cross-references."""
    types: tuple[str, ...]
    """Semantic types."""
    specialties: tuple[str, ...]
    common: bool
    """Of four specialties or more."""
    basis: str
    """What the specialties rest on: hierarchy, subtree, types, corpus, edited, or nothing."""
    hierarchy: tuple[str, ...]
    """The nearest roots over it, as `id name`."""
    type_roots: tuple[str, ...]
    """Semantic types that say a specialty, as `id name`."""
    z: Mapping[str, float]
    """Weighted log-odds of the corpus' documents, by specialty; empty where there is nothing to contrast."""
    specificity: float | None
    """0: as common in every specialty's documents; 1: in one's alone."""
    documents: int
    mentions: int
    documents_by: Mapping[str, int]
    """Documents by specialty."""
    examples: tuple[str, ...]
    """Up to three sentences, each of another document."""


def frame(terms: Iterable[Term]) -> Any:
    """Terms as a polars frame; mappings become lists of (specialty, value)."""
    import polars as pl

    pairs = {"z": pl.Float64, "documents_by": pl.Int64}
    schema: dict[str, Any] = {
        "concept": pl.String,
        "name": pl.String,
        "cuis": pl.List(pl.String),
        "types": pl.List(pl.String),
        "specialties": pl.List(pl.String),
        "common": pl.Boolean,
        "basis": pl.String,
        "hierarchy": pl.List(pl.String),
        "type_roots": pl.List(pl.String),
        "z": None,
        "specificity": pl.Float64,
        "documents": pl.Int64,
        "mentions": pl.Int64,
        "documents_by": None,
        "examples": pl.List(pl.String),
    }
    for name, kind in pairs.items():
        schema[name] = pl.List(pl.Struct({"specialty": pl.String, "value": kind}))
    rows = []
    for term in terms:
        row = {field.name: getattr(term, field.name) for field in fields(Term)}
        for name in pairs:
            row[name] = [{"specialty": key, "value": value} for key, value in row[name].items()]
        rows.append({key: list(value) if isinstance(value, tuple) else value for key, value in row.items()})
    return pl.DataFrame(rows, schema=schema, orient="row")


def read_terms(path: Path) -> list[Term]:
    """The terms of a `terms.parquet`. Raises CorpusError where it is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(path).to_pylist()
        return [_term(row) for row in rows]
    except (OSError, pa.ArrowException, TypeError, KeyError) as error:
        raise CorpusError(f"{path}: not a list of terms ({first_line(error)}); run probe terms extract") from error


def _term(row: dict[str, Any]) -> Term:
    plain: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    for key in ("z", "documents_by"):
        plain[key] = {pair["specialty"]: pair["value"] for pair in row[key]}
    return Term(**plain)


def write_csv(terms: Iterable[Term], path: Path) -> None:
    """`terms.csv`: lists joined by `|`, sentences by ` ‖ `, mappings as JSON; and an empty column `drop`."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["drop", *(field.name for field in fields(Term))])
        for term in terms:
            cells = []
            for key, value in asdict(term).items():
                if isinstance(value, Mapping):
                    value = json.dumps(value) if value else ""
                elif isinstance(value, tuple):
                    value = (BREAK if key == "examples" else LIST).join(value)
                cells.append("" if value is None else value)
            writer.writerow(["", *cells])


@dataclass(frozen=True, slots=True)
class Edits:
    """What a person made of a list: specialties of the concepts that stay."""

    kept: Mapping[str, tuple[str, ...]]
    path: str

    @classmethod
    def read(cls, path: Path, domain: Domain) -> Edits:
        """From a `terms.csv`, or a `.tsv`, with at least `concept` and `specialties`. Raises CorpusError by line."""
        try:
            with path.open(encoding="utf-8-sig", newline="") as lines:
                rows = list(csv.DictReader(lines, delimiter="\t" if path.suffix == ".tsv" else ","))
        except UnicodeDecodeError as error:
            raise CorpusError(f"{path}: not UTF-8; save it as CSV in UTF-8") from error
        except (OSError, csv.Error) as error:
            raise CorpusError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
        if not rows or not {"concept", "specialties"} <= set(rows[0]):
            raise CorpusError(f"{path}: expected a list of terms with the columns concept and specialties, in CSV")
        kept: dict[str, tuple[str, ...]] = {}
        for number, row in enumerate(rows, 2):
            concept = (row["concept"] or "").strip()
            if not concept or concept in kept:
                what = f'"{concept}" stands twice' if concept else "no concept"
                raise CorpusError(f"{path}, row {number}: {what}; expected each concept once")
            if not (row.get("drop") or "").strip():
                names = [name.strip() for name in (row["specialties"] or "").split(LIST) if name.strip()]
                if unknown := [name for name in names if name not in domain.specialties]:
                    known = ", ".join(domain.specialties)
                    raise CorpusError(
                        f'{path}, row {number}: unknown specialty "{unknown[0]}"; expected one of {known}'
                    )
                kept[concept] = tuple(dict.fromkeys(names))
        return cls(kept, str(path))

    def apply(self, terms: Sequence[Term]) -> tuple[list[Term], dict[str, Any]]:
        """The terms that stay, with a person's specialties; and what was done, for the record."""
        out, moved = [], []
        for term in terms:
            if (names := self.kept.get(term.concept)) is None:
                continue
            if set(names) != set(term.specialties):
                moved.append(term.concept)
                term = replace(term, specialties=names, common=is_common(names), basis=EDITED)
            out.append(term)
        here = {term.concept for term in terms}
        record = {
            "file": self.path,
            "dropped": [term.concept for term in terms if term.concept not in self.kept],
            "reassigned": moved,
            "not found": [concept for concept in self.kept if concept not in here],
        }
        return out, record
