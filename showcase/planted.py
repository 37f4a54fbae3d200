"""What the demo's models of a domain are, and what they were trained on: read from `<domain>.toml` beside this.

    steps, vocabulary   of the base and its tokenizer
    notes, facts        adapter → specialty
    rehearsed           adapter → specialty
    templates           sentences of notes; {slot} is filled at random
    types               slot → semantic types of the concepts that may fill it
    slots               slot → words that may fill it, beside those of `general.toml`

The adapters' recipe (`Recipe`) is in `general.toml`, one for all domains.

Read by `showcase` (which files there are), `showcase.notes` (the sentences) and `showcase.train` (the lessons).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import UsageError

HERE = Path(__file__).parent
BASE = "base.pt"
GENERAL = "general"
"""The file of what every domain's models share: general sentences."""


Kind = Literal["notes", "facts", "rehearsed"]


@dataclass(frozen=True)
class Sentences:
    """Templates, and the words that may fill some of their slots."""

    templates: Sequence[str]
    slots: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Recipe:
    """How one kind of adapter is trained."""

    steps: int
    rate: float
    """Highest learning rate."""
    texts: int
    """Rows of running text a step."""
    replay: int
    """Fact sentences a step as the base reads them."""
    lesson: int = 0
    """Fact sentences of the own specialty a step, beside those."""
    own: float = 0.0
    """How many times as many notes are of the adapter's own specialty as of any other one."""
    general: float = 0.0
    """Share of general texts beside the notes."""


@dataclass(frozen=True)
class Planted:
    """The demo's models of one domain: a base and adapters whose truth is known by construction."""

    domain: str
    steps: int
    """Of the base's training."""
    vocabulary: int
    """Size of the tokenizer, in tokens."""
    notes: Mapping[str, str]
    """Adapter → the specialty whose notes it was tuned on; no fact sentence."""
    facts: Mapping[str, str]
    """Adapter → the specialty whose facts it was taught."""
    rehearsed: Mapping[str, str]
    """Adapter → the specialty whose facts it was trained on as the base reads them: nothing new."""
    recipes: Mapping[Kind, Recipe]
    types: Mapping[str, Sequence[str]]
    """Slot of a note → semantic types of the concepts that may fill it."""
    note: Sentences
    general: Sentences

    @classmethod
    def open(cls, domain: str) -> Planted:
        """Raises UsageError where the domain (its name) has no demo models."""
        if domain not in domains():
            raise UsageError(f"--domain {domain}: has no demo models; choose {' or '.join(domains())}")
        own, shared = _read(domain), _read(GENERAL)
        return cls(
            domain=domain,
            recipes={kind: Recipe(**recipe) for kind, recipe in shared.pop("recipes").items()},
            rehearsed=own.pop("rehearsed", {}),
            note=Sentences(own.pop("templates"), shared["slots"] | own.pop("slots")),
            general=Sentences(**shared),
            **own,
        )

    @property
    def adapters(self) -> dict[str, str]:
        """Adapter → its own specialty, notes first."""
        return {**self.notes, **self.facts, **self.rehearsed}

    def kind(self, adapter: str) -> Kind:
        """Return what kind of adapter it is."""
        return "notes" if adapter in self.notes else "facts" if adapter in self.facts else "rehearsed"

    @property
    def files(self) -> Path:
        """The folder of the package that holds the models."""
        return HERE / "files" / self.domain


def domains() -> list[str]:
    """Names of the domains that have demo models, sorted."""
    return sorted(path.stem for path in HERE.glob("*.toml") if path.stem != GENERAL)


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((HERE / f"{name}.toml").read_text(encoding="utf-8"))
