"""The right option of a multiple-choice question, in the forms in which data sets hold it. Read by `forms`.

Options are a list, a table {"A": …}, pairs of key and value, or fields of their own (`opa`, `option_a`, `A`);
the answer is an option's text, its letter, or its index, counted from 0 unless the record's field counts from 1
(HEAD-QA's `ra`). Wrong options do not become distractors: an option that is false in one question alone cannot be
centred, and a model tells it from the truth by how likely it is anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...normal_form import exact_key
from ...reading.options import keyed_options
from ...vocabulary.entry import normal

OPTIONS = ("options", "choices", "answer_choices", "endings")
_NAMES, _TEXTS = ("key", "label", "id", "aid"), ("value", "text", "atext")
"""What an option's letter and its text are called, where it is a record of both."""
KEYS = ("answer", "answer_idx", "answerkey", "cop", "label", "correct", "correct_answer", "gold", "ra", "output")
FROM_ONE = ("ra",)
LETTERS = "abcdefghij"
_OWN_FIELDS = ("op{}", "option_{}", "option {}", "{}")
_LETTERED = re.compile(r"(?:^|\n)[ \t]*\(?(?P<key>[A-J])[).:][ \t]+(?P<text>[^\n]+)")
_INLINE = re.compile(r"(?:^|\s)\(?(?P<key>[A-J])[).:]\s+(?P<text>.+?)(?=\s+\(?[A-J][).:]\s|\s*\Z)", re.DOTALL)
_FEWEST_INLINE = 3
"""Options on one line, at the least: "A. Smith" and "B. Jones" may be names."""
_HEADING = re.compile(r"\n\s*(?:options|choices|answer choices)\s*:?\s*\Z", re.IGNORECASE)
_NAMED = re.compile(r"(?:the )?(?:correct )?(?:answer|option)?(?: is)?:?\s*\(?(?P<key>[A-J])\)?(?:[).:]|\s*\Z)", re.I)


def read_choice(lower: Mapping[str, Any], question: str, answer_field: str | None) -> str | None:
    """Return the text of the right option; "" where it is none of them, None where the record has no options.

    Args:
        lower: The record, with its keys in lower case.
        question: The stem, which decides nothing; an empty one is no question.
        answer_field: The field that holds the answer, where a person named it.
    """
    keys, options = _options(lower)
    if len(options) < 2 or not question:
        return None
    for name in (answer_field.casefold(),) if answer_field else KEYS:
        if (given := lower.get(name)) is None:
            continue
        if (right := _right(given, keys, options, name in FROM_ONE)) is not None:
            return right
    return ""


def split_options(question: str) -> tuple[str, dict[str, str]]:
    """Return a question's stem and the options that it lists by letter, a line each, if they are two or more."""
    for pattern, fewest in ((_LETTERED, 2), (_INLINE, _FEWEST_INLINE)):
        found = list(pattern.finditer(question))
        options = {match["key"]: match["text"].strip() for match in found}
        if len(options) >= fewest and "".join(options) == LETTERS[: len(options)].upper():
            return _HEADING.sub("", question[: found[0].start()].rstrip()).strip(), options
    return question, {}


def _options(lower: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return keys and options; letters where the options have no keys."""
    given = next((lower[name] for name in OPTIONS if name in lower), None)
    if isinstance(given, str):
        given = given.split("|")
    if given is None:
        for pattern in _OWN_FIELDS:
            given = [lower[name] for letter in LETTERS if (name := pattern.format(letter)) in lower]
            if len(given) > 1:
                break
    if not given and isinstance(lower.get("answers"), list) and "ra" in lower:
        given = lower["answers"]
    if isinstance(given, list) and given and all(isinstance(one, dict) for one in given):
        given = [{"key": _one_of(one, _NAMES), "value": _one_of(one, _TEXTS)} for one in given]
    keys, options = keyed_options(given)
    texts = [option.strip() for option in options or () if isinstance(option, str) and option.strip()]
    if keys is None or len(keys) != len(texts):
        keys = [letter.upper() for letter in LETTERS[: len(texts)]]
    return keys, texts


def _one_of(option: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((str(option[name]) for name in names if option.get(name) is not None), "")


def _right(given: Any, keys: list[str], options: list[str], counts_from_one: bool) -> str | None:
    if isinstance(given, list) and len(given) == 1:
        given = given[0]
    if isinstance(given, dict):
        given = given.get("text") or given.get("value")
    if isinstance(given, bool) or not isinstance(given, str | int):
        return None
    if isinstance(given, str):
        for form in (exact_key, normal):
            if len(right := [option for option in options if form(option) == form(given)]) == 1:
                return right[0]
        if given.strip() in keys:
            return options[keys.index(given.strip())]
        bare = _NAMED.match(given.strip())
        if bare and bare["key"].upper() in keys:
            return options[keys.index(bare["key"].upper())]
        if not given.strip().isdigit():
            held = [option for option in options if normal(option) in normal(given)]
            return held[0] if len(held) == 1 else None
    place = int(given) - counts_from_one
    return options[place] if 0 <= place < len(options) else None
