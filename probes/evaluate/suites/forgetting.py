"""Forgetting: what a tuned model lost of what its base could, beside what it gained on the domain.

facts          the domain's general facts beside its own, as multiple choice by likelihood (label `general`, `domain`)
text           bits per byte of the domain's general texts beside its own, or of the user's (`--data text=FILE`)
instructions   checkable instructions (`instructions`)
--task NAME    any task of lm-evaluation-harness, by name or as a YAML file
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from ....errors import UsageError
from ....terms.domain import Domain, Fact
from ..ask import Ask, prompt
from ..choices import choice_values
from ..instructions import INSTRUCTIONS, TOPICS, follows
from ..question import Faults, Question, records
from ..settings import Settings
from ..values import Value
from . import Answers, Suite, limited

NAME = "forgetting"
GENERAL, OWN = "general", "domain"
WHERE = ("text",)
"""What --data may be given for."""
OPTIONS = 4
MAX_TOKENS = 96


def open_suite(settings: Settings, domain: Domain, own: Mapping[str, str]) -> Suite:
    """Needs no data: facts and texts are the domain's own."""
    faults = Faults()
    questions = [q for label in (GENERAL, OWN) for q in limited(_questions(domain, label), settings)]
    texts = _texts(domain, settings, faults)
    told = limited([(each, topic) for each in INSTRUCTIONS for topic in TOPICS], settings)
    read_alone = tuple({"id": i, "question": i, "text": text, "target": ""} for i, text, _ in texts)
    alone = tuple(
        {"id": q.id, "question": q.id, "stem": q.stem, "choices": list(q.options), "target": ""} for q in questions
    )
    asks = [
        Ask(f"{NAME}.facts.text", "choices", alone, prompt("continue", settings.prompts)),
        Ask(f"{NAME}.text", "text", read_alone),
        Ask(
            f"{NAME}.instructions", "answer",
            tuple({"id": f"{each.id} {n}", "question": f"{each.id} {n}", "target": "",
                   "instruction": each.text.format(topic=topic)} for n, (each, topic) in enumerate(told)),
            prompt("instruction", settings.prompts), max_tokens=MAX_TOKENS, until=("\n\n\n",),
        ),
    ]  # fmt: skip
    asks = [ask for ask in asks if ask.docs]

    def values(answers: Answers) -> list[Value]:
        out: list[Value] = []
        if questions:
            out += choice_values(f"{NAME}.facts", questions, ["text"], answers)
        if texts:
            read = {row["id"]: row["logprobs"][0] for row in answers[f"{NAME}.text"].to_pylist()}
            out += [
                Value(f"{NAME}.text", "bits per byte", id, -read[id] / math.log(2) / len(text.encode()), (label,), id)
                for id, text, label in texts if id in read
            ]  # fmt: skip
        written = {row["id"]: row["answer"] for row in answers[f"{NAME}.instructions"].to_pylist()}
        for n, (each, _) in enumerate(told):
            if (id := f"{each.id} {n}") in written:
                out.append(
                    Value(f"{NAME}.instructions", "followed", id, float(follows(each, written[id])), (), each.id)
                )
        return out

    notes = [] if texts else ["no texts: the domain has none; give --data text=FILE"]
    return Suite(NAME, asks, values, harness=settings.tasks, faults=faults, notes=notes)


def _questions(domain: Domain, label: str) -> list[Question]:
    """Facts with three wrong answers, by their first cue."""

    def wanted(fact: Fact) -> bool:
        return (domain.general in fact.specialties) == (label == GENERAL) and len(fact.distractors) >= OPTIONS - 1

    return [
        Question(f"{label}-{fact.id}", fact.cues[0], (fact.answer, *fact.distractors[: OPTIONS - 1]), (0,), (label,),
                 cluster=fact.concept)
        for fact in domain.facts if wanted(fact)
    ]  # fmt: skip


def _texts(domain: Domain, settings: Settings, faults: Faults) -> list[tuple[str, str, str]]:
    """(id, text, label) of the user's file (general text) and the domain's own."""
    held = [
        (f"{label}-{text.id}", text.text, label)
        for text in domain.texts
        for label in [GENERAL if domain.general in text.specialties else OWN]
    ]
    if (file := settings.data_for("text")) is not None:
        held = [each for each in held if each[2] == OWN] + [
            (f"{GENERAL}-{n}", text, GENERAL) for n, text in enumerate(_user_texts(file, faults))
        ]
    return [each for label in (GENERAL, OWN) for each in limited([t for t in held if t[2] == label], settings)]


def _user_texts(file: Path, faults: Faults) -> list[str]:
    """Paragraphs of a .txt file, or the field `text` of records."""
    if file.suffix.lower() == ".txt":
        try:
            found = [part.strip() for part in file.read_text(encoding="utf-8").split("\n\n")]
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--data text={file}: cannot be read; give a UTF-8 text file") from error
    else:
        found = []
        for where, record in records(file, faults):
            text = record.get("text")
            if isinstance(text, str) and text.strip():
                found.append(text)
            else:
                faults.add("text: the field text is missing or empty", where)
    found = [text for text in found if text]
    if not found:
        raise UsageError(f"--data text={file}: holds no text; give paragraphs, or records with the field text")
    return found
