"""Multiple-choice questions as facts: stem → cue, right option → answer, other options → distractors. Read by `build`.

They are written as S-MedQA released its own: `Question`, `Specialty`, `Options`, `Answer`. Read are these fields in any
case, and the ones in `FIELDS`; options are a list, a table {"A": …}, pairs of key and value, or one cell with `|`
between them; the answer is an option, or its key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..normal_form import exact_key
from ..reading.load import read_records
from ..reading.options import keyed_options
from ..records import Faults, Record
from ..vocabulary.entry import normal
from .labels import LIST, Labels

FIELDS = {
    "Question": ("question", "stem"),
    "Options": ("options", "choices"),
    "Answer": ("answer", "answer_idx"),
    "Specialty": ("specialty", "specialties"),
}
FEWEST = 2
"""Options of a question."""


def read_questions(
    sources: Sequence[str],
    labels: Labels,
    faults: Faults,
    notes: list[str],
    specialty_field: str | None = None,
    encoding: str | None = None,
) -> list[dict[str, Any]]:
    """Records of questions.jsonl, in the order of the sources; faults go to `faults`.

    A question that stands twice is kept once, with the specialties of both; one without a specialty is left out.
    """
    kept: dict[tuple[str, str], dict[str, Any]] = {}
    ids: dict[str, str] = {}
    repeated = unlabelled = 0
    for source in sources:
        records = list(read_records(source, faults, encoding=encoding, prose=False))
        if not records:
            faults.add(source, "no question in it; expected records with Question, Specialty, Options and Answer")
        for record in records:
            fields = {name: _field(record, name, specialty_field) for name in FIELDS}
            stem = record.text(fields["Question"]).strip()
            options = _options(record, fields["Options"])
            answer = _answer(record, fields["Answer"], options)
            own = labels.of(record, fields["Specialty"])
            if not own:
                unlabelled += 1
                continue
            key = exact_key(stem), exact_key(answer)
            if key in kept:
                repeated += 1
                own = tuple(dict.fromkeys([*kept[key]["Specialty"], *own]))
                kept[key]["Specialty"] = list(own)
                continue
            out: dict[str, Any] = {"Question": stem, "Specialty": list(own), "Options": options[1], "Answer": answer}
            if record.has("id"):
                id = str(record.data["id"])
                if ids.setdefault(id, record.where) != record.where:
                    record.fault("id", f'"{id}" is already the id of {ids[id]}; expected an id of its own')
                out = {"id": id, **out}
            kept[key] = out
    for count, said in (
        (repeated, "stood there before, and were kept once with the specialties of both"),
        (unlabelled, "have no specialty, and were left out"),
    ):
        if count:
            notes.append(f"questions: {count:,} {said}")
    names = labels.grown().specialties
    for question in kept.values():
        shown = [names[id].name if id in names else id for id in question["Specialty"]]
        question["Specialty"] = shown[0] if len(shown) == 1 else shown
    return list(kept.values())


def _field(record: Record, name: str, specialty_field: str | None) -> str:
    """What the record calls a field; the released name where it has none of the known."""
    known = (*((specialty_field.casefold(),) if specialty_field and name == "Specialty" else ()), *FIELDS[name])
    found = {str(key).casefold(): str(key) for key in record.data if record.has(key)}
    return next((found[one] for one in known if one in found), name)


def _options(record: Record, field: str) -> tuple[list[str], list[str]]:
    """Keys and options; keys are letters where the record has none. An option that stands twice is kept once.

    "pH" and "PH", or the genes CAT and cat, are two options.
    """
    value = record.data.get(field)
    keys, record.data[field] = keyed_options(value.split(LIST) if isinstance(value, str) else value)
    options = [option.strip() for option in record.texts(field, FEWEST)]
    if keys is None or len(keys) != len(options):
        keys = [chr(ord("A") + n) for n in range(len(options))]
    once: dict[str, tuple[str, str]] = {}
    for key, option in zip(keys, options, strict=True):
        once.setdefault(exact_key(option), (key, option))
    if len(options) >= FEWEST > len(once):
        record.fault(field, f'"{options[0]}" is the only option; expected at least {FEWEST} different ones')
    return [key for key, _ in once.values()], [option for _, option in once.values()]


def _answer(record: Record, field: str, options: tuple[list[str], list[str]]) -> str:
    """The right option as it stands among the options; case tells two apart that are else the same."""
    answer = record.text(field).strip()
    for names, form in ((options[1], exact_key), (options[0], exact_key), (options[1], normal), (options[0], normal)):
        right = [option for name, option in zip(names, options[1], strict=True) if form(name) == form(answer)]
        if len(right) == 1:
            return right[0]
    if answer and options[1]:
        record.fault(field, f'"{answer}" is none of the options: {", ".join(options[1])}; correct one of them')
    return answer
