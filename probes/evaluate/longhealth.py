"""LongHealth's three tasks (arXiv 2401.14490). Read by the suites `clue` and `hallucination`.

task 1   the answer's letters and the patient's others; options A to E
task 2   the answer's letters among others' letters, and an option F: cannot be answered
task 3   others' letters alone: F is right

Each question is asked five times, with the letters shuffled and drawn anew and the options turned by one (F stays), so
that each option stands once at each place. A letter is given whole or not at all: as many as fit into the run's context
at three characters a token, the answer's first, the same for every model; the original cut them to each model's own
context, which makes two models of a pair read different letters. The option that is right is known by its whole text;
the original took every option that held the right text for right, the last of them winning.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa

from .choices import turned
from .parsing import said_option
from .prompt_task import Doc, PromptTask, prompt
from .question import Question
from .readers.longhealth import NO_ANSWER, Located, Patient
from .settings import Settings
from .values import Value

TASKS = ("task1", "task2", "task3")
DRAWS = 5
OTHERS = 10
"""Letters of other patients in tasks 2 and 3."""
MAX_TOKENS = 50
CHARACTERS = 3
"""A token, so that letters are rather left out than too long."""
RESERVE = 512
"""Tokens kept for the question, its options and the answer."""


def longhealth_asks(
    name: str, patients: Sequence[Patient], tasks: Sequence[str], settings: Settings
) -> list[PromptTask]:
    """Asks `<name>.<task>` over the patients' questions."""
    limit = settings.context
    room = None if limit is None else CHARACTERS * (limit - min(RESERVE, limit // 4))
    asks = []
    for task in tasks:
        docs = [doc for p in patients for each in p.questions for doc in _docs(task, p, each, patients, room, settings)]
        asks.append(
            PromptTask(
                f"{name}.{task}",
                "answer",
                tuple(docs),
                prompt("longhealth", settings.prompts),
                system=prompt("longhealth.system", settings.prompts),
                until=("\n",),
                max_tokens=MAX_TOKENS,
            )
        )
    return asks


def as_asked(task: str, q: Question) -> Question:
    """With option F where the task has one, and what is right in the task."""
    if task == "task1":
        return q
    right = (len(q.options),) if task == "task3" else q.right
    return replace(q, options=(*q.options, NO_ANSWER), right=right, fixed=True)


def _docs(
    task: str, patient: Patient, located: Located, patients: Sequence[Patient], room: int | None, settings: Settings
) -> list[Doc]:
    q = as_asked(task, located.question)
    out = []
    for draw in range(DRAWS):
        rng = random.Random(f"{settings.seed} {task} {q.id} {draw}")
        own = [] if task == "task3" else [patient.letters[name] for name in located.letters]
        if task == "task1":
            others = [text for name, text in patient.letters.items() if name not in located.letters]
            rng.shuffle(others)
        else:
            pool = [text for other in patients if other.id != patient.id for text in other.letters.values()]
            others = rng.sample(pool, min(OTHERS, len(pool)))
        letters = fitting(own, others, room)
        rng.shuffle(letters)
        options = [q.options[index] for index in turned(q, draw)]
        out.append(
            {
                "id": f"{q.id}#{draw}",
                "question": q.id,
                "stem": q.stem,
                "options": options,
                "letters": letters,
                "target": "",
            }
        )
    return out


def fitting(own: Sequence[str], others: Sequence[str], room: int | None) -> list[str]:
    """`own`, and of `others` those that fit into `room` characters, in order, each whole."""
    held = list(own)
    used = sum(map(len, held))
    for text in others:
        if room is None or used + len(text) <= room:
            held.append(text)
            used += len(text)
    return held


def longhealth_values(
    name: str, patients: Sequence[Patient], tasks: Sequence[str], answers: Mapping[str, pa.Table]
) -> list[Value]:
    """Accuracy and unparsed share of each question in each task; in task 3 also the share of false answers."""
    out: list[Value] = []
    for task in tasks:
        questions = {each.question.id: as_asked(task, each.question) for p in patients for each in p.questions}
        out += choice_values_of(f"{name}.{task}", questions, answers[f"{name}.{task}"], false_answers=task == "task3")
    return out


def choice_values_of(
    task: str, questions: Mapping[str, Question], table: pa.Table, *, false_answers: bool = False
) -> list[Value]:
    """Of written choices, each question's mean over its draws."""
    held: dict[str, list[int | None]] = {}
    for row in table.to_pylist():
        q = questions[row["question"]]
        order = turned(q, int(row["id"].rsplit("#", 1)[1]))
        place = said_option(row["answer"], [q.options[index] for index in order])
        held.setdefault(q.id, []).append(None if place is None else order[place])
    out: list[Value] = []
    for id, chosen in held.items():
        q = questions[id]
        shares = {
            "accuracy": [option is not None and option in q.right for option in chosen],
            "unparsed": [option is None for option in chosen],
        }
        if false_answers:
            shares["false answers"] = [option is not None and option not in q.right for option in chosen]
        for metric, hits in shares.items():
            out.append(Value(task, metric, id, sum(hits) / len(hits), q.labels, q.cluster or id))
    return out
