"""Triples and tables to a `Stated`: subject, relation, object, or a column for each relation. Read by `source`.

Wordings come from a relations.toml beside the file, from columns cue_1, cue_2, cue_3, else from its name.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...normal_form import words_of
from ...records import Faults, Record
from ...vocabulary.entry import normal
from ..census import SMALL_RELATION
from ..facts import FactRow
from ..labels import LIST
from ..names import holds
from ..relations import FILE, Relations
from ..stated import Stated
from .answers import LONG, MOST_CHARACTERS, is_long
from .relation_wordings import wordings_of

SUBJECTS = ("subject", "head", "subj", "entity", "s")
RELATIONS = ("relation", "predicate", "property", "rel", "attribute", "p")
OBJECTS = ("object", "answer", "tail", "obj", "value", "o")
_LABELS = ("id", "specialty", "specialties", "also", "aliases", "object_aliases")
MOST_COLUMNS = 30
SHORT = 0.9
"""Share of a table's cells that must be short, for its columns to be relations."""
EMPTY = "without subject, relation or object"


def is_triples(records: Sequence[Record]) -> bool:
    """Whether the records have a subject, a relation and an object."""
    names = {str(name).casefold() for record in records[:100] for name in record.data}
    return all(any(name in names for name in known) for known in (SUBJECTS, RELATIONS, OBJECTS))


def is_table(records: Sequence[Record], label: str | None) -> bool:
    """Whether the first column names things, each once, and the others say something short of them."""
    columns = list(dict.fromkeys(str(name) for record in records[:100] for name in record.data))
    said = [name for name in columns[1:] if name.casefold() not in _LABELS and name != label]
    if not said or len(columns) > MOST_COLUMNS:
        return False
    cells = [str(record.data[name]) for record in records for name in columns if record.has(name)]
    names = [normal(str(record.data.get(columns[0]) or "")) for record in records]
    is_short = sum(len(cell) <= MOST_CHARACTERS for cell in cells) >= SHORT * len(cells)
    return is_short and len(set(names)) > SHORT * len(names)


def read_triples(
    records: Sequence[Record],
    source: str,
    specialties_of: Callable[[Record], tuple[str, ...]],
    faults: Faults,
    label: str | None = None,
) -> Stated:
    """Return what the triples state; `label` is the field of the specialties, which is no relation."""
    relations = Relations(faults)
    path = Path(source)
    relations.read((path if path.is_dir() else path.parent) / FILE)
    skipped: Counter[str] = Counter()
    aliases: dict[str, tuple[str, ...]] = {}
    kept: dict[tuple[str, str, str], FactRow] = {}
    for record in records:
        parts = _parts(record, label)
        if not parts:
            skipped[EMPTY] += 1
        for subject, relation, answer in parts:
            if record.has("cue_1"):
                relations.take(relation, record)
            if not (subject and relation and answer):
                skipped[EMPTY] += 1
            elif is_long(answer):
                skipped[LONG] += 1
            elif holds(words_of(subject), words_of(answer)):
                skipped["whose subject holds the object"] += 1
            else:
                also = _list(record, "also")
                row = FactRow(subject, relation, answer, specialties_of(record), also, record.where)
                if kept.setdefault((normal(subject), relation, normal(answer)), row) is not row:
                    skipped["that say what one before says"] += 1
                if names := _list(record, "aliases") or _list(record, "object_aliases"):
                    aliases[answer] = tuple(dict.fromkeys([*aliases.get(answer, ()), *names]))
    rows = _of_large_relations(list(kept.values()), skipped)
    # A person's own wordings go before those made of the name.
    cues = {row.relation: relations.cues.get(row.relation) or wordings_of(row.relation) for row in rows}
    return Stated(tuple(rows), cues, skipped, aliases, len(records))


def _of_large_relations(rows: list[FactRow], skipped: Counter[str]) -> list[FactRow]:
    facts: Counter[str] = Counter(row.relation for row in rows)
    answers: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        answers[row.relation].add(normal(row.answer))
    kept = [row for row in rows if min(facts[row.relation], len(answers[row.relation])) >= SMALL_RELATION]
    if len(kept) < len(rows):
        skipped[f"of a relation with fewer than {SMALL_RELATION} facts or different objects"] += len(rows) - len(kept)
    return kept


def _parts(record: Record, label: str | None) -> list[tuple[str, str, str]]:
    """Return subject, relation, object of a triple; of a row of a table one for each filled column."""
    lower: dict[str, Any] = {str(name).casefold(): value for name, value in record.data.items()}
    relation = _first(lower, RELATIONS)
    if any(name in lower for name in SUBJECTS) and any(name in lower for name in RELATIONS):
        return [(_first(lower, SUBJECTS), relation, _first(lower, OBJECTS))]
    columns = [str(name) for name in record.data]
    subject = _text(record.data.get(columns[0])) if columns else ""
    return [
        (subject, name, _text(record.data[name]))
        for name in columns[1:]
        if record.has(name) and name.casefold() not in _LABELS and name != label and _text(record.data[name])
    ]


def _first(lower: dict[str, Any], names: Sequence[str]) -> str:
    return next((_text(lower[name]) for name in names if lower.get(name) is not None), "")


def _text(value: object) -> str:
    """Return a cell's text; Wikidata's exports keep names in {"label": …}."""
    if isinstance(value, dict):
        value = value.get("label") or value.get("name") or value.get("text")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return " ".join(str(value).split())


def _list(record: Record, field: str) -> tuple[str, ...]:
    """Return a field's texts, a list or parted by `|`."""
    value = record.data.get(field)
    parts = value if isinstance(value, list) else str(value).split(LIST) if value is not None else []
    return tuple(" ".join(str(part).split()) for part in parts if str(part).strip())
