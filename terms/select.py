"""From a domain to its items, their groups, and a smaller choice of them. Read by `probes` and the command."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal

from .domain import QUESTION, Domain, Fact, Text
from .items import Item
from .match import Matcher

Group = Literal["own", "other", "general", "common"]

LENT = 8
"""After how many other stems a question's options are scored."""
COMMON = 4
"""Items of this many specialties or more are common: shown, and left out of the contrasts."""

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


def items(domain: Domain) -> list[Item]:
    """Every item of the domain: facts, questions, terms, then words of the control texts, each in the files' order.

    Terms are mentions of concepts in texts that are no controls; their specialties are the concept's, or the
    document's where the concept has none; a mention without either is left out. Words are content words of the
    control texts, single words and adjacent pairs in turn, so that terms of several tokens find their match.
    """
    matcher = Matcher(domain.concepts)
    out = [_fact(fact) for fact in (*domain.facts, *domain.questions)]
    controls = [text for text in domain.texts if domain.general in text.specialties]
    for text in domain.texts:
        if domain.general not in text.specialties:
            out.extend(_terms(text, matcher))
    for text in controls:
        out.extend(_words(text, matcher, domain.general))
    return out


def group(item: Item, own: str | None, general: str) -> Group | None:
    """The item's group for a model tuned on `own`; None where no specialty is known.

    With `own` None (a tune for the whole domain) every item of the domain is own.
    """
    if not item.specialties:
        return None
    if general in item.specialties:
        return "general"
    if own is None:
        return "own"
    # Before own: a common item on one side of a contrast only would tilt it.
    if len(item.specialties) >= COMMON:
        return "common"
    return "own" if own in item.specialties else "other"


def limit(items: Sequence[Item], n: int, own: str | Iterable[str | None] | None, general: str, seed: int) -> list[Item]:
    """`n` items of each group (own, other, general) and view (facts, text), drawn by the seed, in the given order.

    With several models' own specialties: what any of them needs. An item's luck hangs on its id and the seed alone,
    so a greater `n` only adds items.
    """
    drawn: set[int] = set()
    order = sorted(range(len(items)), key=lambda i: hashlib.sha256(f"{seed}\0{items[i].id}".encode()).digest())
    for one in [own] if own is None or isinstance(own, str) else own:
        counts: dict[tuple[str, bool], int] = defaultdict(int)
        for i in order:
            name = group(items[i], one, general)
            if name not in (None, "common") and counts[key := (str(name), items[i].kind == "fact")] < n:
                counts[key] += 1
                drawn.add(i)
    return [items[i] for i in sorted(drawn)]


def lend(items: Sequence[Item], seed: int) -> list[Item]:
    """Lets each question's options be scored after `LENT` other stems of its specialties too.

    The options of a question occur once, so they can be centred only where they are borrowed. Which stems borrow is
    drawn by the seed; an option of the stem's own is not borrowed.
    """
    out = list(items)
    circles: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for i in sorted(range(len(out)), key=lambda i: hashlib.sha256(f"{seed}\0{out[i].id}".encode()).digest()):
        if out[i].relation == QUESTION:
            circles[out[i].specialties].append(i)
    for circle in circles.values():
        for place, i in enumerate(circle):
            lenders = [circle[(place - step) % len(circle)] for step in range(1, min(LENT, len(circle) - 1) + 1)]
            own = {option.casefold() for option in out[i].candidates}
            strings = dict.fromkeys(option for lender in lenders for option in items[lender].candidates)
            borrowed = tuple(option for option in strings if option.casefold() not in own)
            out[i] = replace(out[i], borrowed=borrowed)
    return out


def _fact(fact: Fact) -> Item:
    return Item(
        id=f"fact:{fact.id}",
        kind="fact",
        specialties=fact.specialties,
        concept=fact.concept,
        name=fact.answer,
        relation=fact.relation,
        cues=fact.cues,
        candidates=(fact.answer, *fact.distractors),
    )


def _terms(text: Text, matcher: Matcher) -> Iterator[Item]:
    for mention in matcher.mentions(text.text):
        concept = mention.concept
        if specialties := concept.specialties or text.specialties:
            yield Item(
                id=f"term:{text.id}:{mention.start}",
                kind="term",
                specialties=specialties,
                concept=concept.id,
                name=concept.name,
                text=text.text,
                document=text.id,
                start=mention.start,
                end=mention.end,
                types=concept.types,
            )


def _words(text: Text, matcher: Matcher, general: str) -> Iterator[Item]:
    # A word of the domain is no control, even in a control text.
    domain_words = bytearray(len(text.text))
    for mention in matcher.mentions(text.text):
        domain_words[mention.start : mention.end] = b"\1" * (mention.end - mention.start)
    spans = [
        match.span()
        for match in re.finditer(r"(?<![\w'’-])\w+(?![\w'’-])", text.text)
        if _content(match.group()) and not any(domain_words[slice(*match.span())])
    ]
    adjacent = [text.text[end:start].isspace() for (_, end), (start, _) in pairwise(spans)] + [False]
    i, pair = 0, False
    while i < len(spans):
        width = 2 if pair and adjacent[i] else 1
        start, end = spans[i][0], spans[i + width - 1][1]
        words = text.text[start:end]
        yield Item(
            id=f"word:{text.id}:{start}",
            kind="word",
            specialties=(general,),
            concept=" ".join(words.lower().split()),
            name=words,
            text=text.text,
            document=text.id,
            start=start,
            end=end,
        )
        i, pair = i + width, width == 1


def _content(word: str) -> bool:
    return len(word) >= 4 and word.isalpha() and word.lower() not in STOP_WORDS
