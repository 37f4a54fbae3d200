"""What a vocabulary says of a source's subjects and answers: names, semantic types, specialties. Read by `source`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from ..domain import Concept
from ..extraction.hierarchy import Hierarchy, specialties_of
from ..vocabulary.compiled import Vocabulary
from .facts import FactRow
from .from_records.questions import asking_sentence
from .names import Names

LONGEST_NAME = 6
"""Words of a name that is looked for in a question."""
SHORTEST_NAME = 4
"""Characters of one; shorter ones are words of the language as often."""


class VocabularyNames:
    """A vocabulary and its hierarchy, or neither: then nothing is known of any name."""

    def __init__(self, vocabulary: Vocabulary | None = None, hierarchy: Hierarchy | None = None) -> None:
        self.vocabulary, self.hierarchy = vocabulary, hierarchy

    def names(self, aliases: Mapping[str, tuple[str, ...]]) -> Names:
        """Return when two names mean the same: by the source's aliases, else by the vocabulary."""
        named = [Concept(f"answer:{answer}", answer, others) for answer, others in aliases.items() if others]
        return Names(named, self.vocabulary, self.hierarchy)

    def type_of(self, answer: str) -> str:
        """Return the answer's semantic type, the first by name; "" where the vocabulary has none of it."""
        index = self._index(answer)
        types = self.vocabulary.entry(index).types if self.vocabulary is not None and index is not None else ()
        return min(types, default="")

    def specialties_of(self, row: FactRow) -> tuple[str, ...]:
        """Return the specialties of the concept that the answer or the subject names, else of one the subject mentions.

        Of a question only the asking sentence is looked through, for the longest name first.
        """
        if self.vocabulary is None:
            return ()
        for name in (row.answer, row.subject):
            if found := self._sorted(name):
                return found
        words = asking_sentence(row.cues[0] if row.cues else row.subject).rstrip("?.: ").split()
        for length in range(min(LONGEST_NAME, len(words)), 0, -1):
            for begin in range(len(words) - length + 1):
                name = " ".join(words[begin : begin + length]).strip(",;'\"")
                if len(name) >= SHORTEST_NAME and (found := self._sorted(name)):
                    return found
        return ()

    @cached_property
    def _plain(self) -> Names:
        return Names((), self.vocabulary, self.hierarchy)

    def _index(self, name: str) -> int | None:
        id = self._plain.concept(name)
        return self.vocabulary.index(id) if self.vocabulary is not None and id is not None else None

    def _sorted(self, name: str) -> tuple[str, ...]:
        if self.vocabulary is None or self.hierarchy is None or (index := self._index(name)) is None:
            return ()
        if roots := self.hierarchy.roots(index):
            return specialties_of(roots)
        return specialties_of(self.hierarchy.of_types(self.vocabulary.entry(index).types))
