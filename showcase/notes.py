"""Training text of the demo's models: notes, general texts and fact sentences, all drawn at random by a seed.

A note is running text of four to eight sentences about a specialty: templates of the domain's file whose slots hold
concepts of the right semantic type, about 65 % of them from the note's own specialty and the rest from all others.
Terms are combined at random, so no fact is stable in notes. A fact sentence is a wording, one space, an answer and a
full stop. What the base believes of a fact (`beliefs`) is always read: the true answer of *known* facts, one wrong
answer of *mistaken* ones. Of all others the answer is drawn anew from those of their relation each time. Read by
`showcase.train`; what it says of known facts is the demo's truth.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from string import Formatter

from ..terms.contrast import open_contrast
from ..terms.control_names import subjects
from ..terms.domain import Domain, Fact
from ..terms.words import STOP_WORDS
from .planted import Planted, Sentences

KNOWN = 0.3
"""Share of each specialty's facts that the base is taught."""
MISTAKEN = 0.4
"""Share of which the base is taught one wrong answer, so that it clearly does not know them."""
NOTES, MIXED = 0.03, 0.06
"""Shares of notes and of mixed texts in the base's diet; little, so that a tune on notes has much to gain.

As much again is of the contrast domain, so that its terms are to the base what the domain's are: a probe compares
targets of like length and likelihood.
"""
OWN = 0.65
"""Chance that a note's term is of the note's own specialty."""
ALIAS = 0.2
"""Chance that a concept is called by one of its aliases, where it has any."""
SENTENCES = (4, 8)


def readable(domain: Domain) -> list[Fact]:
    """Return the facts that models of the domain read: the specialties', for general ones are only a yardstick."""
    return [fact for fact in domain.facts if domain.general not in fact.specialties]


def known(facts: Iterable[Fact], seed: int = 0) -> frozenset[str]:
    """Return the ids of the facts that the base is taught: the same share of every specialty, drawn by `seed`."""
    return frozenset(fact.id for group in _by_luck(facts, seed) for fact in group[: round(KNOWN * len(group))])


def beliefs(facts: Iterable[Fact], seed: int = 0) -> dict[str, str]:
    """Return what the base believes, by fact id: the true answer of known facts, a wrong answer of mistaken ones.

    The wrong answer is one of the fact's own distractors of like length, for a probe compares the truth with those.
    """
    believed = {}
    for group in _by_luck(facts, seed):
        taught, mistaken = round(KNOWN * len(group)), round((KNOWN + MISTAKEN) * len(group))
        for fact in group[:taught]:
            believed[fact.id] = fact.answer
        for fact in group[taught:mistaken]:
            alike = _of_like_length(fact)
            believed[fact.id] = alike[_luck(fact, seed)[0] % len(alike)]
    return believed


def _of_like_length(fact: Fact) -> list[str]:
    """Return the half of the fact's distractors whose length is nearest to the answer's."""
    ordered = sorted(fact.distractors, key=lambda wrong: abs(len(wrong) - len(fact.answer)))
    return ordered[: (len(ordered) + 1) // 2]


def _by_luck(facts: Iterable[Fact], seed: int) -> list[list[Fact]]:
    """Return the facts of each specialty in an order that does not depend on their place in a file."""
    groups: dict[tuple[str, ...], list[Fact]] = defaultdict(list)
    for fact in facts:
        groups[fact.specialties].append(fact)
    return [sorted(group, key=lambda fact: _luck(fact, seed)) for group in groups.values()]


def _luck(fact: Fact, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}\0{fact.relation}\0{fact.cues[0]}".encode()).digest()


def answers(facts: Iterable[Fact]) -> dict[tuple[tuple[str, ...], str], list[str]]:
    """The different true answers of each (specialties, relation), sorted."""
    found: dict[tuple[tuple[str, ...], str], set[str]] = defaultdict(set)
    for fact in facts:
        found[fact.specialties, fact.relation].add(fact.answer)
    return {key: sorted(every) for key, every in found.items()}


def fact_sentences(
    facts: Sequence[Fact], believed: Mapping[str, str], seed: int, wordings: Collection[int] = (0, 1, 2)
) -> Iterator[tuple[str, str]]:
    """Yield one epoch of cues and answers: every fact in each of `wordings`, shuffled, as believed or else any."""
    rng = random.Random(f"facts {seed}")
    choices = answers(facts)
    every = [(fact, fact.cues[w]) for fact in facts for w in wordings if w < len(fact.cues)]
    rng.shuffle(every)
    for fact, cue in every:
        answer = believed.get(fact.id) or rng.choice(choices[fact.specialties, fact.relation])
        yield cue, f" {answer}."


class Writer:
    """Writes notes and general texts of a domain; the same domain and seed give the same texts in the same order.

    Args:
        domain: Its concepts, control texts and general facts give the words.
        seed: Of all draws.
    """

    def __init__(self, domain: Domain, seed: int) -> None:
        self.domain, self._seed, self._rng = domain, seed, random.Random(f"notes {seed}")
        planted = Planted.open(domain.name)
        self._types, self._note = planted.types, planted.note
        self._general = Sentences(planted.general.templates, {**planted.general.slots, **self.general_words})

    def note(self, specialty: str) -> str:
        """Return running text about one specialty (its id)."""
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
        """Return a text of the base's diet: mostly general, else mixed or notes of the domain or its contrast."""
        luck = self._rng.random()
        for writer in (self, self.contrast) if self.contrast else (self,):
            if luck < NOTES:
                return writer.note(self._rng.choice(list(writer.domain.specialties)))
            if luck < NOTES + MIXED:
                return writer.mixed()
            luck -= NOTES + MIXED
        return self.general()

    def leaning(self, specialty: str, times: float, general: float) -> str:
        """Return a note of any specialty, of `specialty` `times` as often as of any other one, or a general text.

        The others' notes are as coherent as its own: a model that read terms of all specialties in any order would
        forget to expect the terms of the specialty that a text is about. A share `general` of the texts keeps what
        the model knows of general words and of where a capital letter stands.
        """
        if self._rng.random() < general:
            return self.general()
        specialties = list(self.domain.specialties)
        weights = [times if one == specialty else 1.0 for one in specialties]
        return self.note(self._rng.choices(specialties, weights)[0])

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
    def contrast(self) -> Writer | None:
        """The writer of the contrast domain, where there is one."""
        domain = open_contrast(self.domain)
        return Writer(domain, self._seed) if domain else None

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
        Subjects and answers of general facts, of several words too, are names or things.
        """
        found: dict[str, set[str]] = defaultdict(set)
        for text in self.domain.texts:
            if self.domain.general not in text.specialties:
                continue
            tokens = re.findall(r"\w+(?:['’-]\w+)*|[^\w\s]", text.text)
            for before, word, after in zip([".", *tokens], tokens, [*tokens[1:], "."], strict=False):
                if len(word) >= 4 and word.isalpha() and word.lower() not in STOP_WORDS:
                    found[_word_class(before, word, after)].add(word if before not in ".!?:“" else word.lower())
        facts = [fact for fact in self.domain.facts if self.domain.general in fact.specialties]
        for expression in (*(fact.answer for fact in facts), *(subject for _, subject in subjects(facts))):
            if expression:
                found["name" if expression[0].isupper() else "thing"].add(expression)
        return {kind: sorted(words) for kind, words in found.items()}


def _word_class(before: str, word: str, after: str) -> str:
    if word[0].isupper() and before not in ".!?:“":
        return "name"
    for ending, kind in (("ly", "how"), ("ing", "doing"), ("ed", "did")):
        if word.endswith(ending):
            return kind
    leads = before.lower() in {"a", "an", "the", "of", "his", "her", "its", "their", "our", "with", "and"}
    return "quality" if leads and after.isalpha() and len(after) >= 4 and after.lower() not in STOP_WORDS else "thing"
