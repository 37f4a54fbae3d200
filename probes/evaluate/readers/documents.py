"""A user's documents with questions → `About`s. JSON lines (or a JSON list), a document a record:

    {"id": "d1", "text": "…", "questions": [{"question": "…", "options": ["…", "…"], "answer": "…"}, …]}

`options` may be left out: then the answer is free text. A record may also hold one `question` of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....errors import UsageError
from ..question import Faults, Question, question, records


@dataclass(frozen=True, slots=True)
class About:
    """A question and the document it is about; `right` is None where the answer is free text (`answer`)."""

    id: str
    stem: str
    document: str
    answer: str
    right: Question | None


def read_documents(path: Path, faults: Faults, encoding: str | None = None) -> tuple[dict[str, str], list[About]]:
    """Documents by id, and the questions on them. Raises `UsageError` where there are no two documents, or none asked.

    One document alone has no other to be asked about in its place.
    """
    texts: dict[str, str] = {}
    asked: list[About] = []
    for number, (where, record) in enumerate(records(path, faults, encoding)):
        text = record.get("text") or record.get("document")
        if not isinstance(text, str) or not text.strip():
            faults.add("the document is missing or empty", where)
            continue
        id = str(record.get("id") if record.get("id") is not None else f"d{number}")
        if id in texts:
            faults.add("a document's id is given twice", where)
            continue
        texts[id] = text.strip()
        given = record.get("questions", [record] if "question" in record else [])
        for n, each in enumerate(given if isinstance(given, list) else []):
            if made := _about(f"{where}, question {n}", f"{id}-{n}", id, each, faults):
                asked.append(made)
    if len(texts) < 2 or not asked:
        first = next(iter(faults.first.values()), str(path))
        raise UsageError(
            f"--data {path}: {len(texts)} documents with {len(asked)} questions can be used (first fault: {first}); "
            "expected at least two documents, and questions on them"
        )
    return texts, asked


def _about(where: str, id: str, document: str, record: Any, faults: Faults) -> About | None:
    if not isinstance(record, dict):
        faults.add("not a record of JSON", where)
        return None
    stem, answer = record.get("question"), record.get("answer")
    if record.get("options") is not None:
        made = question(where, id, stem, record["options"], answer, faults, cluster=document)
        return None if made is None else About(id, made.stem, document, made.options[made.right[0]], made)
    if not isinstance(stem, str) or not stem.strip() or not isinstance(answer, str) or not answer.strip():
        faults.add("a question or its answer is missing or empty", where)
        return None
    return About(id, stem.strip(), document, answer.strip(), None)
