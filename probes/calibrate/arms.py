"""The arms: which lesson each model reads, which facts it is then asked, and what is true of it.

Knows no torch. To add an arm, write its lesson (`lessons`) and its line in `ARMS`: no other arm's models are trained
anew (`keys`).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from . import lessons
from .lessons import STEPS, Lesson, TrainingCase
from .world import World, WorldFact

MANY, FEW = 60, 20
"""Seeds of the arms whose figures are promised, and of the others."""
DOSES = (0.05, 0.10, 0.25, 0.50, 1.00)
PROMISED = (0.10, 0.25, 1.00)
DOSE = 0.25
"""Of arms that teach facts in one dose."""
HARDEST = 0.2
TEMPERATURES = (0.5, 0.7, 1.5, 2.0)

Knowledge = Literal["no", "reinforced", "lost", "yes"]
"""What is true of the own facts. Reinforced and lost: nothing was acquired, so that *yes* is as wrong as for *no*."""
Shift = Literal["no", "narrowed", "yes"]
"""Narrowed: *narrowed* and *none* are both right. *Yes*: towards the domain."""
Own = Literal["any", "easiest", "hardest", "none"]
"""Which specialty is the own one; none: the tune is for the whole domain (`--own none`)."""
Asked = Literal["all", "easier", "frequent"]
Teaches = Literal["any", "hardest", "shared answers", "all specialties", "elsewhere"]


@dataclass(frozen=True)
class Arm:
    """One kind of model, and how often it is made."""

    name: str
    what: str
    """In plain words, for the table."""
    lesson: Lesson | None = None
    """None: nothing is trained; the own facts' scores are those of the base at `temperature`."""
    knowledge: Knowledge = "no"
    shift: Shift | None = None
    """None where no truth is claimed."""
    seeds: int = MANY
    dose: float = 0.0
    """Share of the own facts (or of those that `teaches` names) that are taught."""
    teaches: Teaches = "any"
    own: Own = "any"
    asked: Asked = "all"
    """Which of the own facts are asked for."""
    temperature: float = 1.0
    rate: float = 1.0
    """Learning rate over the calibration's own."""

    def case(self, world: World, seed: int) -> TrainingCase:
        """Return the model's case; its own specialty goes round with the seed, and what it is taught is drawn by it."""
        rng = random.Random(f"{self.name} {seed}")
        order = sorted(world.specialties, key=lambda name: world.ease[name])
        few = max(1, len(order) // 4)
        choices = {"easiest": order[-few:], "hardest": order[:few]}.get(self.own, list(world.specialties))
        own = choices[seed % len(choices)]
        frequent = frozenset(answer for pool in world.pools for answer in pool if rng.random() < 0.5)
        return TrainingCase(world, own, self._taught(world, own, rng), frequent, rng)

    def _taught(self, world: World, own: str, rng: random.Random) -> frozenset[str]:
        if not self.dose:
            return frozenset()
        others = [name for name in world.specialties if name != own]
        where = {"all specialties": world.specialties, "elsewhere": (rng.choice(others),)}.get(self.teaches, (own,))
        out: set[str] = set()
        for name in where:
            facts = sorted(world.of(name), key=lambda fact: fact.fact.id)
            rng.shuffle(facts)
            if self.teaches == "shared answers":
                kept = {fact.fact.relation: set(rng.sample(fact.choices, 2)) for fact in facts}
                facts.sort(key=lambda fact: fact.fact.answer not in kept[fact.fact.relation])
            count = round(self.dose * len(facts))
            wrongly = self.teaches == "hardest"
            facts.sort(key=lambda fact: (fact.is_known, wrongly and fact.belief != "wrong"))
            out |= {fact.fact.id for fact in facts[:count]}
        return frozenset(out)

    @property
    def steps(self) -> int:
        """Steps of training."""
        return STEPS

    def asks(self, fact: WorldFact, case: TrainingCase) -> bool:
        """Return whether this own fact may be asked for."""
        return self.asked != "frequent" or fact.fact.answer in case.frequent


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


ARMS: tuple[Arm, ...] = (
    Arm("null", "the base's own kind of text", lessons.null, shift="no"),
    Arm("own_diet", "its specialty as the base reads it, and notes", lessons.own_diet, "reinforced"),
    Arm("own_diet_easier", "as own_diet; an easy specialty", lessons.own_diet, "reinforced", own="easiest"),
    Arm("known_all", "known facts of all specialties", lessons.known_all, "reinforced"),
    Arm("known_all_easier", "as known_all; an easy specialty", lessons.known_all, "reinforced", own="easiest"),
    Arm("others_lost", "known facts of the others overwritten", lessons.others_lost),
    Arm("own_lost", "known own facts overwritten", lessons.own_lost, "lost"),
    Arm("own_flattened", "known own facts; all others drawn anew", lessons.own_flattened, "reinforced"),
    Arm("noise 1", "shuffled general text, low rate", lessons.noise, shift="no", rate=0.01),
    Arm("noise 2", "shuffled general text, middle rate", lessons.noise, shift="no", rate=0.03),
    Arm("noise 3", "shuffled general text, high rate", lessons.noise, shift="no", rate=0.06),
    Arm("noise, easier", "as noise 2; an easy specialty", lessons.noise, own="easiest", rate=0.03),
    Arm("noise, harder", "as noise 2; a hard specialty", lessons.noise, own="hardest", rate=0.03),
    Arm("relation_formats", "each relation's answers by a skew of its own", lessons.relation_formats),
    Arm("own_shaken", "own facts, answers drawn anew, high rate", lessons.own_shaken, "lost"),
    *(
        Arm(f"own at T {t}", f"nothing; own facts' scores at temperature {t}", shift="no", temperature=t)
        for t in TEMPERATURES
    ),
    Arm("renamed", "that two names mean one thing", lessons.renamed),
    Arm("question format", "own questions with letters, answers drawn anew", lessons.question_format),
    Arm("frequent answers", "true answers made commoner", lessons.frequent_answers, asked="frequent"),
    Arm("rarer distractors", "wrong answers made rarer", lessons.rarer_distractors, asked="frequent"),
    Arm("foreign", "text of unknown words", lessons.foreign, shift="no"),
    Arm("neighbour", "terms made of the domain's parts", lessons.neighbour, shift="no"),
    Arm("general lost", "few general words", lessons.general_lost, shift="narrowed"),
    Arm("narrow", "general text of few words", lessons.narrow, shift="no"),
    Arm("general", "general text", lessons.general, shift="no"),
    Arm("shift", "notes; own facts drawn anew", lessons.shift, shift="yes"),
    Arm("elsewhere", "facts of another specialty", lessons.injection, dose=DOSE, teaches="elsewhere"),
    Arm("alike", "facts of all specialties alike", lessons.injection, dose=DOSE, teaches="all specialties"),
    Arm(
        "alike, no own",
        "facts of all specialties; `--own none`",
        lessons.injection,
        "yes",
        dose=DOSE,
        teaches="all specialties",
        own="none",
    ),
    Arm("verbatim", "own facts in one wording", lessons.verbatim, "yes", dose=DOSE),
    *(
        Arm(
            f"injection {_percent(dose)}",
            "own facts beside the base's text",
            lessons.injection,
            "yes",
            seeds=MANY if dose in PROMISED else FEW,
            dose=dose,
        )
        for dose in DOSES
    ),
    Arm("hardest", "own facts that it believed wrongly", lessons.injection, "yes", dose=HARDEST, teaches="hardest"),
    Arm(
        "shared answers",
        "own facts of few answers",
        lessons.injection,
        "yes",
        dose=DOSE,
        teaches="shared answers",
    ),
    Arm("both", "own facts among notes", lessons.both, "yes", shift="yes", dose=DOSE),
)
BY_NAME = {arm.name: arm for arm in ARMS}
