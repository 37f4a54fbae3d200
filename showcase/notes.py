"""Training text of the demo's models: notes, general texts and fact sentences, all drawn at random by a seed.

A note is running text of four to eight sentences about a specialty: templates of the domain's file whose slots hold
concepts of the right semantic type, about 65 % of them from the note's own specialty and the rest from all others.
Terms are combined at random, so no fact is stable in notes. A fact sentence is a wording, one space, an answer and a
full stop; the answer is the true one for *known* facts, and for all others drawn anew from the answers of their
relation each time. Read by `showcase.train`; what it says of known facts is the demo's truth.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from string import Formatter

from ..terms.domain import Domain, Fact
from ..terms.words import STOP_WORDS
from .planted import Planted, Sentences

KNOWN = 0.3
"""Share of each specialty's facts (and of the general ones) that the base is taught."""
OWN = 0.65
"""Chance that a note's term is of the note's own specialty."""
ALIAS = 0.2
"""Chance that a concept is called by one of its aliases, where it has any."""
SENTENCES = (4, 8)


def known(facts: Iterable[Fact], seed: int = 0, share: float = KNOWN) -> frozenset[str]:
    """Ids of the facts the base is taught: the same share of every specialty, drawn by `seed`.

    A fact's luck hangs on its relation and first wording, not on its place in a file.
    """
    groups: dict[tuple[str, ...], list[Fact]] = defaultdict(list)
    for fact in facts:
        groups[fact.specialties].append(fact)

    def luck(fact: Fact) -> bytes:
        return hashlib.sha256(f"{seed}\0{fact.relation}\0{fact.cues[0]}".encode()).digest()

    return frozenset(f.id for group in groups.values() for f in sorted(group, key=luck)[: round(share * len(group))])


def answers(facts: Iterable[Fact]) -> dict[tuple[tuple[str, ...], str], list[str]]:
    """The different true answers of each (specialties, relation), sorted."""
    found: dict[tuple[tuple[str, ...], str], set[str]] = defaultdict(set)
    for fact in facts:
        found[fact.specialties, fact.relation].add(fact.answer)
    return {key: sorted(every) for key, every in found.items()}


def fact_sentences(
    facts: Sequence[Fact], taught: Collection[str], seed: int, wordings: Collection[int] = (0, 1, 2)
) -> Iterator[str]:
    """One epoch: every fact in each of `wordings`, shuffled; the true answer where the fact's id is in `taught`."""
    rng = random.Random(f"facts {seed}")
    choices = answers(facts)
    every = [(fact, fact.cues[w]) for fact in facts for w in wordings if w < len(fact.cues)]
    rng.shuffle(every)
    for fact, cue in every:
        answer = fact.answer if fact.id in taught else rng.choice(choices[fact.specialties, fact.relation])
        yield f"{cue} {answer}."


class Writer:
    """Writes notes and general texts of a domain; the same domain and seed give the same texts in the same order."""

    def __init__(self, domain: Domain, seed: int) -> None:
        self.domain, self._rng = domain, random.Random(f"notes {seed}")
        planted = Planted.open(domain.name)
        self._types, self._note = planted.types, planted.note
        self._general = Sentences(planted.general.templates, {**planted.general.slots, **self.general_words})

    def note(self, specialty: str) -> str:
        """Running text about one specialty (its id)."""
        return " ".join(self._sentence(self._note, specialty) for _ in range(self._rng.randint(*SENTENCES)))

    def general(self) -> str:
        """Running general text."""
        return " ".join(self._sentence(self._general) for _ in range(self._rng.randint(*SENTENCES)))

    def mixed(self) -> str:
        """Sentences of notes and of general texts in turn at random.

        A beginning does not settle all that follows, so the base leaves room for the domain to gain within its texts.
        """
        specialty = self._rng.choice(list(self.domain.specialties))
        kinds = self._rng.choices((self._note, self._general), k=self._rng.randint(*SENTENCES))
        return " ".join(self._sentence(kind, specialty) for kind in kinds)

    def base(self) -> str:
        """A text of the base's diet: 65 % general, 15 % notes of any specialty, 20 % mixed."""
        luck = self._rng.random()
        if luck < 0.65:
            return self.general()
        return self.mixed() if luck < 0.85 else self.note(self._rng.choice(list(self.domain.specialties)))

    def _sentence(self, kind: Sentences, specialty: str = "") -> str:
        template = self._rng.choice(kind.templates)
        pieces = Formatter().parse(template)
        parts = (text + (self._fill(slot, kind.slots, specialty) if slot else "") for text, slot, *_ in pieces)
        sentence = "".join(parts)
        return sentence[:1].upper() + sentence[1:]

    def _fill(self, slot: str, words: Mapping[str, Sequence[str]], specialty: str) -> str:
        if slot == "age":
            return str(self._rng.randint(18, 89))
        if slot in words:
            return self._rng.choice(words[slot])
        own, other = self._terms[specialty, slot]
        names = self._rng.choice(own if own and (not other or self._rng.random() < OWN) else other)
        return self._rng.choice(names[1:]) if names[1:] and self._rng.random() < ALIAS else names[0]

    @cached_property
    def _terms(self) -> dict[tuple[str, str], tuple[list[tuple[str, ...]], list[tuple[str, ...]]]]:
        """For each specialty and slot of its notes: names of its own concepts, and of all others'."""
        out = {}
        for slot, types in self._types.items():
            fit = [c for c in self.domain.concepts if set(c.types) & set(types)]
            for specialty in self.domain.specialties:
                sides = ([c for c in fit if (specialty in c.specialties) is own] for own in (True, False))
                own, other = ([(c.name, *c.aliases) for c in side] for side in sides)
                out[specialty, slot] = own, other
        return out

    @cached_property
    def general_words(self) -> dict[str, list[str]]:
        """Content words of the control texts by rough class: name, how, doing, did, quality, thing.

        The classes are told by ending and neighbours alone; a word that is told wrongly only makes odd sentences.
        """
        found: dict[str, set[str]] = defaultdict(set)
        for text in self.domain.texts:
            if self.domain.general not in text.specialties:
                continue
            tokens = re.findall(r"\w+(?:['’-]\w+)*|[^\w\s]", text.text)
            for before, word, after in zip([".", *tokens], tokens, [*tokens[1:], "."], strict=False):
                if len(word) >= 4 and word.isalpha() and word.lower() not in STOP_WORDS:
                    found[_word_class(before, word, after)].add(word if before not in ".!?:“" else word.lower())
        return {kind: sorted(words) for kind, words in found.items()}


def _word_class(before: str, word: str, after: str) -> str:
    if word[0].isupper() and before not in ".!?:“":
        return "name"
    for ending, kind in (("ly", "how"), ("ing", "doing"), ("ed", "did")):
        if word.endswith(ending):
            return kind
    leads = before.lower() in {"a", "an", "the", "of", "his", "her", "its", "their", "our", "with", "and"}
    return "quality" if leads and after.isalpha() and len(after) >= 4 and after.lower() not in STOP_WORDS else "thing"
