"""From a domain to its items, their groups, and a smaller choice of them. Read by `probes` and the command."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from .control_names import control_names
from .domain import QUESTION, Domain, Fact, Text
from .items import CONTRAST, Item
from .match import Matcher, Mention
from .words import adjacent, free_spans, select_controls, word_item

Group = Literal["own", "other", "contrast", "general", "common"]

BORROWED_FROM = 8
"""The number of other questions whose options a question borrows."""
VIEW = {"fact": "facts", "occurrence": "occurrences"}
"""What kinds are counted apart by `limit`; all others are text."""
TOGETHER = 32
"""Strings scored after one neutral cue in one item."""
COMMON = 4
"""Items of this many specialties or more are common: shown, and left out of the contrasts."""


def items(
    domain: Domain,
    found: Mapping[str, Sequence[Mention]] | None = None,
    classes: Mapping[str, Mapping[int, str]] | None = None,
) -> list[Item]:
    """Every item of the domain: facts, questions, terms with their controls, then words of the control texts.

    Terms are mentions of concepts in texts that are no controls: those of `found` (by text id, a linker's), else
    where the domain's own names stand. Their specialties are the concept's, or the document's where the concept has
    none; a mention without either is left out. Words are the control group's own names in the control texts
    (`terms.control_names`), then the content words left between them, single words and adjacent pairs in turn, so that
    terms of several tokens find their match. `classes` gives each text's parts of
    speech by the character where a token starts.
    """
    if found is None:
        matcher = Matcher(concept for concept in domain.concepts if domain.general not in concept.specialties)
        found = {text.id: matcher.mentions(text.text) for text in domain.texts}
    aliases = {(fact.relation, fact.answer): fact.aliases for fact in domain.facts if fact.aliases}
    out = [_fact(fact, aliases, domain.joiner) for fact in (*domain.facts, *domain.questions)]
    for text in domain.texts:
        if domain.general not in text.specialties:
            terms = list(_terms(text, found.get(text.id, ())))
            out += terms
            free = free_spans(text.text, found.get(text.id, ()))
            out += sorted(select_controls(terms, free, (classes or {}).get(text.id, {})), key=lambda item: item.start)
    names = control_names(domain)
    for text in domain.texts:
        if domain.general in text.specialties:
            # A word of the domain is no control, even in a control text.
            out += _words(text, found.get(text.id, ()), names.mentions(text.text), domain.general)
    return out


def group(item: Item, own: str | None, general: str) -> Group | None:
    """The item's group for a model tuned on `own`; None where no specialty is known, and for a term's control.

    With `own` None (a tune for the whole domain) every item of the domain is own.
    """
    if not item.specialties or item.kind == "control":
        return None
    if general in item.specialties:
        return "general"
    if CONTRAST in item.specialties:
        return "contrast"
    if own is None:
        return "own"
    # Before own: a common item on one side of a contrast only would tilt it.
    if len(item.specialties) >= COMMON:
        return "common"
    return "own" if own in item.specialties else "other"


def limit(items: Sequence[Item], n: int, own: str | Iterable[str | None] | None, general: str, seed: int) -> list[Item]:
    """`n` items of each group (own, other, general) and view (`VIEW`), drawn by the seed, in the given order.

    With several models' own specialties: what any of them needs. An item's luck hangs on its id and the seed alone,
    so a greater `n` only adds items.
    """
    drawn: set[int] = set()
    order = sorted(range(len(items)), key=lambda i: hashlib.sha256(f"{seed}\0{items[i].id}".encode()).digest())
    for one in [own] if own is None or isinstance(own, str) else own:
        counts: dict[tuple[str, str], int] = defaultdict(int)
        for i in order:
            name = group(items[i], one, general)
            if name not in (None, "common") and counts[key := (str(name), VIEW.get(items[i].kind, "text"))] < n:
                counts[key] += 1
                drawn.add(i)
    kept = {items[i].id for i in drawn}
    return [item for i, item in enumerate(items) if i in drawn or item.beside in kept]


def add_borrowed_options(items: Sequence[Item], seed: int) -> list[Item]:
    """Add options of `BORROWED_FROM` other questions of the same specialties to each question.

    A question's options occur once, so they can be centred only if other stems are scored with them too. The seed
    decides which questions lend their options; a question never borrows an option that it already has.
    """
    out = list(items)
    circles: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for i in sorted(range(len(out)), key=lambda i: hashlib.sha256(f"{seed}\0{out[i].id}".encode()).digest()):
        if out[i].relation == QUESTION:
            circles[out[i].specialties].append(i)
    for circle in circles.values():
        for place, i in enumerate(circle):
            lenders = [
                circle[(place - step) % len(circle)] for step in range(1, min(BORROWED_FROM, len(circle) - 1) + 1)
            ]
            own = {option.casefold() for option in out[i].candidates}
            strings = dict.fromkeys(option for lender in lenders for option in items[lender].candidates)
            borrowed = tuple(option for option in strings if option.casefold() not in own)
            out[i] = replace(out[i], borrowed=borrowed)
    return out


def priors(items: Sequence[Item], domain: Domain) -> list[Item]:
    """Each answer of the facts once more, after its relation's neutral cue: how likely a string is in itself.

    What prior correction needs (domain-conditional PMI: Holtzman et al. 2021, arXiv 2104.08315); strings that share a
    cue are read once, `TOGETHER` to an item.
    """
    strings: dict[str, dict[str, None]] = defaultdict(dict)
    for item in items:
        if item.kind == "fact":
            strings[domain.neutral_cue(item.relation)].update(dict.fromkeys(item.candidates))
    parts = [
        (cue, tuple(every)[begin : begin + TOGETHER])
        for cue, every in strings.items()
        for begin in range(0, len(every), TOGETHER)
    ]
    return [
        Item(f"prior:{n}", "prior", (), "", cue, cues=(cue,), candidates=some, joiner=domain.joiner)
        for n, (cue, some) in enumerate(parts)
    ]


def _fact(fact: Fact, names: Mapping[tuple[str, str], tuple[str, ...]], joiner: str) -> Item:
    candidates = (fact.answer, *fact.distractors)
    taken = set(candidates)
    aliases = [
        (place, name)
        for place, answer in enumerate(candidates)
        for name in names.get((fact.relation, answer), ())
        # A name that two candidates share says nothing about which of them is meant.
        if name not in taken and (place == 0 or name not in fact.aliases)
    ]
    return Item(
        id=f"fact:{fact.id}",
        kind="fact",
        specialties=fact.specialties,
        concept=fact.concept,
        name=fact.answer,
        relation=fact.relation,
        cues=fact.cues,
        wordings=fact.wordings,
        candidates=candidates,
        aliases=tuple(aliases),
        joiner=joiner,
    )


def _terms(text: Text, mentions: Iterable[Mention]) -> Iterator[Item]:
    for mention in mentions:
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


def _words(text: Text, terms: Sequence[Mention], names: Iterable[Mention], general: str) -> Iterator[Item]:
    taken = {at for mention in terms for at in range(mention.start, mention.end)}
    whole = [name for name in names if taken.isdisjoint(range(name.start, name.end))]
    spans = free_spans(text.text, [*terms, *whole])
    pairs = dict(adjacent(text.text, spans))
    targets = [(name.start, name.end) for name in whole]
    i, pair = 0, False
    while i < len(spans):
        start, end = spans[i]
        width = 2 if pair and start in pairs else 1
        targets.append((start, pairs[start] if width == 2 else end))
        i, pair = i + width, width == 1
    for start, end in sorted(targets):
        yield word_item("word", text.id, text.text, start, end, (general,))
