"""Clinical case challenges as multiple choice (Dorfner et al., arXiv 2408.13833): the user's own cases.

The published cases (NEJM, JAMA) are licensed; a user brings them as JSON lines: `question`, `options`, `answer`, and
where known `difficulty`, `specialty`, `id`. Prompts and decoding of the study are not published: ours stand in
`prompts/`, greedy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...results.suite_parts import CasesPart
from ..choices import choice_asks, choice_values, position_bias
from ..data import DataRules
from ..question import Faults
from ..readers.choice_sets import MEDMCQA, choice_file, read_questions
from ..suite import Answers, NoOptions, Suite, SuiteInputs, SuitePlan, limited
from ..values import Value

NAME = "cases"
DATA = DataRules("JSON lines with question, options, answer and, where known, difficulty", names=MEDMCQA)


def plan(inputs: SuiteInputs[NoOptions]) -> SuitePlan:
    """Read cases of the form above and ask them by every method."""
    settings, faults = inputs.settings, Faults()
    path, first = choice_file(NAME, settings.given, DATA)
    questions = limited(read_questions(path, inputs.domain, faults, first=first, encoding=settings.encoding), settings)

    def values(answers: Answers) -> list[Value]:
        return choice_values(NAME, questions, settings.methods, answers)

    def part(answers: Mapping[str, Answers], values: Mapping[str, Sequence[Value]]) -> CasesPart:
        return CasesPart(position_bias=position_bias(NAME, questions, settings.methods, answers))

    asks = choice_asks(NAME, questions, settings.methods, settings.prompts)
    return SuitePlan(asks, values, part, faults=faults)


SUITE: Suite[NoOptions] = Suite(NAME, "clinical cases as multiple choice, by difficulty", DATA, plan, part=CasesPart)
