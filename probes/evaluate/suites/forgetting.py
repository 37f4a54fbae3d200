"""Forgetting: what a tuned model lost of what its base could, beside what it gained on the domain.

facts          the domain's general facts (`facts.general`) beside its own (`facts.domain`), as multiple choice by
               likelihood
text           bits per byte of the domain's general texts, or of the user's (`--data text=FILE`) (`text.general`),
               beside the domain's own (`text.domain`)
instructions   checkable instructions (`instructions`)
--task NAME    any task of lm-evaluation-harness, by name or as a YAML file

General and own are tasks of their own, or the loss of one could cancel the gain of the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from ....errors import CorpusError, UsageError
from ....options import Option
from ....terms.domain import Domain, Fact
from ....terms.reading.content import Content
from ....terms.reading.formats import format_of
from ..choices import choice_values
from ..data import DataRules
from ..instructions import INSTRUCTIONS, TOPICS, follows
from ..prompt_task import PromptTask, prompt
from ..question import Faults, Question, records
from ..settings import Settings
from ..suite import Answers, Suite, SuiteInputs, SuitePlan, limited
from ..values import Value

NAME = "forgetting"
GROUPS = GENERAL, OWN = "general", "domain"
DATA = DataRules("general texts, as text=FILE", names=("text",), by_name=True, is_required=False)
OPTIONS = 4
MAX_TOKENS = 96


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of `forgetting`."""

    tasks: Annotated[
        tuple[str, ...],
        Option("forgetting: a task of lm-evaluation-harness by name; repeat.", ("evaluate",), flag="--task"),
    ] = ()


def plan(inputs: SuiteInputs[Options]) -> SuitePlan:
    """Ask facts and texts of the domain, which need no data, and instructions."""
    settings, domain, faults = inputs.settings, inputs.domain, Faults()
    questions = {label: limited(_questions(domain, label), settings) for label in GROUPS}
    texts = _texts(domain, settings, faults)
    told = limited([(each, topic) for each in INSTRUCTIONS for topic in TOPICS], settings)
    asks = [
        *(
            PromptTask(
                f"{NAME}.facts.{label}",
                "choices",
                tuple(
                    {"id": q.id, "question": q.id, "stem": q.stem, "choices": list(q.options), "target": ""}
                    for q in held
                ),
                prompt("continue", settings.prompts),
                joiner=domain.joiner,
            )
            for label, held in questions.items()
        ),
        *(
            PromptTask(
                f"{NAME}.text.{label}",
                "text",
                tuple({"id": i, "question": i, "text": text, "target": ""} for i, text in held),
            )
            for label, held in texts.items()
        ),
        PromptTask(
            f"{NAME}.instructions",
            "answer",
            tuple(
                {
                    "id": f"{each.id} {n}",
                    "question": f"{each.id} {n}",
                    "target": "",
                    "instruction": each.text.format(topic=topic),
                }
                for n, (each, topic) in enumerate(told)
            ),
            prompt("instruction", settings.prompts),
            max_tokens=MAX_TOKENS,
            until=("\n\n\n",),
        ),
    ]
    asks = [ask for ask in asks if ask.docs]

    def values(answers: Answers) -> list[Value]:
        out: list[Value] = []
        for name, held in ((f"{NAME}.facts.{label}", held) for label, held in questions.items() if held):
            found = choice_values(name, held, ["text"], {f"{name}.text": answers[name]})
            out += [replace(value, task=name) for value in found]
        for name, read in ((f"{NAME}.text.{label}", read) for label, read in texts.items() if read):
            nats = {row["id"]: -row["logprobs"][0] for row in answers[name].to_pylist()}
            for id, size in ((id, len(text.encode())) for id, text in read if id in nats):
                out.append(Value(name, "bits per byte", id, nats[id] / math.log(2) / size, (), id, size))
        written = {row["id"]: row["answer"] for row in answers[f"{NAME}.instructions"].to_pylist()}
        for n, (each, _) in enumerate(told):
            if (id := f"{each.id} {n}") in written:
                out.append(
                    Value(f"{NAME}.instructions", "followed", id, float(follows(each, written[id])), (), each.id)
                )
        return out

    notes = [] if any(texts.values()) else ["no texts: the domain has none; give --data text=FILE"]
    return SuitePlan(asks, values, harness=inputs.options.tasks, faults=faults, notes=notes)


def _questions(domain: Domain, label: str) -> list[Question]:
    """Facts with three wrong answers, by their first cue."""

    def wanted(fact: Fact) -> bool:
        return (domain.general in fact.specialties) == (label == GENERAL) and len(fact.distractors) >= OPTIONS - 1

    return [
        Question(
            f"{label}-{fact.id}",
            fact.cues[0],
            (fact.answer, *fact.distractors[: OPTIONS - 1]),
            (0,),
            cluster=fact.concept,
        )
        for fact in domain.facts
        if wanted(fact)
    ]


def _texts(domain: Domain, settings: Settings, faults: Faults) -> dict[str, list[tuple[str, str]]]:
    """By group, (id, text) of the domain's own; general ones are the user's, where a file is given."""
    held: dict[str, list[tuple[str, str]]] = {label: [] for label in GROUPS}
    for text in domain.texts:
        label = GENERAL if domain.general in text.specialties else OWN
        held[label].append((f"{label}-{text.id}", text.text))
    if (file := settings.given.path_for("text")) is not None:
        texts = _user_texts(file, faults, settings.encoding)
        held[GENERAL] = [(f"{GENERAL}-{n}", text) for n, text in enumerate(texts)]
    return {label: limited(each, settings) for label, each in held.items()}


def _user_texts(file: Path, faults: Faults, encoding: str | None) -> list[str]:
    """Paragraphs of a .txt file, or the field `text` of records."""
    form = format_of(file)
    if form is not None and form.is_prose:
        try:
            found = [part.strip() for part in Content(file, encoding).whole().split("\n\n")]
        except CorpusError as error:
            raise UsageError(f"--data text={error}") from error
    else:
        found = []
        for where, record in records(file, faults, encoding):
            text = record.get("text")
            if isinstance(text, str) and text.strip():
                found.append(text)
            else:
                faults.add("text: the field text is missing or empty", where)
    found = [text for text in found if text]
    if not found:
        raise UsageError(f"--data text={file}: holds no text; give paragraphs, or records with the field text")
    return found


SUITE: Suite[Options] = Suite(NAME, "what a tuned model lost of what its base could", DATA, plan, Options)
