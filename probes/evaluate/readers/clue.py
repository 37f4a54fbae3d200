"""CLUE's data in the files' own formats → documents (LongHealth has a module of its own).

mednli           mli_test_v1.jsonl (PhysioNet): sentence1, sentence2, gold_label
meqsum           MeQSum.xlsx: CHQ (the question), Summary
problem_summary  BioNLP 2023 task 1A's CSV (PhysioNet): Assessment, Subjectives (or Subjective Sections), Summary
medisumqa        MeDiSumQA.json: discharge_summary, Question, Answer
medisumcode      MeDiSumCode.json: text, icd_codes [{code, description}], hadm_id
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ....errors import UsageError, first_line
from ....terms.vocabulary.entry import normal
from ..prompt_task import Doc
from ..question import Faults, records

NLI_LABELS = ("entailment", "neutral", "contradiction")
Record = dict[str, Any]


def read_docs(task: str, path: Path, faults: Faults, encoding: str | None = None) -> list[Doc]:
    """Documents of `task`: the fields of its prompt, `target` (the reference), `id`. Raises `UsageError`."""
    source = _excel(path) if path.suffix.lower() == ".xlsx" else records(path, faults, encoding)
    made = []
    for number, (where, record) in enumerate(source):
        fields = FIELDS[task](record)
        wanting = [name for name, value in fields.items() if not value]
        if wanting:
            faults.add(f"{task}: {wanting[0]} is missing or empty", where)
        elif task == "mednli" and fields["target"] not in NLI_LABELS:
            faults.add(f'mednli: the label "{fields["target"]}" is none of {", ".join(NLI_LABELS)}', where)
        else:
            name = f"{task}-{number}"
            made.append({"id": name, "question": name, **fields})
    if not made:
        first = next(iter(faults.first.values()), str(path))
        raise UsageError(f"--data {task}={path}: no record can be used (first: {first}); see docs/evaluate.md")
    return made


def _text(record: Record, *names: str) -> str:
    for name in names:
        if isinstance(value := record.get(name), str) and value.strip():
            return value.strip()
    return ""


def _problems(summary: str) -> str:
    return ", ".join(part.strip() for part in summary.split(";") if part.strip())


def _codes(record: Record) -> str:
    codes = record.get("icd_codes")
    held = [each.get("code") if isinstance(each, dict) else each for each in codes] if isinstance(codes, list) else []
    return ", ".join(code for code in held if isinstance(code, str))


FIELDS: dict[str, Callable[[Record], dict[str, str]]] = {
    "mednli": lambda r: {
        "premise": _text(r, "sentence1"),
        "hypothesis": _text(r, "sentence2"),
        "target": normal(_text(r, "gold_label")),
    },
    "meqsum": lambda r: {"text": _text(r, "CHQ"), "target": _text(r, "Summary")},
    "problem_summary": lambda r: {
        "subjective": _text(r, "Subjectives", "Subjective Sections", "S"),
        "assessment": _text(r, "Assessment", "A"),
        "target": _problems(_text(r, "Summary")),
    },
    "medisumqa": lambda r: {
        "text": _text(r, "discharge_summary"),
        "stem": _text(r, "Question"),
        "target": _text(r, "Answer"),
    },
    "medisumcode": lambda r: {"text": _text(r, "text"), "target": _codes(r)},
}


def _excel(path: Path) -> Iterator[tuple[str, Record]]:
    """Rows of the first sheet by the names in its first row."""
    from zipfile import BadZipFile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        sheet: Any = load_workbook(path, read_only=True).worksheets[0]
        rows = sheet.iter_rows(values_only=True)
        head = [str(cell) for cell in next(rows, ()) if cell is not None]
        for number, row in enumerate(rows, 2):
            record = dict(zip(head, row, strict=False))
            if any(value is not None for value in record.values()):
                yield f"{path}, row {number}", record
    except (OSError, InvalidFileException, BadZipFile, KeyError, IndexError, ValueError, SyntaxError) as error:
        # An .xlsx is a zip of XML, whose ParseError is a SyntaxError.
        raise UsageError(
            f"--data {path}: cannot be read as .xlsx ({first_line(error)}); give the file as released"
        ) from error
