"""Content words of running text: general targets, and the controls that stand beside each term.

A term's gain may be its own or that of any word in such a text. So every term is given control words of the same
document: as many words as it has, of the same part of speech where a model gives one, nearest in length. Which of them
has the same token count and the nearest base log-probability is found after scoring (`probes.analysis.controls`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

import regex

from .domain import Text
from .items import Item, Kind
from .match import Mention
from .normal_form import APOSTROPHES, INVISIBLE, SPACELESS

CONTROLS = 3
"""Control words chosen beside each term, at most."""

# Of four letters and more; shorter words are no targets anyway.
_STOP = """
    about above across after again against almost alone along already also although always among another anyone
    anything around away became because become been before began behind being below beneath beside besides between
    beyond both came cannot come comes could does doing done down during each either else enough even ever every
    everyone everything except felt first from gave give given goes going gone have having hence here hers herself
    himself however instead into itself just kept knew know last later least less like made make makes making many
    might mine more most much must myself near neither never next none nothing often once only onto other others
    ought ours ourselves over past perhaps quite rather said same says seem seemed seems several shall should since
    some someone something sometimes soon still such take taken takes than that their theirs them themselves then
    there these they this those though three through thus together told took toward towards under unless until upon
    used very want wanted wants well went were what whatever when whenever where whether which while whom whose will
    with within without would your yours yourself"""
STOP_WORDS = frozenset(_STOP.split())


_PART = regex.escape(f"{APOSTROPHES}{INVISIBLE}-‐‑")
_FREE = regex.compile(rf"(?<![\w\p{{M}}{_PART}])[[\w\p{{M}}]--[{SPACELESS}]]+(?![\w\p{{M}}{_PART}])", regex.V1)
"""A word that is no part of another. Of scripts without spaces no words are known, so none are taken."""


_LETTER, _SPACELESS_LETTER = regex.compile(r"\p{L}"), regex.compile(rf"[{SPACELESS}]")


def free_spans(text: str, mentions: Sequence[Mention]) -> list[tuple[int, int]]:
    """Places (characters) of the content words of a text that no mention covers."""
    taken = bytearray(len(text))
    for mention in mentions:
        taken[mention.start : mention.end] = b"\1" * (mention.end - mention.start)
    return [
        match.span()
        for match in _FREE.finditer(text)
        if is_content_word(match.group()) and not any(taken[slice(*match.span())])
    ]


def missing_controls(texts: Iterable[Text], general: str) -> str:
    """Say of which texts no content words are known, since their script has no spaces; empty where there are none."""
    spaceless = [text for text in texts if _is_spaceless(text.text)]
    if not spaceless:
        return ""
    controls = sum(general in text.specialties for text in spaceless)
    return (
        f"{len(spaceless):,} texts ({controls:,} of them control texts) are in a script without spaces between words: "
        "no control words are chosen in them, so they say nothing of generic drift or a domain shift; facts do"
    )


def _is_spaceless(text: str) -> bool:
    """Whether most letters are of scripts without spaces."""
    return 2 * len(_SPACELESS_LETTER.findall(text)) > len(_LETTER.findall(text))


def adjacent(text: str, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Places of two content words with nothing but white space between them, as (start, end)."""
    for (start, stop), (begin, end) in pairwise(spans):
        if text[stop:begin].isspace():
            yield start, end


def select_controls(
    terms: Sequence[Item], spans: Sequence[tuple[int, int]], classes: Mapping[int, str]
) -> Iterator[Item]:
    """Yield up to `CONTROLS` control words of one document for each of its terms; a place serves one term only."""
    if not terms:
        return
    text = terms[0].text
    pairs = list(adjacent(text, spans))
    free = {1: dict.fromkeys(spans), 2: dict.fromkeys(pairs)}
    taken = bytearray(len(text))
    for term in terms:
        width = min(2, len(term.target.split()))
        wanted = _class(classes, term.start, term.end)
        length = term.end - term.start

        def distance(
            span: tuple[int, int], wanted: str = wanted, length: int = length, at: int = term.start
        ) -> tuple[bool, int, int]:
            other = _class(classes, *span)
            return wanted != other, abs(span[1] - span[0] - length), abs(span[0] - at)

        chosen = 0
        for start, end in sorted(free[width], key=distance):
            if chosen == CONTROLS:
                break
            if any(taken[start:end]):
                del free[width][start, end]
                continue
            if wanted and _class(classes, start, end) != wanted:
                break
            taken[start:end] = b"\1" * (end - start)
            chosen += 1
            yield word_item("control", term.document, text, start, end, term.specialties, term.id)


def word_item(
    kind: Kind, document: str, text: str, start: int, end: int, specialties: tuple[str, ...], beside: str = ""
) -> Item:
    """The item of a content word, or of two."""
    words = text[start:end]
    return Item(
        id=f"{kind}:{document}:{start}",
        kind=kind,
        specialties=specialties,
        concept=" ".join(words.lower().split()),
        name=words,
        text=text,
        document=document,
        start=start,
        end=end,
        beside=beside,
    )


def _class(classes: Mapping[int, str], start: int, end: int) -> str:
    """Part of speech of the last token that starts in a span: an English phrase's head."""
    return next((classes[at] for at in range(end - 1, start - 1, -1) if at in classes), "")


def is_content_word(word: str) -> bool:
    """Whether a word is a target of its own: four letters or more, and no stop word."""
    return len(word) >= 4 and word.isalpha() and word.lower() not in STOP_WORDS
