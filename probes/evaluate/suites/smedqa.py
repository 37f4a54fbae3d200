"""S-MedQA (arXiv 2505.10113, experiment 1): accuracy of models tuned on × questions of each specialty.

Mended: each question in every rotation of its options; four methods beside each other; intervals and exact tests with
one correction; what a model's own specialty adds after rows and columns (the diagonal advantage), instead of a look at
the diagonal. A question of several specialties counts in each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from ....errors import DomainError, UsageError
from ....options import Option
from ....terms.domain import Domain
from ....terms.normal_form import exact_key
from ...analysis.matrix import diagonal, members
from ...analysis.resample import Clusters
from ...results.estimate import Estimate
from ...results.suite_parts import Labelling, SmedqaPart
from ..choices import choice_asks, choice_values, position_bias
from ..data import DataRules
from ..labels import labelled
from ..question import Faults, Question
from ..readers.choice_sets import MEDMCQA, choice_file, read_questions
from ..suite import Answers, Suite, SuiteInputs, SuitePlan, limited
from ..values import Value, by_key

NAME = "smedqa"
PAPER = (
    "Cardiology",
    "Gastroenterology",
    "Infectious diseases",
    "Neurology",
    "Obstetrics and gynecology",
    "Pediatrics",
)
"""The specialties of the study's experiments."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of `smedqa`."""

    specialties: Annotated[
        tuple[str, ...],
        Option(
            "smedqa: only this specialty's questions, repeat; or paper: the study's six.",
            ("evaluate",),
            flag="--specialty",
        ),
    ] = ()
    quorum: Annotated[
        int, Option("smedqa: votes that a label needs, where records hold Votes.", ("evaluate",), minimum=1)
    ] = 3
    alpha: Annotated[
        float | None,
        Option("smedqa: conformal label sets at this level, where records hold Samples.", ("evaluate",)),
    ] = None

    def __post_init__(self) -> None:
        if self.alpha is not None and not 0 < self.alpha < 1:
            raise UsageError(f"--alpha {self.alpha}: give a share between 0 and 1, such as 0.1")


def domain_questions(folder: Path) -> Path | None:
    """Return the questions of a domain's folder, which are asked where a comparison gives no others."""
    files = (folder / f"questions.{kind}" for kind in ("jsonl", "parquet"))
    return next((file for file in files if file.is_file()), None)


DATA = DataRules(
    "S-MedQA's JSON, or MedQA, MedMCQA, PubMedQA",
    names=MEDMCQA,
    from_domain=domain_questions,
)


def plan(inputs: SuiteInputs[Options]) -> SuitePlan:
    """Read S-MedQA, MedQA, MedMCQA or PubMedQA and ask its questions by every method."""
    settings, options, faults = inputs.settings, inputs.options, Faults()
    path, first = choice_file(NAME, settings.given, DATA)
    labelling = Labelling()

    def label(records: list[dict[str, Any]]) -> None:
        nonlocal labelling
        labelling = labelled(records, options.quorum, options.alpha, settings.seed)

    read = read_questions(path, inputs.domain, faults, label, first, settings.encoding)
    chosen, notes = of_specialties(read, options.specialties, inputs.domain)
    questions = limited(chosen, settings)
    if several := sum(len(q.labels) > 1 for q in questions):
        notes.append(f"{several} of {len(questions)} questions have several specialties and count in each")

    def values(answers: Answers) -> list[Value]:
        return choice_values(NAME, questions, settings.methods, answers)

    def part(answers: Mapping[str, Answers], values: Mapping[str, Sequence[Value]]) -> SmedqaPart:
        return SmedqaPart(
            own=dict(inputs.own),
            labels=labelling,
            position_bias=position_bias(NAME, questions, settings.methods, answers),
            diagonal=diagonals(values, inputs.own, settings.seed),
        )

    asks = choice_asks(NAME, questions, settings.methods, settings.prompts)
    return SuitePlan(asks, values, part, faults=faults, notes=notes)


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
                wanted.append(key if (key := exact_key(each)) in there else domain.specialty(each).id)
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


def diagonals(values: Mapping[str, Sequence[Value]], own: Mapping[str, str], seed: int) -> dict[str, Estimate]:
    """Return by task the accuracy that being tuned on a specialty adds there, beyond rows and columns."""
    keyed = {model: by_key(each) for model, each in values.items()}
    tasks = [task for task, metric in next(iter(keyed.values()), {}) if metric == "accuracy"]
    out: dict[str, Estimate] = {}
    for task in tasks:
        held = {model: each[task, "accuracy"] for model, each in keyed.items() if model in own}
        if not held:
            continue
        questions = next(iter(held.values()))
        names = list(dict.fromkeys(label for value in questions for label in value.labels))
        ids = [value.question for value in questions]
        rows = {model: (np.array([value.value for value in each]), own[model]) for model, each in held.items()}
        member = members([value.labels for value in questions], names)
        out[task] = diagonal(rows, member, Clusters.of(ids, ids), names, "share", seed)
    return out


SUITE: Suite[Options] = Suite(NAME, "accuracy by specialty", DATA, plan, Options, SmedqaPart)
