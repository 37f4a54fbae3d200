"""S-MedQA (arXiv 2505.10113, experiment 1): accuracy of models tuned on × questions of each specialty.

Mended: each question in every rotation of its options; four methods beside each other; intervals and exact tests with
one correction; what a model's own specialty adds after rows and columns (the diagonal advantage), instead of a look at
the diagonal. A question of several specialties counts in each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ....terms.domain import Domain
from ...matrix import diagonal, members
from ...resample import Clusters
from ..choices import choice_asks, choice_values, position_bias
from ..labels import labelled
from ..question import Faults
from ..readers.choice_sets import read_questions
from ..settings import Settings
from ..values import Value, by_key
from . import Answers, Suite, data_file, limited

NAME = "smedqa"


def open_suite(settings: Settings, domain: Domain, own: Mapping[str, str]) -> Suite:
    """Reads S-MedQA, MedQA, MedMCQA or PubMedQA."""
    faults = Faults()
    path = data_file(settings, "S-MedQA's JSON, or MedQA, MedMCQA, PubMedQA")
    labels: dict[str, Any] = {}

    def label(records: list[dict[str, Any]]) -> None:
        labels.update(labelled(records, settings.quorum, settings.alpha, settings.seed))

    questions = limited(read_questions(path, domain, faults, label), settings)
    several = sum(len(q.labels) > 1 for q in questions)

    def values(answers: Answers) -> list[Value]:
        return choice_values(NAME, questions, settings.methods, answers)

    def more(answers: Mapping[str, Answers], found: Mapping[str, Sequence[Value]]) -> dict[str, Any]:
        return {
            "own": dict(own),
            "labels": labels,
            "position_bias": {
                f"{NAME}.{method}": {model: position_bias(NAME, questions, method, held)
                                     for model, held in answers.items()}
                for method in settings.methods if method in ("letter", "generation")
            },
            "diagonal": diagonals(found, own, settings.seed),
        }  # fmt: skip

    return Suite(
        NAME,
        choice_asks(NAME, questions, settings.methods, settings.prompts),
        values,
        more,
        faults=faults,
        notes=[f"{several} of {len(questions)} questions have several specialties and count in each"]
        if several
        else [],
    )


def diagonals(values: Mapping[str, Sequence[Value]], own: Mapping[str, str], seed: int) -> dict[str, Any]:
    """By task, what being tuned on a specialty adds to accuracy on it, over rows and columns (`probes.matrix`)."""
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
