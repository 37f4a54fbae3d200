"""Hallucination: is an answer made up where the text holds none?

LongHealth's task 3 as such (with task 2, where the answer is there, so that a model that always declines shows), from
its published JSON; and the same idea on any documents of the user: each question is asked of its own document
(`answered`) and of another one, drawn by the seed (`unanswered`), where the right answer is to say so. Questions with
options get one more, "cannot be answered"; free answers are to say that it is not stated (`declined`). A question that
every other document answers has no such document, and is left out.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ....errors import CorpusError, UsageError
from ....terms.reading.content import Content
from ....terms.reading.formats import format_of
from ....terms.vocabulary.entry import normal
from ..choices import rotations, turned
from ..data import DataRules
from ..declined import declines
from ..longhealth import choice_values_of, longhealth_asks, longhealth_values
from ..phrases import holds, words_in
from ..prompt_task import Doc, PromptTask, prompt
from ..question import Faults, Question
from ..readers.documents import About, read_documents
from ..readers.longhealth import NO_ANSWER, read_patients
from ..settings import Settings
from ..suite import Answers, NoOptions, Suite, SuiteInputs, SuitePlan, limited
from ..values import Value
from .clue import limit_patients

NAME = "hallucination"
SIDES = ("answered", "unanswered")
LONGHEALTH_TASKS = ("task2", "task3")
MAX_TOKENS = 50


DATA = DataRules("LongHealth's benchmark_v5.json, or JSON lines of documents with questions")


def plan(inputs: SuiteInputs[NoOptions]) -> SuitePlan:
    """Read LongHealth's JSON, or a user's documents."""
    settings, faults = inputs.settings, Faults()
    path = DATA.require(NAME, settings.given)
    if _is_longhealth(path, settings.encoding):
        patients = limit_patients(read_patients(path, faults, settings.encoding), settings)
        return SuitePlan(
            longhealth_asks(NAME, patients, LONGHEALTH_TASKS, settings),
            lambda answers: longhealth_values(NAME, patients, LONGHEALTH_TASKS, answers),
            faults=faults,
        )
    texts, found = read_documents(path, faults, settings.encoding)
    asked = limited([each for each in found if _can_be_missing(each, texts, path, faults)], settings)
    if not asked:
        raise UsageError(
            f"--data {path}: every question is answered by every other document ({found[0].id} first); add documents "
            "that do not hold the answers"
        )
    closed = [each for each in asked if each.right is not None]
    free = [each for each in asked if each.right is None]
    asks = []
    for side in SIDES:
        if closed:
            docs = [doc for each in closed for doc in _turned(each, side, texts, settings.seed)]
            asks.append(_ask(f"choice.{side}", docs, "longhealth", settings))
        if free:
            docs = [_doc(each, side, texts, settings.seed, each.id) for each in free]
            asks.append(_ask(f"free.{side}", docs, "documents", settings))

    def values(answers: Answers) -> list[Value]:
        out: list[Value] = []
        for side in SIDES:
            if closed:
                questions = {each.id: _question(each, side) for each in closed}
                name = f"{NAME}.choice.{side}"
                out += choice_values_of(name, questions, answers[name], false_answers=side == "unanswered")
            if free:
                out += _free(side, free, answers)
        return out

    return SuitePlan(asks, values, faults=faults)


def _is_longhealth(path: Path, encoding: str | None) -> bool:
    form = format_of(path)
    if not path.is_file() or form is None or form.name != "JSON":
        return False
    try:
        return any('"answer_a"' in line for line in Content(path, encoding).lines())
    except CorpusError:
        return False  # the reader of records says what is wrong with it


def _ask(name: str, docs: Sequence[Doc], template: str, settings: Settings) -> PromptTask:
    system = prompt("longhealth.system", settings.prompts) if template == "longhealth" else ""
    return PromptTask(
        f"{NAME}.{name}",
        "answer",
        tuple(docs),
        prompt(template, settings.prompts),
        system=system,
        until=("\n",),
        max_tokens=MAX_TOKENS,
    )


def _question(about: About, side: str) -> Question:
    """With the option that it cannot be answered, which is right where the document is another's."""
    assert about.right is not None
    options = (*about.right.options, NO_ANSWER)
    right = about.right.right if side == "answered" else (len(options) - 1,)
    return replace(about.right, options=options, right=right, fixed=True)


def _turned(about: About, side: str, texts: Mapping[str, str], seed: int) -> list[Doc]:
    q = _question(about, side)
    return [
        {**_doc(about, side, texts, seed, f"{q.id}#{r}"), "options": [q.options[index] for index in turned(q, r)]}
        for r in range(rotations(q))
    ]


def _doc(about: About, side: str, texts: Mapping[str, str], seed: int, id: str) -> Doc:
    clear = _without(about, texts)
    name = about.document if side == "answered" else random.Random(f"{seed} {about.id}").choice(clear)
    return {"id": id, "question": about.id, "stem": about.stem, "letters": [texts[name]], "options": [], "target": ""}


def _without(about: About, texts: Mapping[str, str]) -> list[str]:
    """The other documents in which no right answer happens to stand: with it, the question could be answered."""
    answers = [about.answer] if about.right is None else [about.right.options[index] for index in about.right.right]
    right = [normal(answer) for answer in answers]
    return [
        name
        for name, text in texts.items()
        if name != about.document and not any(a in normal(text) or _holds(normal(text), a) for a in right)
    ]


def _can_be_missing(about: About, texts: Mapping[str, str], path: Path, faults: Faults) -> bool:
    if _without(about, texts):
        return True
    faults.add("every other document holds the answer too", f"{path}, question {about.id}")
    return False


def _holds(text: str, answer: str) -> bool:
    """Whether the words of `answer` stand in `text`, one after the other; of an answer without words, its signs."""
    return holds(text, answer) if words_in(answer) else answer in text


def _free(side: str, asked: Sequence[About], answers: Answers) -> list[Value]:
    """Right: the answer's words where they are to be had, else that it is not stated; never both."""
    name = f"{NAME}.free.{side}"
    said = {row["question"]: str(row["answer"]) for row in answers[name].to_pylist()}
    out: list[Value] = []
    for each in asked:
        if each.id not in said:
            continue
        text = normal(said[each.id])
        declined = declines(text)
        told = _holds(text, normal(each.answer))
        right = (told and not declined) if side == "answered" else (declined and not told)
        scores: dict[str, bool] = {"accuracy": right, "unparsed": not text}
        if side == "unanswered":
            scores["false answers"] = bool(text) and not right
        out += [Value(name, metric, each.id, float(hit), (), each.document) for metric, hit in scores.items()]
    return out


SUITE: Suite[NoOptions] = Suite(NAME, "is an answer made up where the text holds none?", DATA, plan)
