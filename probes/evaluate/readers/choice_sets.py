"""Multiple-choice sets in their published forms → questions. What a file is, its records' keys tell.

S-MedQA    Question, Specialty (a name, or a list of names), Options (texts), Answer (a text, or several); for labels
           of one's own, Votes or Samples (names; see `labels`)
MedQA      question, options {"A": …} or [{key, value}], answer_idx ("A") or answer (a text), meta_info
MedMCQA    question, opa … opd, cop (1 to 4 as released; 0 to 3 on the hub; see `_first`), subject_name
PubMedQA   QUESTION, CONTEXTS, final_decision (yes, no, maybe), or the hub's question, context, final_decision
cases      question, options (list, or {"A": …}), answer (letter, text or index), difficulty, specialty, id
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ....errors import DomainError, UsageError
from ....terms.domain import Domain
from ....terms.normal_form import exact_key
from ....terms.reading.options import keyed_options
from ....terms.vocabulary.entry import normal
from ..data import DataRules, GivenData
from ..labels import opinions
from ..question import LETTERS, Faults, Question, question, records

Record = dict[str, Any]
Names = Callable[[str], str | None]
"""A specialty's name as a file has it → its id, None where the domain has none of that name."""

DECISIONS = ("yes", "no", "maybe")
SUBJECTS = {
    # MedMCQA's subjects are an exam's; these are the ones that are a clinical specialty's.
    "Gynaecology & Obstetrics": "obstetrics_gynecology",
    "Orthopaedics": "orthopedics",
    "Pediatrics": "pediatrics",
    "Psychiatry": "psychiatry",
    "Skin": "dermatology",
}


MEDMCQA = ("medmcqa0", "medmcqa1")
"""--data NAME=FILE says whether MedMCQA's answers count from 0 or 1, where the file does not tell."""


def choice_file(suite: str, data: GivenData, rules: DataRules) -> tuple[Path, int | None]:
    """Return the one data file and, where it was said, the number of MedMCQA's first option. Raises `UsageError`."""
    for first, name in enumerate(MEDMCQA):
        if any(given == name for given, _ in data.named) and (path := data.path_for(name)):
            return path, first
    return rules.require(suite, data), None


def specialty_names(domain: Domain) -> Names:
    """Looks names up in `domain`."""

    def find(name: str) -> str | None:
        try:
            return domain.specialty(name).id
        except DomainError:
            return None

    return find


def read_questions(
    path: Path,
    domain: Domain,
    faults: Faults,
    label: Callable[[list[Record]], None] | None = None,
    first: int | None = None,
    encoding: str | None = None,
) -> list[Question]:
    """The questions of a file in any of the forms above. Raises `UsageError` where it is in none of them.

    `label` may give records labels before they are read. `first` is the number of MedMCQA's first option, where a
    person says it; `encoding` is the file's, where it is declared.
    """
    found: list[Question] = []
    names = specialty_names(domain)
    base: int | None = None
    held = [each for where, record in records(path, faults, encoding) for each in _unfolded(where, record)]
    if label is not None:
        held = [(where, record) for where, record in held if _heard(where, record, faults, names)]
        label([record for _, record in held])
    if any("opa" in record for _, record in held):
        base = _first([record for _, record in held], path) if first is None else first
    for number, (where, record) in enumerate(held):
        reader = _reader(record)
        if reader is None:
            faults.add("not a record of a known form", where)
            continue
        made = reader(where, f"q{number}", record, faults, names, base)
        if made is not None:
            found.append(made)
    if not found:
        where = next(iter(faults.first.values()), str(path))
        raise UsageError(
            f"--data {path}: no question can be used ({'; '.join(faults.found) or 'it is empty'}; first: {where}); "
            "expected S-MedQA, MedQA, MedMCQA, PubMedQA, or records with question, options and answer"
        )
    ids = [each.id for each in found]
    return found if len(set(ids)) == len(ids) else [_renamed(each, n) for n, each in enumerate(found)]


def _heard(where: str, record: Record, faults: Faults, find: Names) -> bool:
    """Whether `Votes` and `Samples`, where it has them, are names; they are put down as a list of these.

    Names of one specialty become one label, its id, in these and in `Specialty`, so that they are counted together.
    """
    for key in ("Votes", "Samples"):
        if record.get(key) is not None:
            names = opinions(record[key])
            if names is None:
                faults.add(f"{key} is neither a list of names nor {{name: count}}", where)
                return False
            record[key] = [find(name) or exact_key(name) for name in names]
    if isinstance(known := record.get("Specialty"), str):
        record["Specialty"] = find(known) or exact_key(known)
    return True


def _first(records: list[Record], path: Path) -> int:
    """Whether MedMCQA's answers count from 0 or 1, which only the whole file tells: one has a 0, the other a 4.

    Raises `UsageError` where it cannot be told: a guess would score wrong options as right.
    """
    given = {cop for record in records if isinstance(cop := record.get("cop"), int) and not isinstance(cop, bool)}
    zero, four = 0 in given, 4 in given
    if zero == four and given & {0, 1, 2, 3, 4}:
        raise UsageError(
            f"--data {path}: its answers (cop) hold {'both 0 and 4' if zero else 'neither 0 nor 4'}, so that nobody "
            f"can tell whether they count from 0 or 1; give --data medmcqa0={path} or --data medmcqa1={path}"
        )
    return 0 if zero else 1


def _renamed(each: Question, number: int) -> Question:
    from dataclasses import replace

    return replace(each, id=f"{each.id}-{number}")


def _unfolded(where: str, record: Record) -> list[tuple[str, Record]]:
    """PubMedQA as released is one object of records by article."""
    values = list(record.values())
    if values and all(isinstance(value, dict) and "QUESTION" in value for value in values):
        return [(f"{where}, {name}", {**value, "id": name}) for name, value in record.items()]
    return [(where, record)]


def _reader(record: Record) -> Callable[..., Question | None] | None:
    keys = set(record)
    if {"Question", "Options"} <= keys:
        return _smedqa
    if "opa" in keys:
        return _medmcqa
    if "final_decision" in keys:
        return _pubmedqa
    if "question" in keys or "options" in keys:
        return _plain
    return None


def _smedqa(where: str, id: str, record: Record, faults: Faults, names: Names, base: int | None) -> Question | None:
    labels = _labels(record.get("Specialty"), names, faults, where)
    if labels is None:
        return None
    return question(
        where, id, record.get("Question"), record.get("Options"), record.get("Answer"), faults, labels=labels
    )


def _labels(given: Any, names: Names, faults: Faults, where: str) -> tuple[str, ...] | None:
    """Specialties' ids, of a name, a list of names, or None; None, and a fault, where one is unknown."""
    if given is not None and not isinstance(given, str | list):
        faults.add("the specialty is neither a name nor a list of names", where)
        return None
    labels = []
    for name in [given] if isinstance(given, str) else given or []:
        found = names(name) if isinstance(name, str) else None
        if found is None:
            faults.add(f'unknown specialty "{name}"', where)
            return None
        labels.append(found)
    return tuple(dict.fromkeys(labels))


def _medmcqa(where: str, id: str, record: Record, faults: Faults, names: Names, base: int | None) -> Question | None:
    options = [record.get(key) for key in ("opa", "opb", "opc", "opd")]
    subject, right = exact_key(str(record.get("subject_name") or "")), record.get("cop")
    if not isinstance(right, int) or isinstance(right, bool):
        faults.add("the answer is not among the options", where)
        return None
    known = names(subject) or SUBJECTS.get(subject)
    labels = (known,) if known else (subject,) if subject else ()
    chosen = right - (1 if base is None else base)
    return question(where, str(record.get("id") or id), record.get("question"), options, chosen, faults, labels=labels)


def _pubmedqa(where: str, id: str, record: Record, faults: Faults, names: Names, base: int | None) -> Question | None:
    contexts = record.get("CONTEXTS") or record.get("context")
    if isinstance(contexts, dict):
        contexts = contexts.get("contexts")
    context = "\n".join(map(str, contexts)) if isinstance(contexts, list | tuple) else str(contexts or "")
    said = normal(str(record.get("final_decision", "")))
    stem = record.get("QUESTION") or record.get("question")
    id = str(record.get("id") or record.get("pubid") or id)
    return question(where, id, stem, list(DECISIONS), said, faults, context=context)


def _plain(where: str, id: str, record: Record, faults: Faults, names: Names, base: int | None) -> Question | None:
    """MedQA, and the cases of a user."""
    options, answer = record.get("options"), record.get("answer_idx", record.get("answer"))
    keys, options = keyed_options(options)
    letters = list(LETTERS) if keys is None else [exact_key(key).upper() for key in keys]
    said = list(answer) if isinstance(answer, list) else [answer]
    if not isinstance(options, list):
        faults.add("the options are no list, {letter: text} or pairs", where)
        return None
    texts = [exact_key(option) for option in options if isinstance(option, str)]
    right: list[Any] = []
    for one in said:
        # An option's own text goes before a letter: an option may be called "A".
        if isinstance(one, str) and (key := exact_key(one)) not in texts and key.upper() in letters:
            one = letters.index(key.upper())
        right.append(one)
    labels = _labels(record.get("specialty"), names, faults, where)
    if labels is None:
        return None
    if record.get("difficulty") is not None:
        labels = (*labels, f"difficulty: {exact_key(str(record['difficulty']))}")
    context = str(record.get("context") or "")
    name = str(record.get("id") if record.get("id") is not None else id)
    return question(where, name, record.get("question"), options, right, faults, labels=labels, context=context)
