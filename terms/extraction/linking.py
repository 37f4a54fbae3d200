"""What the linker takes and gives: its settings, and a mention with its concept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import UsageError

if TYPE_CHECKING:
    from ..vocabulary.compiled import Vocabulary


@dataclass(frozen=True, slots=True)
class LinkedMention:
    """One mention in one text; fields as in `terms.extraction.mentions.SCHEMA`."""

    start: int
    end: int
    concept: str
    score: float
    ties: tuple[str, ...] = ()
    long_form: str = ""
    negated: bool | None = None


@dataclass(frozen=True, slots=True)
class LinkerSettings:
    """The linker's options."""

    model: str | None = None
    """A scispaCy or spaCy pipeline; None: the vocabulary's own names."""
    threshold: float = 0.95
    """Least cosine similarity of a mention and a name: what a text spells out for an abbreviation, or a model's
    entity, seldom is a name to the letter."""
    types: tuple[str, ...] | None = None
    """Semantic types that are kept; None: all."""
    neighbours: int = 30
    """Names looked up for each mention that is no name itself."""

    def check(self, vocabulary: Vocabulary) -> None:
        """Check the options against the vocabulary. Raises `UsageError` for an invalid one."""
        if not 0 < self.threshold <= 1:
            raise UsageError(f"--threshold {self.threshold}: expected a similarity above 0 and up to 1")
        if self.types is None:
            return
        if not self.types:
            raise UsageError("--types: the list is empty; name at least one semantic type, or leave the option out")
        known = vocabulary.types
        if unknown := [name for name in self.types if name not in known]:
            shown = ", ".join(sorted(known)[:12]) or "none at all"
            raise UsageError(f"--types {unknown[0]}: no concept of the vocabulary is of this type; it has {shown}")
