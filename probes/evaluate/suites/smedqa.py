"""S-MedQA (arXiv 2505.10113, experiment 1): accuracy of models tuned on × questions of each specialty.

Mended: each question in every rotation of its options; four methods beside each other; intervals and exact tests with
one correction; what a model's own specialty adds after rows and columns (the diagonal advantage), instead of a look at
the diagonal. A question of several specialties counts in each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ....errors import DomainError, UsageError
from ....terms.domain import Domain
from ...analysis.matrix import diagonal, members
from ...analysis.resample import Clusters
from ..choices import choice_asks, choice_values, position_bias
from ..labels import labelled
from ..question import Faults, Question
from ..readers.choice_sets import read_questions
from ..settings import Settings
from ..values import Value, by_key
from . import MEDMCQA, Answers, Suite, choice_file, limited

NAME = "smedqa"
WHERE = MEDMCQA
PAPER = (
    "Cardiology",
    "Gastroenterology",
    "Infectious diseases",
    "Neurology",
    "Obstetrics and gynecology",
    "Pediatrics",
)
"""The specialties of the study's experiments."""


def open_suite(settings: Settings, domain: Domain, own: Mapping[str, str]) -> Suite:
    """Reads S-MedQA, MedQA, MedMCQA or PubMedQA."""
    faults = Faults()
    path, first = choice_file(settings, "S-MedQA's JSON, or MedQA, MedMCQA, PubMedQA")
    labels: dict[str, Any] = {}

    def label(records: list[dict[str, Any]]) -> None:
        labels.update(labelled(records, settings.quorum, settings.alpha, settings.seed))

    read = read_questions(path, domain, faults, label, first)
    chosen, notes = of_specialties(read, settings.specialties, domain)
    questions = limited(chosen, settings)
    if several := sum(len(q.labels) > 1 for q in questions):
        notes.append(f"{several} of {len(questions)} questions have several specialties and count in each")

    def values(answers: Answers) -> list[Value]:
        return choice_values(NAME, questions, settings.methods, answers)

    def more(answers: Mapping[str, Answers], found: Mapping[str, Sequence[Value]]) -> dict[str, Any]:
        return {
            "own": dict(own),
            "labels": labels,
            "position_bias": {
                f"{NAME}.{method}": {
                    model: position_bias(NAME, questions, method, held) for model, held in answers.items()
                }
                for method in settings.methods
                if method in ("letter", "generation")
            },
            "diagonal": diagonals(found, own, settings.seed),
        }

    return Suite(
        NAME,
        choice_asks(NAME, questions, settings.methods, settings.prompts),
        values,
        more,
        faults=faults,
        notes=notes,
    )


def of_specialties(
    questions: Sequence[Question], given: Sequence[str], domain: Domain
) -> tuple[list[Question], list[str]]:
    """The questions of the specialties `given` (names, or `paper`), labelled with these alone, and a note of it.

    A subject of the file that is no specialty of `domain` may be named too. Raises `UsageError`.
    """
    if not given:
        return list(questions), []
    wanted: list[str] = []
    there = {label for q in questions for label in q.labels}
    for name in given:
        for each in PAPER if name == "paper" else (name,):
            try:
                wanted.append(each if each in there else domain.specialty(each).id)
            except DomainError as error:
                raise UsageError(f"--specialty {name}: {error}") from error
    chosen = [
        replace(q, labels=tuple(label for label in q.labels if label in wanted))
        for q in questions
        if set(q.labels) & set(wanted)
    ]
    names = ", ".join(dict.fromkeys(wanted))
    if not chosen:
        raise UsageError(f"--specialty: no question is of {names}; the file's are {', '.join(sorted(there)) or 'none'}")
    return chosen, [f"{len(chosen)} of {len(questions)} questions are asked: those of {names} (--specialty)"]


def diagonals(values: Mapping[str, Sequence[Value]], own: Mapping[str, str], seed: int) -> dict[str, Any]:
    """By task, the accuracy that being tuned on a specialty adds on it, beyond rows and columns (`analysis.matrix`)."""
    keyed = {model: by_key(each) for model, each in values.items()}
    tasks = [task for task, metric in next(iter(keyed.values()), {}) if metric == "accuracy"]
    out = {}
    for task in tasks:
        held = {model: each[task, "accuracy"] for model, each in keyed.items() if model in own}
        if not held:
            continue
        questions = next(iter(held.values()))
        names = list(dict.fromkeys(label for value in questions for label in value.labels))
        ids = [value.question for value in questions]
        rows = {model: (np.array([value.value for value in each]), own[model]) for model, each in held.items()}
        member = members([value.labels for value in questions], names)
        out[task] = diagonal(rows, member, Clusters.of(ids, ids), names, "share", seed).json()
    return out
