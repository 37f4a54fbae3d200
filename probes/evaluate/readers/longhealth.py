"""LongHealth (arXiv 2401.14490, Apache-2.0) in its published JSON, benchmark_v5.json → patients.

{"patient_01": {"texts": {"text_0": "…"}, "questions": [{"No": 0, "question": "…", "answer_a": "…", …,
 "answer_e": "…", "correct": "…", "answer_location": {"text_0": {"start": […], "end": […]}}}]}}
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....errors import UsageError
from ..question import Faults, Question, question, records

NO_ANSWER = "The question cannot be answered with the documents provided"


@dataclass(frozen=True, slots=True)
class Located:
    """A question, and the letters that its answer stands in."""

    question: Question
    letters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Patient:
    id: str
    letters: dict[str, str]
    questions: tuple[Located, ...]


def read_patients(path: Path, faults: Faults, encoding: str | None = None) -> list[Patient]:
    """The patients. Raises `UsageError` where there are none."""
    out = []
    for _, whole in records(path, faults, encoding):
        for id, patient in whole.items():
            if isinstance(patient, dict) and isinstance(patient.get("texts"), dict):
                letters = {str(k): v for k, v in patient["texts"].items() if isinstance(v, str) and v.strip()}
                asked = (_located(path, id, n, each, letters, faults) for n, each in enumerate(_list(patient)))
                out.append(Patient(id, letters, tuple(each for each in asked if each)))
    if not any(patient.questions for patient in out):
        first = next(iter(faults.first.values()), str(path))
        raise UsageError(
            f"--data {path}: no question of LongHealth can be used (first: {first}); give benchmark_v5.json"
        )
    return out


def _list(patient: dict[str, Any]) -> list[Any]:
    held = patient.get("questions")
    return held if isinstance(held, list) else []


def _located(
    path: Path, patient: str, number: int, record: Any, letters: dict[str, str], faults: Faults
) -> Located | None:
    where = f"{path}, {patient}, question {number}"
    if not isinstance(record, dict):
        faults.add("not a record of JSON", where)
        return None
    options = [record.get(f"answer_{letter}") for letter in "abcde"]
    made = question(
        where, f"{patient}-{number}", record.get("question"), options, record.get("correct"), faults, cluster=patient
    )
    if made is None:
        return None
    at = record.get("answer_location")
    held = tuple(name for name in at if name in letters) if isinstance(at, dict) else ()
    if not held:
        faults.add("the letter that the answer stands in is not there", where)
        return None
    return Located(made, held)
