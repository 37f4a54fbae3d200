"""A fictitious world whose every word and fact is made up: what the calibration's models read and are asked.

Specialties have relations; a relation has a few answers and many facts, each of a person who exists once, so no model
knows any of them but from the texts written here. The base is taught a share of each relation's facts; for all others
it reads an answer drawn anew from a whole pool each time, so which answers a relation has it knows from the taught
ones alone. All specialties share two pools (a relation draws from one); control facts have a third. Notes are running
text whose slots hold general words and terms of a specialty. Knows no torch; the same size and seed give the same
world.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import accumulate, product

from ...terms.domain import Concept, Domain, Fact, Specialty, Text
from ...terms.items import GENERAL, Item
from ...terms.select import items

CONSONANTS, VOWELS, CLOSING = "bdfgklmnprstvz", "aeiou", "lnrsk"
POOLS = ("a", "b")
SLOT_TERM = {"general": 0.0, "note": 0.75, "mixed": 0.35}
"""Chance that a slot of a text holds a specialty's term and not a general word."""
TWO_WORDS = 0.15
"""Share of answers that are of two words."""
OWN_TERM = 0.65
"""Chance that such a term is of the text's own specialty."""
TEMPLATES = (
    "the {} was seen with {} and {} .",
    "then {} came after {} .",
    "in the {} there was {} of {} .",
    "{} and {} are near the {} .",
    "no {} without {} .",
    "they gave {} for the {} .",
)
SENTENCES = 4
KNOWN_READ = 0.5
"""Share of the fact sentences in the base's diet that are of facts it is taught."""


Sentence = tuple[str, str]
"""A cue and what follows it; one space joins them."""


@dataclass(frozen=True)
class Size:
    """How large a world is."""

    specialties: int = 6
    relations: int = 50
    """Of each specialty."""
    general_relations: int = 30
    facts: int = 40
    """Of each relation; a fifth is known to the base."""
    answers: int = 10
    """Of each relation."""
    distractors: int = 5
    known: float = 0.2
    names: int = 150
    """First names, and as many last names."""
    pool: int = 80
    """Answers in each pool."""
    terms: int = 40
    """Of each specialty."""
    words: int = 240
    texts: int = 12
    """Texts the probe reads, of each specialty; as many controls as of half the specialties."""


STANDARD = Size()


@dataclass(frozen=True, slots=True)
class WorldFact:
    """What is told of a fact beside the fact itself."""

    fact: Fact
    choices: tuple[str, ...]
    """Every answer of its relation."""
    pool: str
    known: bool
    """The base is taught it."""

    def sentence(self, answer: str) -> Sentence:
        return self.fact.cues[0], f"{answer} ."


class World:
    """The world of one size and seed."""

    def __init__(self, size: Size = STANDARD, seed: int = 0) -> None:
        self.size = size
        rng = random.Random(f"world {seed}")
        words = _words(rng)
        self.specialties = [f"s{number}" for number in range(size.specialties)]
        self._general = [next(words) for _ in range(size.words)]
        self._frequencies = list(accumulate(1 / (rank + 2) for rank in range(size.words)))
        self._terms = {name: [_phrase(words, rng, 0.4) for _ in range(size.terms)] for name in self.specialties}
        self.pools = {name: [_phrase(words, rng, TWO_WORDS) for _ in range(size.pool)] for name in (*POOLS, GENERAL)}
        first, last = ([next(words).title() for _ in range(size.names)] for _ in range(2))
        people = [" ".join(pair) for pair in product(first, last)]
        rng.shuffle(people)
        person = iter(people)
        self.facts: list[WorldFact] = []
        for specialty in (*self.specialties, GENERAL):
            general = specialty == GENERAL
            for number in range(size.general_relations if general else size.relations):
                pool = GENERAL if general else POOLS[number % len(POOLS)]
                choices = tuple(rng.sample(self.pools[pool], size.answers))
                self.facts += self._relation(
                    f"{specialty}-{number}", specialty, next(words), choices, pool, person, rng
                )
        self.by_id = {told.fact.id: told for told in self.facts}

    def _relation(
        self,
        name: str,
        specialty: str,
        word: str,
        choices: tuple[str, ...],
        pool: str,
        person: Iterator[str],
        rng: random.Random,
    ) -> Iterator[WorldFact]:
        """A relation's facts: each answer true equally often; the base is taught the first few."""
        size = self.size
        for number in range(size.facts):
            answer = choices[number % len(choices)]
            wrong = rng.sample([other for other in choices if other != answer], size.distractors)
            cue = f"the {word} of {next(person)} is"
            fact = Fact(f"{name}-{number}", (cue,), answer, tuple(wrong), (specialty,), name, f"{name}-{number}")
            yield WorldFact(fact, choices, pool, number < round(size.known * size.facts))

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word that a text of this world may hold."""
        cues = " ".join(cue for told in self.facts for cue in told.fact.cues)
        phrases = [
            *(c for told in self.facts for c in told.choices),
            *(t for terms in self._terms.values() for t in terms),
        ]
        return frozenset(" ".join([cues, *TEMPLATES, *phrases, *self._general, "."]).replace("{}", "").split())

    def of(self, *specialties: str) -> list[WorldFact]:
        """What is told of these specialties' facts, relation by relation."""
        return [told for told in self.facts if told.fact.specialties[0] in specialties]

    @cached_property
    def domain(self) -> Domain:
        """The domain that the probe is given: all facts, and texts that no model reads in training."""
        rng = random.Random("probed texts")
        specialties = {name: Specialty(name, f"specialty {name[1:]}") for name in self.specialties}
        # The second word of two is certain after the first, and no pair of general words is like that.
        concepts = [
            Concept(term, term, specialties=(name,))
            for name, terms in self._terms.items()
            for term in terms
            if " " not in term
        ]
        texts = [
            Text(f"{name}-{n}", self.text("note", rng, name), (name,))
            for name in self.specialties
            for n in range(self.size.texts)
        ]
        controls = self.size.texts * max(1, len(self.specialties) // 2)
        texts += [Text(f"{GENERAL}-{n}", self.text(GENERAL, rng), (GENERAL,)) for n in range(controls)]
        return Domain("calibration", specialties=specialties, concepts=tuple(concepts), texts=tuple(texts))

    def fact_items(self, told: Sequence[WorldFact]) -> list[Item]:
        return items(replace(self.domain, concepts=(), texts=(), facts=tuple(one.fact for one in told)))

    @cached_property
    def text_items(self) -> list[Item]:
        """Terms and words of the probed texts (without the terms' control words)."""
        return [item for item in items(self.domain) if item.kind != "control"]

    def text(self, kind: str, rng: random.Random, specialty: str = "") -> str:
        """Running text: `general`, a `note` of a specialty, or `mixed` (half way)."""
        return " ".join(self._sentence(kind, rng, specialty) for _ in range(SENTENCES))

    def _sentence(self, kind: str, rng: random.Random, specialty: str) -> str:
        template = rng.choice(TEMPLATES)
        return template.format(*(self._fill(kind, rng, specialty) for _ in range(template.count("{}"))))

    def _word(self, rng: random.Random) -> str:
        """A general word; by Zipf's law, so that some are as rare as a term and can be held against it."""
        return rng.choices(self._general, cum_weights=self._frequencies)[0]

    def _fill(self, kind: str, rng: random.Random, specialty: str) -> str:
        if rng.random() >= SLOT_TERM[kind]:
            return self._word(rng)
        if rng.random() >= OWN_TERM:
            specialty = rng.choice([name for name in self.specialties if name != specialty] or [specialty])
        return rng.choice(self._terms[specialty])

    @cached_property
    def _by_known(self) -> tuple[list[WorldFact], list[WorldFact]]:
        unknown, known = ([told for told in self.facts if told.known is side] for side in (False, True))
        return unknown, known

    def diet(
        self, rng: random.Random, texts: int, sentences: int, without: frozenset[str] = frozenset()
    ) -> tuple[list[str], list[Sentence]]:
        """The base's own kind of text: running text, and facts, those of the ids `without` left out."""
        kinds = rng.choices(("general", "note", "mixed"), (0.5, 0.3, 0.2), k=texts)
        running = [self.text(kind, rng, rng.choice(self.specialties)) for kind in kinds]
        told: list[WorldFact] = []
        while len(told) < sentences:
            one = rng.choice(self._by_known[rng.random() < KNOWN_READ])
            if one.fact.id not in without:
                told.append(one)
        return running, [self.base_sentence(one, rng) for one in told]

    def base_sentence(self, told: WorldFact, rng: random.Random) -> Sentence:
        """A fact as the base reads it: true where it is known, else with an answer drawn anew."""
        return told.sentence(told.fact.answer if told.known else rng.choice(self.pools[told.pool]))

    def mentions(self, rng: random.Random, phrases: Sequence[str]) -> str:
        """Running general text, half of whose slots hold some of `phrases`."""
        templates = [rng.choice(TEMPLATES) for _ in range(SENTENCES)]

        def fill() -> str:
            return rng.choice(phrases) if rng.random() < 0.5 else self._word(rng)

        return " ".join(t.format(*(fill() for _ in range(t.count("{}")))) for t in templates)


@lru_cache(maxsize=2)
def world(size: Size = STANDARD, seed: int = 0) -> World:
    """The world, made once in a process."""
    return World(size, seed)


def _words(rng: random.Random) -> Iterator[str]:
    """Made-up words of two syllables, closed, each once."""
    syllables = [c + v for c in CONSONANTS for v in VOWELS]
    every = ["".join(parts) for parts in product(syllables, syllables, CLOSING)]
    rng.shuffle(every)
    return iter(every)


def _phrase(words: Iterator[str], rng: random.Random, two: float) -> str:
    """One word, or two with chance `two`."""
    return " ".join(next(words) for _ in range(2 if rng.random() < two else 1))
