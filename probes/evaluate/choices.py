"""Multiple choice, four ways, each question with its options in every rotation.

letter       likelihood of the options' letters after the listed options; the likeliest is the choice
text         likelihood of the options' texts after the question alone, per character (lm-evaluation-harness, acc_norm)
pmi          log p(text | question) − log p(text | premise): domain-conditional PMI (Holtzman et al. 2021, 2104.08315)
generation   what the model writes after the listed options, read by `parsing`

Letters and written answers hang on an option's place; with n options every question is asked n times, the options
turned by one each time, so that each option stands once at each place, and a question's accuracy is the mean of these.
A choice shared with a wrong option is not right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from ..results.suite_parts import PlaceShares
from .parsing import said_option
from .prompt_task import Doc, PromptTask, prompt
from .question import LETTERS, Question
from .values import Value

ANSWER_TOKENS = 24
PREMISE = "pmi-premise"


def turned(question: Question, rotation: int) -> list[int]:
    """Which option stands at each place; a fixed last option keeps its own."""
    free = len(question.options) - question.fixed
    return [(place + rotation) % free for place in range(free)] + ([free] if question.fixed else [])


def rotations(question: Question) -> int:
    return len(question.options) - question.fixed


def choice_asks(
    name: str,
    questions: Sequence[Question],
    methods: Iterable[str],
    prompts: Path | None,
    *,
    shots: Sequence[Question] = (),
    max_tokens: int = ANSWER_TOKENS,
    system: str = "",
) -> list[PromptTask]:
    """The asks of `methods`, named `<name>.<method>`."""
    listed = [_doc(q, r) for q in questions for r in range(rotations(q))]
    alone = [_cloze(q) for q in questions]
    examples = tuple(_shot(q) for q in shots)
    written = tuple(
        {**shot, "target": f"{shot['target']}. {shot['options'][LETTERS.index(shot['target'])]}"} for shot in examples
    )
    asks = []
    for method in methods:
        label = f"{name}.{method}"
        if method == "letter":
            ask = PromptTask(label, "choices", tuple(listed), prompt("choice", prompts), examples, system)
        elif method == "generation":
            ask = PromptTask(
                label, "answer", tuple(listed), prompt("choice", prompts), written, system, ("\n",), max_tokens
            )
        else:
            ask = PromptTask(label, "choices", tuple(alone), prompt("cloze", prompts), (), system)
        asks.append(ask)
        if method == "pmi":
            asks.append(
                PromptTask(f"{name}.{PREMISE}", "choices", tuple(alone), prompt("premise", prompts), (), system)
            )
    return asks


def _doc(q: Question, rotation: int) -> Doc:
    options = [q.options[index] for index in turned(q, rotation)]
    letters = list(LETTERS[: len(options)])
    return {
        "id": f"{q.id}#{rotation}",
        "question": q.id,
        "stem": q.stem,
        "context": q.context,
        "options": options,
        "choices": letters,
        "target": "",
    }


def _cloze(q: Question) -> Doc:
    return {
        "id": q.id,
        "question": q.id,
        "stem": q.stem,
        "context": q.context,
        "options": list(q.options),
        "choices": list(q.options),
        "target": "",
    }


def _shot(q: Question) -> Doc:
    return {**_doc(q, 0), "target": LETTERS[q.right[0]]}


def choice_values(
    name: str, questions: Sequence[Question], methods: Iterable[str], answers: Mapping[str, pa.Table]
) -> list[Value]:
    """Accuracy of each question under each method; of written answers, also the share that says nothing."""
    by_id = {q.id: q for q in questions}
    out: list[Value] = []
    for method in methods:
        task = f"{name}.{method}"
        picks = chosen(method, by_id, answers, name)
        for id, places in picks.items():
            q = by_id[id]
            right = [option is not None and option in q.right for _, option in places]
            out.append(_value(task, "accuracy", q, sum(right) / len(right)))
            if method == "generation":
                lost = [option is None for _, option in places]
                out.append(_value(task, "unparsed", q, sum(lost) / len(lost)))
            if method in ("letter", "generation"):
                told = [option for _, option in places]
                out.append(_value(task, "consistency", q, float(len(set(told)) == 1 and told[0] is not None)))
    return out


def _value(task: str, metric: str, q: Question, value: float) -> Value:
    return Value(task, metric, q.id, value, q.labels, q.cluster or q.id)


def chosen(
    method: str, questions: Mapping[str, Question], answers: Mapping[str, pa.Table], name: str
) -> dict[str, list[tuple[int | None, int | None]]]:
    """By question and rotation: the place that was chosen and the option that stood there; None: no choice."""
    table = answers[f"{name}.{method}"].to_pylist()
    premise: dict[str, list[float]] = {}
    if method == "pmi":
        premise = {row["question"]: row["logprobs"] for row in answers[f"{name}.{PREMISE}"].to_pylist()}
    out: dict[str, list[tuple[int | None, int | None]]] = {}
    for row in table:
        q = questions[row["question"]]
        place: int | None
        if method in ("letter", "generation"):
            order = turned(q, int(row["id"].rsplit("#", 1)[1]))
            if method == "letter":
                place = _best(row["logprobs"], [order.index(index) for index in q.right])
            else:
                place = said_option(row["answer"], [q.options[index] for index in order])
            out.setdefault(q.id, []).append((place, None if place is None else order[place]))
            continue
        score = row["logprobs"]
        if method == "text":
            score = [value / len(option) for value, option in zip(score, q.options, strict=True)]
        elif q.id in premise:
            score = [value - prior for value, prior in zip(score, premise[q.id], strict=True)]
        else:
            continue  # its premise was too long
        place = _best(score, list(q.right))
        out.setdefault(q.id, []).append((place, place))
    return out


def _best(scores: Sequence[float], right: Sequence[int]) -> int | None:
    """Place of the largest score; where a right and a wrong one share it, the wrong one."""
    top = max(scores)
    best = [place for place, score in enumerate(scores) if score >= top]
    if top != top:  # not a number: nothing was chosen
        return None
    wrong = [place for place in best if place not in right]
    return (wrong or best)[0]


def place_shares(
    name: str, questions: Sequence[Question], method: str, answers: Mapping[str, pa.Table]
) -> PlaceShares | None:
    """Return how often each place was chosen over all rotations; None where no question was asked.

    Over the rotations each option stands once at each place, so that knowledge favours none. Questions with the
    commonest number of options are counted.
    """
    by_id = {q.id: q for q in questions}
    picks = chosen(method, by_id, answers, name)
    sizes = [len(by_id[id].options) for id in picks]
    if not sizes:
        return None
    size = max(set(sizes), key=sizes.count)
    counts = [0] * size
    for id, places in picks.items():
        if len(by_id[id].options) == size:
            for place, _ in places:
                if place is not None:
                    counts[place] += 1
    total = sum(counts)
    if not total:
        return PlaceShares(options=size, shares=dict.fromkeys(LETTERS[:size], 0.0), excess=None, choices=0)
    shares = [count / total for count in counts]
    excess = sum(abs(share - 1 / size) for share in shares) / 2
    return PlaceShares(options=size, shares=dict(zip(LETTERS, shares, strict=False)), excess=excess, choices=total)


def position_bias(
    name: str, questions: Sequence[Question], methods: Iterable[str], answers: Mapping[str, Mapping[str, pa.Table]]
) -> dict[str, dict[str, PlaceShares]]:
    """Return `place_shares` by task and model, for the methods that depend on an option's place."""
    out: dict[str, dict[str, PlaceShares]] = {}
    for method in methods:
        if method in ("letter", "generation"):
            found = {model: place_shares(name, questions, method, tables) for model, tables in answers.items()}
            out[f"{name}.{method}"] = {model: shares for model, shares in found.items() if shares is not None}
    return out
