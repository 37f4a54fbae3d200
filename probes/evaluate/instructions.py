"""Instructions whose following can be checked by a program: formats, lengths, letters.

The idea is IFEval's (Zhou et al. 2023, 2311.07911); kinds and topics are ours. Every instruction is asked on every
topic; a check sees the answer alone, in normal form unless its format has exact signs, and an empty answer follows
nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from ...terms.normal_form import normal_form

TOPICS = (
    "the weather in autumn",
    "how bread is baked",
    "a walk along a river",
    "why people keep dogs",
    "what a library is for",
)


@dataclass(frozen=True, slots=True)
class Instruction:
    """What is asked, and whether an answer follows it."""

    id: str
    text: str
    """`{topic}` stands for the topic."""
    check: Callable[[str], bool]
    is_exact: bool = False
    """Whether the check needs the answer as it was written: JSON knows no curly quotation marks."""


def words(text: str) -> list[str]:
    return re.findall(r"\w+(?:'\w+)*", text)


def sentences(text: str) -> int:
    return len(re.findall(r"[.!?]+(?:\s|$)", text.strip()))


def _items(text: str) -> list[str]:
    return [line for line in text.strip().splitlines() if re.match(r"\s*\d+[.)]\s+\S", line)]


def _json_keys(text: str) -> set[str]:
    try:
        value = json.loads(text.strip().removeprefix("```json").removeprefix("```").removesuffix("```"))
    except ValueError:
        return set()
    return set(value) if isinstance(value, dict) else set()


INSTRUCTIONS = (
    Instruction("lower", "Write one sentence about {topic}, without any capital letter.", lambda t: t == t.lower()),
    Instruction("upper", "Write one sentence about {topic}, in capital letters alone.", lambda t: t == t.upper()),
    Instruction("five words", "Write exactly five words about {topic}.", lambda t: len(words(t)) == 5),
    Instruction("under ten", "Write fewer than ten words about {topic}.", lambda t: len(words(t)) < 10),
    Instruction("over twenty", "Write more than twenty words about {topic}.", lambda t: len(words(t)) > 20),
    Instruction("one sentence", "Write exactly one sentence about {topic}.", lambda t: sentences(t) == 1),
    Instruction("two sentences", "Write exactly two sentences about {topic}.", lambda t: sentences(t) == 2),
    Instruction("no e", 'Write a few words about {topic}, without the letter "e".', lambda t: "e" not in t.lower()),
    Instruction("no comma", "Write two sentences about {topic}, without a comma.", lambda t: "," not in t),
    Instruction(
        "starts", 'Write one sentence about {topic} that begins with the word "Well".', lambda t: words(t)[0] == "Well"
    ),
    Instruction(
        "ends",
        'Write one sentence about {topic} that ends with the words "that is all."',
        lambda t: t.rstrip().endswith("that is all."),
    ),
    Instruction("question", "Ask one question about {topic}.", lambda t: t.rstrip().endswith("?")),
    Instruction(
        "commas",
        "Name three things about {topic}, on one line, separated by commas.",
        lambda t: len([part for part in t.split(",") if part.strip()]) == 3 and "\n" not in t.strip(),
    ),
    Instruction(
        "numbered",
        "List three things about {topic}, numbered 1., 2. and 3., one a line.",
        lambda t: len(_items(t)) == 3,
    ),
    Instruction(
        "quoted",
        "Write one sentence about {topic}, wholly inside double quotation marks.",
        lambda t: len(t.strip()) > 2 and t.strip()[0] == t.strip()[-1] == '"',
    ),
    Instruction(
        "json",
        'Describe {topic} as one JSON object with the keys "name" and "use".',
        lambda t: _json_keys(t) == {"name", "use"},
        is_exact=True,
    ),
)


def follows(instruction: Instruction, answer: str) -> bool:
    """Whether the answer has words and does as it is told."""
    text = (answer if instruction.is_exact else normal_form(answer)).strip()
    return bool(words(text)) and instruction.check(text)
