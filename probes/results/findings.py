"""Answers to the two questions, what their tests could have seen, how often they are wrong, and validity checks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Count, Finite, ResultModel
from .estimate import Estimate
from .rungs import Change, FactState, Group, ShiftGroup

State = Literal["yes", "no", "unclear"]
MARGIN = 0.10
"""Smallest effect of interest of both questions, nats per token; an effect that lies below it is *no*."""


class Detectable(ResultModel):
    """What one question's tests can see, in `unit`."""

    effect: float
    """Smallest effect that would be found with `power` at `level`."""
    absence: float
    """Smallest margin below which a model without any effect would be shown to lie."""
    power: float
    level: float
    unit: str
    concepts: Count
    margin: float
    """Smallest effect of interest."""
    needed: Count
    """Concepts with which an effect as large as `margin` would be found."""

    def __str__(self) -> str:
        visible = f"{self.concepts} concepts can show an effect of {self.effect:.2g} {self.unit}"
        if self.effect <= self.margin:
            return visible
        return f"{visible}; for {self.margin:.2g} about {self.needed:,} are needed"


class Rate(ResultModel):
    """A share of calibration models, with its Clopper-Pearson interval."""

    hits: Count
    n: Count
    rate: Finite
    low: Finite
    high: Finite


class LearnedShare(ResultModel):
    """Of the facts that the base clearly did not know, how many the tuned model clearly knows."""

    own: Rate
    reference: Rate
    """Of the facts that the own ones are compared with."""

    @property
    def excess(self) -> float | None:
        """How far the own share lies above the reference's."""
        if self.own.rate is None or self.reference.rate is None:
            return None
        return self.own.rate - self.reference.rate


STATE_LABELS: dict[State, str] = {"yes": "yes", "no": "no", "unclear": "cannot tell"}


class Finding(ResultModel):
    """One question's answer and why."""

    state: State
    why: str
    detectable: Detectable | None = None

    @property
    def label(self) -> str:
        """The answer in words, such as `no (reinforced)`."""
        return STATE_LABELS[self.state]

    def _with_kind(self, kind: str) -> str:
        """Return the answer with its kind, where the kind adds something to it."""
        answer = STATE_LABELS[self.state]
        return answer if kind in ("none", "unclear") else f"{answer} ({kind})"


KnowledgeKind = Literal["acquired", "reinforced", "lost", "none", "unclear"]


class KnowledgeFinding(Finding):
    """The answer on knowledge: acquired, or what else became of the own facts."""

    kind: KnowledgeKind
    """*Acquired* where the state is yes. Else whether what the base knew was reinforced or lost beyond the others'."""
    learned: LearnedShare
    relations: tuple[str, ...] = ()
    """Own relations in which facts were learned, the most first."""
    wording: str = ""
    """The wording in which alone facts were learned; empty where they were learned in several, or in none."""
    threshold: Finite = None
    """Lead of the best wrong answer from which a fact is clearly unknown to the base."""
    own_unknown: Count = 0
    """Own facts that the base did not know."""
    own_known: Count = 0
    testable: bool = True
    """False where the facts are too few, or known too unequally, to put the question to them."""

    @property
    def label(self) -> str:
        """The answer in words, such as `no (reinforced)` or `not testable`."""
        return self._with_kind(self.kind) if self.testable else "not testable"

    @property
    def base_knew(self) -> str:
        """How much of the own facts the base knew: `the base knew 45 of 57`."""
        return f"the base knew {self.own_known} of {self.own_known + self.own_unknown}"


ShiftKind = Literal["towards the domain", "narrowed", "none", "unclear"]


class ShiftFinding(Finding):
    """The answer on shift, with the estimates that it rests on."""

    kind: ShiftKind
    """*Narrowed*: the domain held while the rest faded."""
    view: str
    """Where the shift was read: `text` or `fact`."""
    contrast: str
    """What D1 compares with: `contrast`, or `general` where there is no contrast domain."""
    over_contrast: Estimate
    """D1: what the domain's targets gained beyond the contrast's of like length and base log-probability."""
    absolute: Estimate
    """D0: what they gained in absolute terms, beyond the prediction of temperature."""
    general: Estimate
    """L: what general targets gained, mostly a loss."""
    towards_own: Estimate
    """What own targets gained beyond other specialties' like them; next to the verdict."""
    gradient: dict[ShiftGroup, Estimate]
    """Plain gains from general targets to own ones."""
    temperature: Finite
    """Best-fitting change of temperature."""
    predicted: Finite
    """What that temperature alone gives for D1."""
    support: Finite
    """Share of the domain's targets that have counterparts."""

    @property
    def label(self) -> str:
        """The answer in words, such as `no (narrowed)`."""
        return self._with_kind(self.kind)


class ArmRate(Rate):
    """The rate in one arm of the calibration."""

    arm: str


class ErrorRate(ResultModel):
    """How often a verdict like this one was wrong on models of known truth, with as many facts."""

    sentence: str
    brief: str
    own_facts: Count
    calibrated_at: Count
    """Own facts of the calibration models that the rates are from."""
    other_facts: Count
    calibrated_beside: Count
    """Other specialties' facts of those models."""
    reached: bool
    """Whether the run has at least as many facts as those models."""
    false_knowledge: Rate
    worst_arm: ArmRate | None
    false_shift: Rate | None
    dose: Finite
    power: Rate | None
    missed: Rate | None


class Check(ResultModel):
    """A validity check: its value, and the tolerance that it must keep to."""

    check: str
    value: Finite
    tolerance: Finite
    passed: bool
    note: str = ""


class Counts(ResultModel):
    """Facts of a group, and how many of those unknown were learned, of those known lost."""

    facts: Count = 0
    unknown: Count = 0
    learned: Count = 0
    known: Count = 0
    lost: Count = 0

    @property
    def states(self) -> dict[FactState, int]:
        """Facts by what became of them."""
        kept, never = self.known - self.lost, self.unknown - self.learned
        return {"learned": self.learned, "kept": kept, "lost": self.lost, "never": never}

    def share(self, change: Change) -> tuple[int, int]:
        """Return how many facts changed so, and how many could have: those unknown, or known, to the base."""
        return (self.learned, self.unknown) if change == "learned" else (self.lost, self.known)


class Ledger(ResultModel):
    """Counts by group; Fisher's exact p and Cohen's h of own against other."""

    own: Counts
    other: Counts
    general: Counts
    p_learned: Finite = None
    p_lost: Finite = None
    h_learned: Finite = None
    h_lost: Finite = None
    by_specialty: dict[str, Counts] = Field(default_factory=dict)
    """By specialty id; a fact of two specialties counts in both."""

    @property
    def groups(self) -> dict[Group, Counts]:
        return {"own": self.own, "other": self.other, "general": self.general}
