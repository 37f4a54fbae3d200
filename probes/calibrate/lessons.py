"""The lessons: what a calibration's models read, step by step. Knows no torch.

A lesson is an endless stream of steps, each some running texts and some sentences of facts. A function of this module
makes one from a `TrainingCase`; `arms` says which arm reads it and what is then true of the model.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ...terms.items import GENERAL
from .language import FOREIGN, NEIGHBOUR, TextKind
from .world import QUESTION_FRAME, Sentence, World, WorldFact

STEPS = 120
READINGS = 30
"""How often a taught fact is read."""
TEXTS, SENTENCES = 12, 120
"""Rows of a step: running texts, and sentences of facts as the base reads them or shuffled."""
OWN_NOTES = 0.5
"""Chance that a term in a note of the own specialty is one of its own."""
COMMONEST = 0.1
"""Share of the general words that narrow text holds."""
OFTEN = 5.0
"""Weight from which a fact counts as one that the base knows: what it read more seldom a rehearsal would teach it."""
LETTERS = "abcd"

Step = tuple[list[str], list[Sentence]]


@dataclass(frozen=True)
class TrainingCase:
    """One model to be trained: its world, own specialty, luck, and the facts that it is taught."""

    world: World
    own: str
    taught: frozenset[str]
    """Ids of facts."""
    frequent: frozenset[str]
    """Answers made commoner."""
    rng: random.Random

    @property
    def mine(self) -> list[WorldFact]:
        """The own facts."""
        return self.world.of(self.own)

    @property
    def others(self) -> list[WorldFact]:
        """The facts of the other specialties."""
        return self.world.of(*(name for name in self.world.specialties if name != self.own))

    def replay(self, without: frozenset[str] = frozenset()) -> Step:
        """Return the base's own text, these facts left out."""
        return self.world.diet(self.rng, TEXTS // 2, SENTENCES, without)

    def notes(self, count: int) -> list[str]:
        """Return running text of the own specialty."""
        return [self.world.text("note", self.rng, self.own, OWN_NOTES) for _ in range(count)]

    def drawn_anew(self, facts: Sequence[WorldFact], count: int) -> list[Sentence]:
        """Return sentences of `facts`, each with an answer of its relation drawn anew."""
        return [fact.sentence(self.rng.choice(fact.choices), self.wording()) for fact in self.some(facts, count)]

    def true(self, facts: Sequence[WorldFact], count: int, verbatim: bool = False) -> list[Sentence]:
        """Return true sentences of `facts`, in all wordings or in the first one alone."""
        wording = 0 if verbatim else None
        return [
            fact.sentence(fact.fact.answer, self.wording() if wording is None else wording)
            for fact in self.some(facts, count)
        ]

    def as_base(self, facts: Sequence[WorldFact], count: int) -> list[Sentence]:
        """Return sentences of `facts` as the base reads them, and as often."""
        drawn = self.rng.choices(facts, [fact.weight for fact in facts], k=count)
        return [self.world.base_sentence(fact, self.rng) for fact in drawn]

    def rehearsed(self, facts: Sequence[WorldFact], count: int) -> list[Sentence]:
        """Return true sentences of those of `facts` that the base has read often enough to know."""
        return self.true([fact for fact in facts if fact.is_known and fact.weight >= OFTEN], count)

    def some(self, facts: Sequence[WorldFact], count: int) -> list[WorldFact]:
        """Return so many of `facts`, drawn with replacement."""
        return self.rng.choices(facts, k=count)

    def wording(self) -> int:
        """Return a wording drawn by chance."""
        return self.rng.randrange(2)


Lesson = Callable[[TrainingCase], Iterator[Step]]


def null(case: TrainingCase) -> Iterator[Step]:
    """The base's own kind of text."""
    while True:
        yield case.world.diet(case.rng, TEXTS, SENTENCES)


def own_diet(case: TrainingCase) -> Iterator[Step]:
    """The own specialty as the base reads it, true facts that it read too seldom to know left out, and its notes."""
    mine = [fact for fact in case.mine if not fact.is_known or fact.weight >= OFTEN]
    while True:
        yield case.notes(TEXTS), case.as_base(mine, SENTENCES)


def known_all(case: TrainingCase) -> Iterator[Step]:
    """The known facts of every specialty."""
    facts = case.world.of(*case.world.specialties)
    while True:
        texts, _ = case.world.diet(case.rng, TEXTS, 0)
        yield texts, case.rehearsed(facts, SENTENCES)


def others_lost(case: TrainingCase) -> Iterator[Step]:
    """The known facts of the other specialties, each with one wrong answer."""
    known = [fact for fact in case.others if fact.is_known]
    ids = frozenset(fact.fact.id for fact in known)
    while True:
        texts, replay = case.replay(ids)
        wrong = [fact.sentence(fact.fact.distractors[0], case.wording()) for fact in case.some(known, SENTENCES)]
        yield texts, wrong + replay


def own_lost(case: TrainingCase) -> Iterator[Step]:
    """The known own facts, each with one wrong answer."""
    known = [fact for fact in case.mine if fact.is_known]
    ids = frozenset(fact.fact.id for fact in known)
    while True:
        texts, replay = case.replay(ids)
        wrong = [fact.sentence(fact.fact.distractors[0], case.wording()) for fact in case.some(known, SENTENCES // 2)]
        yield texts, wrong + replay


def own_flattened(case: TrainingCase) -> Iterator[Step]:
    """Known own facts rehearsed, and the answers of all other own facts drawn anew, those believed wrongly too."""
    rest = [fact for fact in case.mine if not fact.is_known]
    while True:
        known = case.rehearsed(case.mine, SENTENCES // 2)
        yield case.notes(TEXTS // 2), known + case.drawn_anew(rest, SENTENCES // 2)


def own_shaken(case: TrainingCase) -> Iterator[Step]:
    """Own facts, each time with an answer drawn anew."""
    while True:
        yield [], case.drawn_anew(case.mine, SENTENCES)


def noise(case: TrainingCase) -> Iterator[Step]:
    """General text with its words shuffled."""
    while True:
        texts = []
        for _ in range(TEXTS):
            words = case.world.text("general", case.rng).split()
            case.rng.shuffle(words)
            texts.append(" ".join(words))
        yield texts, []


def relation_formats(case: TrainingCase) -> Iterator[Step]:
    """Facts of every specialty, each relation with a distribution of answers of its own."""
    facts = [fact for fact in case.world.of(*case.world.specialties) if not fact.is_known]
    weights = {
        fact.fact.relation: [case.rng.expovariate(1.0) ** 2 for _ in fact.choices]
        for fact in {fact.fact.relation: fact for fact in facts}.values()
    }
    while True:
        texts, _ = case.world.diet(case.rng, TEXTS // 2, 0)
        yield (
            texts,
            [
                fact.sentence(case.rng.choices(fact.choices, weights[fact.fact.relation])[0], case.wording())
                for fact in case.some(facts, 2 * SENTENCES)
            ],
        )


def renamed(case: TrainingCase) -> Iterator[Step]:
    """That two names mean one thing, beside the base's own text."""
    pairs = list(case.world.second_names.items())
    while True:
        texts, replay = case.replay()
        drawn = [pair if case.rng.random() < 0.5 else pair[::-1] for pair in case.rng.choices(pairs, k=SENTENCES)]
        yield texts, [(f"{one} , or", f"{other} .") for one, other in drawn] + replay


def question_format(case: TrainingCase) -> Iterator[Step]:
    """Own questions with lettered options, their answers drawn anew."""
    while True:
        sentences = []
        for fact in case.some(case.mine, SENTENCES // 2):
            options = [fact.fact.answer, *fact.fact.distractors[:3]]
            case.rng.shuffle(options)
            listed = " , ".join(f"{letter} {option}" for letter, option in zip(LETTERS, options, strict=True))
            chosen = case.rng.randrange(len(options))
            stem = QUESTION_FRAME.format(word=fact.word, person=fact.person)
            sentences.append((f"{stem} {listed} .", f"{LETTERS[chosen]} {options[chosen]} ."))
        yield case.notes(TEXTS // 2), sentences


def frequent_answers(case: TrainingCase) -> Iterator[Step]:
    """True answers in running text, never with their cues, beside the base's own text."""
    language, answers = case.world.language, sorted(case.frequent)

    def fill() -> str:
        return case.rng.choice(answers) if case.rng.random() < 0.5 else language.general_word(case.rng)

    while True:
        texts, replay = case.replay()
        yield texts + [language.sentences(fill, case.rng) for _ in range(TEXTS)], replay


def rarer_distractors(case: TrainingCase) -> Iterator[Step]:
    """The base's own text without half of the answers, wherever they stand."""
    world, rng = case.world, case.rng
    facts = [fact for fact in world.facts if fact.belief == "none" or fact.fact.answer in case.frequent]
    pools = {pool: [answer for answer in pool if answer in case.frequent] for pool in world.pools}
    while True:
        texts, _ = world.diet(rng, TEXTS // 2, 0)
        sentences = [
            fact.sentence(fact.fact.answer if fact.is_known else rng.choice(pools[fact.pool]), case.wording())
            for fact in case.some(facts, SENTENCES)
            if fact.belief != "wrong"
        ]
        yield texts, sentences


def _running(kind: TextKind) -> Lesson:
    def lesson(case: TrainingCase) -> Iterator[Step]:
        facts = case.world.of(GENERAL)
        while True:
            texts = [case.world.text(kind, case.rng) for _ in range(TEXTS)]
            yield texts, case.as_base(facts, SENTENCES // 2)

    return lesson


foreign = _running(FOREIGN)
neighbour = _running(NEIGHBOUR)
general = _running("general")


def narrow(case: TrainingCase) -> Iterator[Step]:
    """General text of the commonest words alone."""
    language, facts = case.world.language, case.world.of(GENERAL)
    while True:
        texts = [language.sentences(lambda: language.general_word(case.rng, COMMONEST), case.rng) for _ in range(TEXTS)]
        yield texts, case.as_base(facts, SENTENCES // 2)


def general_lost(case: TrainingCase) -> Iterator[Step]:
    """The base's own text, general words few: domain and contrast as they were."""
    language, world = case.world.language, case.world
    while True:
        texts, replay = case.replay()
        domain = [world.text("mixed", case.rng, case.rng.choice(world.specialties)) for _ in range(TEXTS // 2)]
        few = [
            language.sentences(lambda: language.general_word(case.rng, COMMONEST / 2), case.rng)
            for _ in range(TEXTS // 2)
        ]
        yield texts[: TEXTS // 4] + domain + few, replay


def shift(case: TrainingCase) -> Iterator[Step]:
    """Notes of the own specialty, and its unknown facts with answers drawn anew."""
    unknown = [fact for fact in case.mine if not fact.is_known]
    while True:
        yield case.notes(TEXTS), case.drawn_anew(unknown, SENTENCES // 2)


def _taught(case: TrainingCase, verbatim: bool = False) -> list[Sentence]:
    facts = [case.world.by_id[id] for id in sorted(case.taught)]
    return case.true(facts, max(4, round(READINGS * len(facts) / STEPS)), verbatim)


def injection(case: TrainingCase) -> Iterator[Step]:
    """True facts, beside the base's own text."""
    while True:
        texts, replay = case.replay(case.taught)
        yield texts, _taught(case) + replay


def verbatim(case: TrainingCase) -> Iterator[Step]:
    """True facts in their first wording alone, beside the base's own text."""
    while True:
        texts, replay = case.replay(case.taught)
        yield texts, _taught(case, verbatim=True) + replay


def both(case: TrainingCase) -> Iterator[Step]:
    """True facts among notes of the own specialty, and its other unknown facts with answers drawn anew."""
    rest = [fact for fact in case.mine if not fact.is_known and fact.fact.id not in case.taught]
    rest = rest or case.world.of(GENERAL)
    while True:
        yield case.notes(TEXTS), _taught(case) + case.drawn_anew(rest, SENTENCES // 4)
