"""Which question and answer a record of training data holds. Read by `pairs`.

Instruction records (Alpaca), pairs under the usual names, chats (`messages`, ShareGPT's `conversations`), preference
data, SQuAD, multiple choice (`choices`), and texts in which a template stands already ("### Instruction: …",
"Question: … Answer: …", "[INST] … [/INST] …").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...records import Record
from .choices import read_choice, split_options

NO_ANSWER = "without an answer"
NO_QUESTION = "without a question"
UNFIT = "that are no question and answer"
LATER = "later turns of a conversation, which hang on the turns before"
QUESTIONS = (
    "question", "instruction", "prompt", "query", "stem", "problem", "qtext", "sent1", "input", "inputs", "q", "user",
)  # fmt: skip
"""Fields that hold a question, the most telling first; in any case."""
ANSWERS = (
    "answer", "output", "response", "completion", "answers", "correct_answer", "final_decision", "chosen", "target",
    "targets", "a", "assistant", "reply",
)  # fmt: skip
CHATS = ("messages", "conversations", "conversation", "dialog", "chat")
_ASKS, _SAYS = ("user", "human", "prompter"), ("assistant", "gpt", "model", "bot", "chatgpt")
_TEMPLATES = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"###\s*(?:Instruction|Human|User|Question)\s*:?\s*(?P<q>.+?)\s*(?:###\s*Input\s*:?\s*(?P<more>.*?)\s*)?"
        r"###\s*(?:Response|Assistant|Answer|Output)\s*:?\s*(?P<a>.*)",
        r"\[INST\]\s*(?:<<SYS>>.*?<</SYS>>)?\s*(?P<q>.+?)\s*\[/INST\]\s*(?P<a>.*?)(?:</s>|\Z)",
        r"<\|im_start\|>user\s+(?P<q>.+?)<\|im_end\|>\s*<\|im_start\|>assistant\s+(?P<a>.*?)(?:<\|im_end\|>|\Z)",
        r"(?:\A|\n)\s*(?:Question|Q)\s*:\s*(?P<q>.+?)\s+(?:Answer|A)\s*:\s*(?P<a>.*)",
    )
)
_OPENING = re.compile(r"\s*(?:question|q|instruction)\s*:\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and its answer as they stand in a record."""

    question: str
    answer: str
    record: Record
    is_choice: bool = False
    """Whether the answer is an option of several, so that an option's text is the whole answer."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields that a person named; None: the usual ones."""

    question: str | None = None
    answer: str | None = None


def read_pair(record: Record, fields: Fields) -> Pair | str | None:
    """Return the record's pair, the reason why it has none, or None where it is no question and answer at all."""
    lower = {str(key).casefold(): value for key, value in record.data.items() if value is not None}
    if isinstance(nested := lower.get("question"), dict):
        # ARC keeps stem and choices under the question.
        lower = {**{key: value for key, value in lower.items() if key != "question"}, **nested}
    if fields.question is None and (turns := next((lower[name] for name in CHATS if name in lower), None)):
        return _first_turn(turns, record)
    question = _question(lower, fields.question)
    if question is None:
        return _templated(lower, record) if fields.question is None else NO_QUESTION
    if not question:
        return NO_QUESTION
    if (choice := read_choice(lower, question, fields.answer)) is not None:
        return Pair(question, choice, record, True) if choice else NO_ANSWER
    answer = next((lower[name] for name in _asked(fields.answer, ANSWERS) if name in lower), None)
    if answer is None:
        has_other = fields.answer is None and not any(name in lower for name in ("subject", "relation"))
        return NO_ANSWER if has_other and question.endswith("?") else (NO_ANSWER if fields.answer else None)
    return _pair(question, _said(answer), record)


def count_later_turns(record: Record) -> int:
    """Return how many answers of a conversation come after the first."""
    lower = {str(key).casefold(): value for key, value in record.data.items()}
    turns = next((lower[name] for name in CHATS if isinstance(lower.get(name), list)), ())
    return max(0, sum(_role(turn) in _SAYS for turn in turns) - 1)


def _pair(question: str, answer: str, record: Record) -> Pair | str:
    """Return the pair; where the question lists lettered options, the option that the answer names."""
    stem, options = split_options(question)
    if options:
        choice = read_choice({"options": options, "answer": answer}, stem, None)
        return Pair(stem, choice, record, True) if choice else NO_ANSWER
    return Pair(question, answer, record) if answer.strip() else NO_ANSWER


def _asked(named: str | None, usual: Iterable[str]) -> Iterable[str]:
    return (named.casefold(),) if named else usual


def _question(lower: Mapping[str, Any], named: str | None) -> str | None:
    """Return the question, an instruction with its input; None where no field holds one."""
    for name in _asked(named, QUESTIONS):
        if name in lower:
            text = _said(lower[name])
            if name in ("instruction", "prompt") and (more := _said(lower.get("input"))):
                return f"{text}\n{more}"
            return _OPENING.sub("", text, count=1)
    return None


def _said(value: Any) -> str:
    """Return the text of a field: a string or number, SQuAD's answers, the last turn of a list of messages."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, dict):
        return _said(value.get("text") or value.get("content") or value.get("value"))
    if isinstance(value, list) and value:
        said = [turn for turn in value if _role(turn) in _SAYS]
        return _said((said or value)[0])
    return ""


def _role(turn: Any) -> str:
    return str(turn.get("role") or turn.get("from") or "").casefold() if isinstance(turn, dict) else ""


def _first_turn(turns: Any, record: Record) -> Pair | str:
    """Return the first question of a conversation and what follows it; a system's message is passed over."""
    question = ""
    for turn in turns if isinstance(turns, list) else ():
        role, text = _role(turn), _said(turn)
        if role in _ASKS and not question:
            question = text
        elif role in _SAYS:
            return _pair(question, text, record) if question else NO_QUESTION
    return NO_ANSWER if question else NO_QUESTION


def _templated(lower: Mapping[str, Any], record: Record) -> Pair | str | None:
    text = lower.get("text")
    if not isinstance(text, str):
        return None
    for pattern in _TEMPLATES:
        if match := pattern.search(text):
            parts = match.groupdict()
            question = "\n".join(part for part in (parts["q"], parts.get("more")) if part)
            return _pair(question, parts["a"].strip(), record)
    return None
