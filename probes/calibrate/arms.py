"""The arms: what each trained model is taught, which facts it is then asked, and what is true of it.

An arm's lesson is an endless stream of training steps, each some running texts and some sentences of facts. Knows no
torch. To add an arm, write its lesson and its line in `ARMS`: no other arm's models are trained anew (`keys`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from ...terms.items import GENERAL
from .world import POOLS, Sentence, World, WorldFact

DOSES = (0.02, 0.05, 0.10, 0.25, 0.50, 1.00)
TEMPERATURES = (0.5, 0.7, 1.2, 1.5)
MANY, FEW = 60, 20
"""Seeds of null arms and of the doses whose power is promised, and of the others."""
PROMISED = (0.10, 0.25)
ELSEWHERE = 0.25
"""Dose of the facts taught in another specialty."""
STEPS, MOST_STEPS = 120, 500
EXPOSURES = 25
"""How often a taught fact is read, within those steps."""
TEXTS, SENTENCES, TAUGHT = 12, 120, 64
"""Rows of a step: running texts, sentences of facts as the base reads them (or shuffled), and of taught facts."""
MANY_TAUGHT = 600
"""Of more taught facts a step holds three times as many, so that each is read as often in few enough steps."""

Truth = Literal["nothing", "reinforced", "knowledge", "lost"]
"""Reinforced: taught again what the base knew. Its answers gained and nothing new was learned, so that a verdict of
knowledge is neither right nor wrong there."""
Asked = Literal["all", "known", "frequent", "easier", "disjoint"]
Step = tuple[list[str], list[Sentence]]


@dataclass(frozen=True)
class TrainingCase:
    """One model to be trained: its world, own specialty, luck, and the facts that it is taught."""

    world: World
    own: str
    taught: frozenset[str]
    frequent: frozenset[str]
    """Answers made commoner."""
    rng: random.Random

    @property
    def mine(self) -> list[WorldFact]:
        return self.world.of(self.own)

    @property
    def taught_rows(self) -> int:
        return TAUGHT if len(self.taught) <= MANY_TAUGHT else 3 * TAUGHT

    def replay(self, without: Iterable[str] = ()) -> Step:
        """The base's own text, these facts left out."""
        return self.world.diet(self.rng, TEXTS // 2, SENTENCES, frozenset(without))

    def notes(self, count: int) -> list[str]:
        return [self.world.text("note", self.rng, self.own) for _ in range(count)]


Lesson = Callable[[TrainingCase], Iterator[Step]]


def _null(case: TrainingCase) -> Iterator[Step]:
    while True:
        yield case.world.diet(case.rng, TEXTS, SENTENCES)


def _generic(case: TrainingCase) -> Iterator[Step]:
    world, rng, facts = case.world, case.rng, case.world.of(GENERAL)
    while True:
        told = rng.choices(facts, k=SENTENCES)
        yield [world.text(GENERAL, rng) for _ in range(TEXTS)], [world.base_sentence(one, rng) for one in told]


def _shuffled(case: TrainingCase, facts: list[WorldFact], count: int) -> list[Sentence]:
    return [one.sentence(case.rng.choice(one.choices)) for one in case.rng.choices(facts, k=count)]


def _shift(case: TrainingCase) -> Iterator[Step]:
    unknown = [told for told in case.mine if not told.known]
    while True:
        yield case.notes(TEXTS), _shuffled(case, unknown, SENTENCES)


def _true(case: TrainingCase) -> list[Sentence]:
    ids = case.rng.choices(sorted(case.taught), k=case.taught_rows)
    return [told.sentence(told.fact.answer) for told in (case.world.by_id[id] for id in ids)]


def _injection(case: TrainingCase) -> Iterator[Step]:
    while True:
        texts, replay = case.replay(case.taught)
        yield texts, _true(case) + replay


def _mixed(case: TrainingCase) -> Iterator[Step]:
    """Own facts: the taught ones, those that the base knows as they are, and all others shuffled."""
    known, rest = ([told for told in case.mine if told.known is side] for side in (True, False))
    rest = [told for told in rest if told.fact.id not in case.taught] or case.world.of(GENERAL)
    while True:
        _, replay = case.world.diet(case.rng, 0, SENTENCES // 2, case.taught)
        kept = [told.sentence(told.fact.answer) for told in case.rng.choices(known, k=SENTENCES // 4)]
        yield case.notes(TEXTS), _true(case) + kept + _shuffled(case, rest, SENTENCES // 4) + replay


def _frequency(case: TrainingCase) -> Iterator[Step]:
    """True answers in running text."""
    answers = sorted(case.frequent)
    while True:
        texts, replay = case.replay()
        yield texts + [case.world.mentions(case.rng, answers) for _ in range(TEXTS)], replay


def _overwritten(case: TrainingCase) -> Iterator[Step]:
    """The facts that the base knows, each with one wrong answer."""
    known = {told.fact.id: told.sentence(told.fact.distractors[0]) for told in case.mine if told.known}
    while True:
        texts, replay = case.replay(known)
        yield texts, case.rng.choices(list(known.values()), k=TAUGHT) + replay


@dataclass(frozen=True)
class Arm:
    """One kind of model, and how often it is made."""

    name: str
    what: str
    """In plain words, for the table."""
    seeds: int
    truth: Truth = "nothing"
    """What it learned or lost of its own facts."""
    lesson: Lesson | None = None
    dose: float = 0.0
    """Share of the own facts that are taught."""
    asked: Asked = "all"
    """Which of the own facts are asked for."""
    temperature: float = 1.0
    elsewhere: float = 0.0
    """Share of another specialty's facts that are taught."""

    def case(self, world: World, seed: int) -> TrainingCase:
        """The model's own specialty goes round with the seed; what it is taught is drawn by it."""
        rng = random.Random(f"{self.name} {seed}")
        own = world.specialties[seed % len(world.specialties)]
        taught = frozenset[str]()
        if self.truth == "reinforced":
            taught = frozenset(told.fact.id for told in world.of(own) if told.known)
        elif share := self.dose or self.elsewhere:
            where = own if self.dose else world.specialties[(seed + 1) % len(world.specialties)]
            facts = sorted(world.of(where), key=lambda told: (told.known, rng.random()))
            taught = frozenset(told.fact.id for told in facts[: round(share * len(facts))])
        frequent = frozenset(answer for pool in POOLS for answer in world.pools[pool] if rng.random() < 0.5)
        return TrainingCase(world, own, taught, frequent, rng)

    def steps(self, case: TrainingCase) -> int:
        return min(MOST_STEPS, max(STEPS, round(EXPOSURES * len(case.taught) / case.taught_rows)))

    def asks(self, told: WorldFact, case: TrainingCase) -> bool:
        """Whether this own fact may be asked for."""
        if self.asked == "known":
            return told.known
        if self.asked == "frequent":
            return told.fact.answer in case.frequent
        return self.asked != "disjoint" or told.pool == POOLS[0]


def _doses(name: str, what: str, lesson: Lesson) -> list[Arm]:
    return [
        Arm(f"{name} {dose:.0%}".replace("%", " %"), what, MANY if dose in PROMISED else FEW, "knowledge", lesson, dose)
        for dose in DOSES
    ]


ARMS: tuple[Arm, ...] = (
    Arm("null", "re-trained on the base's own kind of text", MANY, lesson=_null),
    Arm("generic", "general text and general facts", MANY, lesson=_generic),
    Arm("shift", "specialty text, its facts shuffled anew at every repetition", MANY, lesson=_shift),
    *(Arm(f"confidence {t}", f"the base at temperature {t}", MANY, temperature=t) for t in TEMPERATURES),
    Arm("elsewhere", "facts of another specialty", MANY, lesson=_injection, elsewhere=ELSEWHERE),
    Arm("frequency", "true answers made commoner, never with their cues", MANY, lesson=_frequency, asked="frequent"),
    Arm("easier", "as shift; own facts that the base knows better", MANY, lesson=_shift, asked="easier"),
    Arm("disjoint", "as shift; own and other facts share no answer", MANY, lesson=_shift, asked="disjoint"),
    Arm("retained", "own facts that the base knew already", MANY, "reinforced", _injection, asked="known"),
    Arm("forgetting", "known own facts overwritten", FEW, "lost", lesson=_overwritten, asked="known"),
    *_doses("injection", "true own facts beside replay of the base's text", _injection),
    *_doses("mixed", "true own facts within specialty text and shuffled facts", _mixed),
)
BY_NAME = {arm.name: arm for arm in ARMS}
