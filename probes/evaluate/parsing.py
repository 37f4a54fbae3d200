"""What a written answer says, or that it says nothing: an answer that names several options has chosen none.

Each rule mends a defect of the published scorers: the right letter found anywhere in the text, and an answer that
lists every label counted as right.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .question import LETTERS

UNPARSED = None
TOLD = re.compile(r"\b(?:answer|option|choice)\b(?:\s+is)?\s*[:=]?", re.IGNORECASE)


def said_option(answer: str, options: Sequence[str]) -> int | None:
    """Index of the one option that `answer` chooses, by letter or by its text; None where it is not told.

    A letter counts at the start ("B", "(B) …", "B: …") or after "answer is" or "answer:"; an option's text where the
    answer is that text or begins with it. Contradicting choices are none.
    """
    text = answer.strip()
    letters = LETTERS[: len(options)]
    # After "answer is", what is said counts, and not the word that happens to stand first ("A possible answer is C").
    told = [_named(text[each.end() :], options) for each in TOLD.finditer(text)]
    chosen = {option for option in told if option is not None}
    if not chosen and (lead := re.match(rf"[\"'(\[*]*([{letters}])(?:[)\].:,*\"']|\s*$|\s+[-–]\s)", _line(text))):
        more = re.findall(rf"(?:^|[\s(])([{letters}])(?=[)\].:,;]|\s*$)", _line(text)[lead.end() :])
        chosen = {letters.index(letter) for letter in (lead[1], *more)}
    if not chosen and (lead := re.match(rf"\(?([{letters.lower()}])[)\].:](?![^\s*])", _line(text))):
        chosen = {letters.index(lead[1].upper())}  # "c) zinc", and not "e.g."
    if not chosen and (lead := re.match(rf"([{letters}])\s+(.*)", _line(text))):
        index = letters.index(lead[1])
        chosen = {index} if _begins(lead[2], options[index]) else set()  # "C Zinc", and not "A zinc salt"
    if chosen:
        return chosen.pop() if len(chosen) == 1 else UNPARSED
    first = _begun(text, options)
    others = [i for i, option in enumerate(options) if not _begins(text, option) and _holds(text, option)]
    return UNPARSED if others else first


def _named(rest: str, options: Sequence[str]) -> int | None:
    """The option that follows "answer is": by its text ("A copper salt" is no letter), else by its letter."""
    if (begun := _begun(rest, options)) is not None:
        return begun
    letters = LETTERS[: len(options)]
    found = re.match(rf"\s*[\"'(\[*]*([{letters}])\b(?!['’])", rest)
    return letters.index(found[1]) if found else UNPARSED


def _begun(text: str, options: Sequence[str]) -> int | None:
    """The option that `text` begins with; of "Iron" and "Iron deficiency", where both fit, the longer."""
    fitting = [index for index, option in enumerate(options) if _begins(text, option)]
    longest = max((len(_plain(options[index])) for index in fitting), default=0)
    best = [index for index in fitting if len(_plain(options[index])) == longest]
    return best[0] if len(best) == 1 else UNPARSED


def _line(text: str) -> str:
    return text.splitlines()[0].strip() if text else ""


def said_label(answer: str, labels: Sequence[str]) -> int | None:
    """Index of the one label that stands in `answer` as a whole word, in any case; None where none or several do."""
    found = {i for i, label in enumerate(labels) if _holds(answer, label)}
    return found.pop() if len(found) == 1 else UNPARSED


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().casefold()


def _begins(text: str, option: str) -> bool:
    return f"{_plain(text)} ".startswith(f"{_plain(option)} ") if _plain(option) else False


def _holds(text: str, option: str) -> bool:
    return f" {_plain(option)} " in f" {_plain(text)} " if _plain(option) else False
