"""A suite: does what the model writes after a cue hold the answer?"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from knowshift.errors import UsageError
from knowshift.options import Option
from knowshift.probes.evaluate.data import DataRules
from knowshift.probes.evaluate.prompt_task import PromptTask
from knowshift.probes.evaluate.suite import Answers, Suite, SuiteInputs, SuitePlan, limited
from knowshift.probes.evaluate.values import Value
from knowshift.probes.results.base import ResultModel

NAME = "recall"
DATA = DataRules("JSON lines with cue and answer")


@dataclass(frozen=True, kw_only=True)
class Options:
    """Each field is an option of `probe evaluate`."""

    words: Annotated[int, Option("recall: tokens that a model may write.", ("evaluate",), minimum=1)] = 8


class RecallPart(ResultModel):
    """What the suite adds to evaluation.json, under `more`."""

    words: int
    longest: dict[str, str]
    """Each model's longest answer."""


def plan(inputs: SuiteInputs[Options]) -> SuitePlan:
    """Read the data, and return what is asked and how answers are scored; no model is known here."""
    path = DATA.require(NAME, inputs.settings.given)
    try:
        records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        facts = {f"{number}": (str(each["cue"]), str(each["answer"])) for number, each in enumerate(records)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"--data {path}: cannot be read ({error!r}); give {DATA.expected}") from error
    asked = dict(limited(list(facts.items()), inputs.settings))
    docs = tuple({"id": id, "question": id, "cue": cue, "target": ""} for id, (cue, _) in asked.items())
    task = PromptTask(f"{NAME}.facts", "answer", docs, "{{ cue }}", until=("\n",), max_tokens=inputs.options.words)

    def values(answers: Answers) -> list[Value]:
        return [
            Value(task.name, "accuracy", row["id"], float(asked[row["id"]][1] in row["answer"]))
            for row in answers[task.name].to_pylist()
        ]

    def part(answers: Mapping[str, Answers], values: Mapping[str, Sequence[Value]]) -> RecallPart:
        written = {model: tables[task.name].column("answer").to_pylist() for model, tables in answers.items()}
        longest = {model: max(texts, key=len, default="") for model, texts in written.items()}
        return RecallPart(words=inputs.options.words, longest=longest)

    return SuitePlan([task], values, part)


SUITE: Suite[Options] = Suite(NAME, "is the answer among the words that follow a cue?", DATA, plan, Options, RecallPart)
