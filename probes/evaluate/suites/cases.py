"""Clinical case challenges as multiple choice (Dorfner et al., arXiv 2408.13833): the user's own cases.

The published cases (NEJM, JAMA) are licensed; a user brings them as JSON lines: `question`, `options`, `answer`, and
where known `difficulty`, `specialty`, `id`. Prompts and decoding of the study are not published: ours stand in
`prompts/`, greedy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....terms.domain import Domain
from ..choices import choice_asks, choice_values, position_bias
from ..question import Faults
from ..readers.choice_sets import read_questions
from ..settings import Settings
from ..values import Value
from . import MEDMCQA, Answers, Suite, choice_file, limited

NAME = "cases"
WHERE = MEDMCQA


def open_suite(settings: Settings, domain: Domain, own: Mapping[str, str]) -> Suite:
    """Reads cases of the form above."""
    faults = Faults()
    path, first = choice_file(settings, "JSON lines with question, options, answer and, where known, difficulty")
    questions = limited(read_questions(path, domain, faults, first=first), settings)

    def values(answers: Answers) -> list[Value]:
        return choice_values(NAME, questions, settings.methods, answers)

    def more(answers: Mapping[str, Answers], found: Mapping[str, Sequence[Value]]) -> dict[str, Any]:
        turned = [method for method in settings.methods if method in ("letter", "generation")]
        return {
            "position_bias": {
                f"{NAME}.{m}": {model: position_bias(NAME, questions, m, held) for model, held in answers.items()}
                for m in turned
            }
        }

    return Suite(NAME, choice_asks(NAME, questions, settings.methods, settings.prompts), values, more, faults=faults)
