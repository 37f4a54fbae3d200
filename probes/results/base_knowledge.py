"""The layout of base.json: what a base knows of a domain, before anything is tuned."""

from __future__ import annotations

from typing import ClassVar

from .base import Count, Document, Finite, ResultModel


class SpecialtyKnowledge(ResultModel):
    """What the base knows of one specialty's facts."""

    name: str
    facts: Count
    """With enough distractors of like length."""
    known: Count
    """The truth is first, wordings averaged."""
    maybe_known: Count
    """First in some wording, not on average."""
    unknown: Count
    clearly_unknown: Count
    """Of the unknown: a wrong answer leads clearly. What a tune can be seen to have learned."""
    relations: Count
    """With clearly unknown facts."""
    testable: bool
    """Whether a verdict on knowledge is possible with this specialty as own."""
    why: str
    """Why not; empty where it is."""
    share: Finite
    """Share of the facts that a tune must teach for the verdict to find it in 80 of 100 models; None where none would
    do."""
    to_teach: Count | None
    """The same in facts."""

    @property
    def line(self) -> str:
        """What a plan says of it."""
        knows = (
            f"{self.name}: the base knows {self.known} of {self.facts} facts, and {self.clearly_unknown} are clearly "
            "unknown to it"
        )
        if not self.testable:
            return f"{knows}; no verdict on knowledge is possible: {self.why}"
        if self.share is None:
            return f"{knows}: too few for any tune to be seen"
        return f"{knows}; a tune must teach about {self.share:.0%} of the facts to be seen in 80 of 100 cases"


class BaseKnowledge(Document):
    """What `probe compare BASE --base-only` found."""

    FILE: ClassVar[str] = "base.json"
    COMMAND: ClassVar[str] = "probe compare BASE --base-only"

    base: str
    domain: str
    run: str
    """Its folder."""
    threshold: float
    """Lead of the best wrong answer from which a fact is clearly unknown, nats per token."""
    specialties: dict[str, SpecialtyKnowledge]
    controls: SpecialtyKnowledge | None
    """Facts of no specialty."""
    dropped: Count
    """Facts without three distractors of like length, in this base's tokens."""
    advice: tuple[str, ...]
    """What to add, a line each."""
