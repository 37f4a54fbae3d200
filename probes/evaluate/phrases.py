"""Find phrases in written answers, however either is typed. Read by `parsing` and the suite `hallucination`.

A phrase is found where its words stand one after the other, in any case; signs between words do not matter. A decimal
number is one word, so that "5 mg" is no part of "0.5 mg". In scripts without spaces every character is a word. All
functions expect texts in normal form (`terms.normal_form`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import regex

from ...terms.normal_form import LETTERS_AND_DIGITS

_WORD = regex.compile(rf"\d+(?:[.,]\d+)+[\p{{L}}\p{{M}}\p{{N}}]*|{LETTERS_AND_DIGITS}", regex.V1)


class Word(NamedTuple):
    """A word of a text and its place there (characters)."""

    written: str
    folded: str
    start: int
    end: int


@lru_cache(maxsize=64)
def words_in(text: str) -> tuple[Word, ...]:
    """Return the words of a text, in order."""
    return tuple(Word(match[0], match[0].casefold(), *match.span()) for match in _WORD.finditer(text))


def begin(text: str, phrase: str) -> int | None:
    """Return where `phrase` ends if `text` begins with its words; None if it does not, or `phrase` has no words."""
    words, wanted = words_in(text), words_in(phrase)
    if not wanted or not _stand_at(words, 0, wanted):
        return None
    return words[len(wanted) - 1].end


def places(text: str, phrase: str) -> list[tuple[int, int]]:
    """Return every place (start, end) of `phrase` in `text`; none if `phrase` has no words."""
    words, wanted = words_in(text), words_in(phrase)
    starts = [at for at in range(len(words) - len(wanted) + 1) if wanted and _stand_at(words, at, wanted)]
    return [(words[at].start, words[at + len(wanted) - 1].end) for at in starts]


def holds(text: str, phrase: str) -> bool:
    """Whether `phrase` stands anywhere in `text`."""
    return bool(places(text, phrase))


def _stand_at(words: tuple[Word, ...], at: int, wanted: tuple[Word, ...]) -> bool:
    part = words[at : at + len(wanted)]
    return len(part) == len(wanted) and all(a.folded == b.folded for a, b in zip(part, wanted, strict=True))
