"""A fictitious world whose every word and fact is made up: what the calibration's models read and are asked.

A domain of specialties, a contrast domain of fields, and general knowledge. A specialty has a few relations, each with
frames, a word and answers of its own; a relation has many facts, each of a person who exists once, so that no model
knows any of them but from the texts written here. What the base believes is graded: of each fact it reads the truth,
one wrong answer, or an answer drawn anew each time, more or less often (by Zipf's law), and specialties differ in how
much of them it reads truly. Some answers have two names. Knows no torch; the same size and seed give the same world.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import accumulate, product
from typing import Literal

from ...terms.contrast import contrast_items
from ...terms.domain import Concept, Domain, Fact, Specialty, Text
from ...terms.items import GENERAL, Item
from ...terms.select import items
from .language import Language, TextKind, made_up_words

FRAMES = (
    "the {word} of {person} is",
    "{person} has the {word}",
    "as {word} {person} took",
    "for {person} the {word} was",
    "of {person} they say the {word} is",
    "the {word} that {person} has is",
)
"""A relation has two of them, its two wordings."""
QUESTION_FRAME = "what is the {word} of {person} ?"
MIXED_TEXTS: tuple[tuple[TextKind, float], ...] = (("general", 0.4), ("note", 0.2), ("mixed", 0.2), ("contrast", 0.2))
"""Kinds of running text that the base reads, with their shares."""
TWO_WORDS = 0.3
"""Share of answers that are of two words."""
TWO_NAMES = 0.2
"""Share of answers that have a second name."""
BELIEF_SHARE = 0.5
"""Share of the fact sentences in the base's diet that are of facts on which it holds a belief."""
MISBELIEVED = 0.12
"""Share of the facts that the base reads with one wrong answer each time."""

Belief = Literal["true", "wrong", "none"]
Sentence = tuple[str, str]
"""A cue and what follows it; one space joins them."""


@dataclass(frozen=True)
class Size:
    """How large a world is."""

    specialties: int = 16
    fields: int = 4
    """Of the contrast domain."""
    relations: int = 5
    """Of each specialty and field."""
    general_relations: int = 12
    facts: int = 64
    """Of each relation of a specialty."""
    other_facts: int = 20
    """Of each relation of a field, and of general knowledge."""
    answers: tuple[int, ...] = (7, 10, 16, 24)
    """Of a relation, in turn."""
    distractors: int = 6
    known: tuple[float, float] = (0.12, 0.5)
    """Share of its facts that the base reads truly, in the hardest and the easiest specialty."""
    most_read: float = 12.0
    """How many times as often as the least read fact the most read one is read."""
    names: int = 90
    """First names, and as many last names."""
    pool: int = 80
    """Answers in each pool."""
    terms: int = 24
    """Of each specialty and field."""
    words: int = 240
    texts: int = 12
    """Texts the probe reads, of each specialty; of contrast and general ones as many as of half the specialties."""


STANDARD = Size()


@dataclass(frozen=True, slots=True)
class WorldFact:
    """A fact, and what the base reads of it."""

    fact: Fact
    group: str
    """The specialty, the contrast's field, or the control group."""
    word: str
    person: str
    choices: tuple[str, ...]
    """Every answer of its relation."""
    pool: tuple[str, ...]
    belief: Belief
    weight: float
    """How often it is read, relative to the others."""

    @property
    def is_known(self) -> bool:
        """Whether the base reads its true answer."""
        return self.belief == "true"

    def sentence(self, answer: str, wording: int = 0) -> Sentence:
        """Return the fact in one wording with `answer`, true or not."""
        return self.fact.cues[wording], f"{answer} ."


class World:
    """The world of one size and seed."""

    def __init__(self, size: Size = STANDARD, seed: int = 0) -> None:
        self.size, self.seed = size, seed
        rng = random.Random(f"world {seed}")
        words = made_up_words(rng)
        self.specialties = tuple(f"s{number}" for number in range(size.specialties))
        self.fields = tuple(f"c{number}" for number in range(size.fields))
        self.language = Language.of(self.specialties, self.fields, size.terms, size.words, words, rng)
        self.pools = [tuple(_answer(words, rng) for _ in range(size.pool)) for _ in range(3)]
        self.second_names = {answer: next(words) for pool in self.pools for answer in pool if rng.random() < TWO_NAMES}
        first, last = ([next(words).title() for _ in range(size.names)] for _ in range(2))
        people = [" ".join(pair) for pair in product(first, last)]
        rng.shuffle(people)
        person = iter(people)
        ease = [
            size.known[0] + (size.known[1] - size.known[0]) * n / max(1, size.specialties - 1)
            for n in range(size.specialties)
        ]
        rng.shuffle(ease)
        self.ease = dict(zip(self.specialties, ease, strict=True))
        groups = [(name, size.relations, size.facts) for name in self.specialties]
        groups += [(name, size.relations, size.other_facts) for name in self.fields]
        groups += [(GENERAL, size.general_relations, size.other_facts)]
        self.facts = [
            fact
            for name, relations, facts in groups
            for number in range(relations)
            for fact in self._relation(name, number, facts, next(words), person, rng)
        ]
        self.by_id = {fact.fact.id: fact for fact in self.facts}

    def _relation(
        self, group: str, number: int, count: int, word: str, person: Iterator[str], rng: random.Random
    ) -> Iterator[WorldFact]:
        """Yield a relation's facts; each answer is true about equally often."""
        size = self.size
        pool = self.pools[2 if group == GENERAL else number % 2]
        choices = tuple(rng.sample(pool, size.answers[number % len(size.answers)]))
        frames = rng.sample(FRAMES, 2)
        known = round(self.ease.get(group, sum(size.known) / 2) * count)
        wrong = round(MISBELIEVED * count)
        for place in range(count):
            answer = choices[place % len(choices)]
            distractors = rng.sample([other for other in choices if other != answer], size.distractors)
            belief: Belief = "true" if place < known else "wrong" if place < known + wrong else "none"
            rank = place if belief == "true" else place - known
            of = known if belief == "true" else wrong
            weight = size.most_read ** (1 - rank / max(1, of - 1)) if belief != "none" else 1.0
            name = next(person)
            fact = Fact(
                f"{group}-{number}-{place}",
                tuple(frame.format(word=word, person=name) for frame in frames),
                answer,
                tuple(distractors),
                (group,),
                f"{group}-{number}",
                f"{group}-{number}-{place}",
                aliases=(self.second_names[answer],) if answer in self.second_names else (),
            )
            yield WorldFact(fact, group, word, name, choices, pool, belief, weight)

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word that a text of this world may hold."""
        cues = " ".join(cue for fact in self.facts for cue in fact.fact.cues)
        answers = " ".join([*(a for pool in self.pools for a in pool), *self.second_names.values()])
        frame = QUESTION_FRAME.format(word="", person="")
        return frozenset(" ".join([cues, answers, frame, "a b c d . , or"]).split()) | self.language.words

    def of(self, *groups: str) -> list[WorldFact]:
        """Return the facts of these specialties, fields or the control group, relation by relation."""
        return [fact for fact in self.facts if fact.group in groups]

    @cached_property
    def domain(self) -> Domain:
        """The domain that the probe is given: concepts, and texts that no model reads in training."""
        return self._domain("calibration", self.specialties, True)

    @cached_property
    def contrast(self) -> Domain:
        """The contrast domain, likewise."""
        return self._domain("contrast", self.fields, False)

    def _domain(self, name: str, groups: Sequence[str], is_domain: bool) -> Domain:
        rng, size, language = random.Random(f"probed texts {name} {self.seed}"), self.size, self.language
        controls = size.texts * max(1, len(self.specialties) // 2)
        kind: TextKind = "mixed" if is_domain else "contrast"
        each = size.texts if is_domain else controls // max(1, len(groups))
        texts = [Text(f"{group}-{n}", self.text(kind, rng, group), (group,)) for group in groups for n in range(each)]
        concepts = [Concept(term, term, specialties=(group,)) for group in groups for term in language.terms[group]]
        if is_domain:
            texts += [Text(f"{GENERAL}-{n}", self.text("general", rng), (GENERAL,)) for n in range(controls)]
        specialties = {group: Specialty(group, f"group {group[1:]}") for group in groups}
        return Domain(name, specialties=specialties, concepts=tuple(concepts), texts=tuple(texts))

    def fact_items(self, facts: Sequence[WorldFact]) -> list[Item]:
        """Return these facts as items; those of the contrast's fields as its items."""
        mine, other = (
            tuple(fact.fact for fact in facts if (fact.group in self.fields) is side) for side in (False, True)
        )
        empty = replace(self.domain, concepts=(), texts=(), facts=mine)
        return items(empty) + contrast_items(replace(self.contrast, concepts=(), texts=(), facts=other))

    @cached_property
    def text_items(self) -> list[Item]:
        """Terms and words of the probed texts (without the terms' control words)."""
        every = items(self.domain) + contrast_items(self.contrast)
        return [item for item in every if item.kind != "control"]

    def text(self, kind: TextKind, rng: random.Random, group: str = "", own: float | None = None) -> str:
        """Return running text of a kind, of a specialty or field; see `Language.text`."""
        return self.language.text(kind, rng, group, own)

    @cached_property
    def _by_belief(self) -> tuple[tuple[list[WorldFact], list[float]], list[WorldFact]]:
        held = [fact for fact in self.facts if fact.belief != "none"]
        return (held, list(accumulate(fact.weight for fact in held))), [f for f in self.facts if f.belief == "none"]

    def diet(
        self, rng: random.Random, texts: int, sentences: int, without: frozenset[str] = frozenset()
    ) -> tuple[list[str], list[Sentence]]:
        """Return the base's own kind of text: running text, and facts, those of the ids `without` left out."""
        kinds, shares = [kind for kind, _ in MIXED_TEXTS], [share for _, share in MIXED_TEXTS]
        running = [
            self.text(kind, rng, rng.choice(self.fields if kind == "contrast" else self.specialties))
            for kind in rng.choices(kinds, shares, k=texts)
        ]
        (held, weights), rest = self._by_belief
        out: list[Sentence] = []
        while len(out) < sentences:
            believed = rng.random() < BELIEF_SHARE
            fact = rng.choices(held, cum_weights=weights)[0] if believed else rng.choice(rest)
            if fact.fact.id not in without:
                out.append(self.base_sentence(fact, rng))
        return running, out

    def base_sentence(self, fact: WorldFact, rng: random.Random) -> Sentence:
        """Return a fact as the base reads it: with what it believes, else with an answer drawn anew."""
        if fact.belief == "true":
            answer = rng.choice((fact.fact.answer, *fact.fact.aliases))
        else:
            answer = fact.fact.distractors[0] if fact.belief == "wrong" else rng.choice(fact.pool)
        return fact.sentence(answer, rng.randrange(2))


@lru_cache(maxsize=6)
def world(size: Size = STANDARD, seed: int = 0) -> World:
    """Return the world, made once in a process."""
    return World(size, seed)


def _answer(words: Iterator[str], rng: random.Random) -> str:
    return " ".join(next(words) for _ in range(2 if rng.random() < TWO_WORDS else 1))
