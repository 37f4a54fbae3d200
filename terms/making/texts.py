"""Texts and controls of a domain from a person's records. Read by `build`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...errors import UsageError
from ..domain import Text
from ..reading.load import LABEL, TEXT, read_records
from ..records import Faults, Record
from .labels import Labels

LABELS = (LABEL, "specialties")
"""Fields that are looked for where none is named."""


def read_texts(
    sources: Sequence[str],
    labels: Labels,
    faults: Faults,
    *,
    text_field: str | None = None,
    specialty_field: str | None = None,
    controls: bool = False,
    notes: list[str],
    encoding: str | None = None,
) -> list[Text]:
    """Texts in the order of the sources; with `controls` all are the control group's, whatever their labels.

    A text that stands there twice (white space aside) is kept once, with the specialties of both. Raises UsageError
    where no record has the field asked for; broken records go to `faults`.
    """
    kept: dict[str, Text] = {}
    taken: dict[str, str] = {}
    repeated = blank = unlabelled = 0
    for source in sources:
        records = list(read_records(source, faults, encoding=encoding))
        if not records:
            faults.raise_any()  # why there is none
        field = _field(records, source, text_field, (TEXT,), "--text-field")
        label = None if controls else _field(records, source, specialty_field, LABELS, "--specialty-field")
        width = len(str(len(records)))
        for number, record in enumerate(records, 1):
            if not str(record.data.get(field) or "").strip():
                blank += 1
                continue
            text = record.text(field)
            own = (labels.domain.general,) if controls else labels.of(record, label) if label else ()
            unlabelled += not own
            id = str(record.data["id"]).strip() if record.has("id") else f"{_stem(source)}-{number:0{width}}"
            key = " ".join(text.split())
            if key in kept:
                repeated += 1
                kept[key] = replace(kept[key], specialties=_united(kept[key].specialties, own, labels, record))
                continue
            if taken.setdefault(id, record.where) != record.where:
                record.fault("id", f'"{id}" is already the id of {taken[id]}; expected an id of its own')
            kept[key] = Text(id, text, own)
    what = "controls" if controls else "texts"
    for count, said in (
        (repeated, "stood there before, and were kept once with the specialties of both"),
        (blank, "had no text, and were left out"),
        (unlabelled, "carry no specialty: only terms that have one of their own count in them"),
    ):
        if count:
            notes.append(f"{what}: {count:,} {said}")
    return list(kept.values())


def _field(records: Sequence[Record], source: str, asked: str | None, usual: Sequence[str], option: str) -> str:
    """The field that a person named, or the usual one that some record has."""
    names = dict.fromkeys(name for record in records for name in record.data)
    for name in (asked,) if asked else usual:
        if name in names:
            return str(name)
    if not asked and usual == LABELS:
        return ""
    shown = ", ".join(names) or "none: it is empty"
    expected = f'"{asked}"' if asked else f'"{usual[0]}"'
    raise UsageError(f"{source}: no record has the field {expected}; name one of its fields with {option}: {shown}")


def _united(one: tuple[str, ...], other: tuple[str, ...], labels: Labels, record: Record) -> tuple[str, ...]:
    found = tuple(dict.fromkeys([*one, *other]))
    if labels.domain.general in found and len(found) > 1:
        record.fault(TEXT, f"the same text is a control elsewhere ({', '.join(found)}); remove it from one of the two")
    return found


def _stem(source: str) -> str:
    """What texts without an id of their own are called after."""
    path = Path(source)
    return path.stem if path.is_file() else path.name.partition(":")[0]
