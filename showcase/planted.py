"""What the demo's models of a domain are, and what they were trained on: read from `<domain>.toml` beside this.

    steps, vocabulary   of the base and its tokenizer
    notes, facts        adapter → specialty
    templates           sentences of notes; {slot} is filled at random
    types               slot → semantic types of the concepts that may fill it
    slots               slot → words that may fill it, beside those of `general.toml`

Read by `showcase` (which files there are), `showcase.notes` (the sentences) and `showcase.train` (the lessons).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UsageError

HERE = Path(__file__).parent
BASE = "base.pt"
GENERAL = "general"
"""The file of what every domain's models share: general sentences."""


@dataclass(frozen=True)
class Sentences:
    """Templates, and the words that may fill some of their slots."""

    templates: Sequence[str]
    slots: Mapping[str, Sequence[str]]


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
    """Adapter → the specialty whose facts it was tuned on."""
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
            note=Sentences(own.pop("templates"), shared["slots"] | own.pop("slots")),
            general=Sentences(**shared),
            **own,
        )

    @property
    def adapters(self) -> dict[str, str]:
        """Adapter → its own specialty, notes first."""
        return {**self.notes, **self.facts}

    @property
    def files(self) -> Path:
        """The folder of the package that holds the models."""
        return HERE / "files" / self.domain


def domains() -> list[str]:
    """Names of the domains that have demo models, sorted."""
    return sorted(path.stem for path in HERE.glob("*.toml") if path.stem != GENERAL)


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((HERE / f"{name}.toml").read_text(encoding="utf-8"))
