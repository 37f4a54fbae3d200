"""When two names mean the same: case, white space, and what a vocabulary or the domain calls alike.

Read by `facts`, so that an answer is no distractor under another of its names, and by the checks of a finished domain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ..domain import Concept
from ..match import fits
from ..normal_form import exact_key
from ..vocabulary.entry import normal

if TYPE_CHECKING:
    from ..extraction.hierarchy import Hierarchy
    from ..vocabulary.compiled import Vocabulary


class Names:
    """Names of concepts; a name that several concepts share is not taken for any of them."""

    def __init__(
        self,
        concepts: Iterable[Concept] = (),
        vocabulary: Vocabulary | None = None,
        hierarchy: Hierarchy | None = None,
    ) -> None:
        self.vocabulary, self.hierarchy = vocabulary, hierarchy
        self.concepts: Mapping[str, Concept] = {concept.id: concept for concept in concepts}
        self._ids: dict[str, set[str]] = {}
        self._preferred: dict[str, set[str]] = {}
        for concept in self.concepts.values():
            self._preferred.setdefault(normal(concept.name), set()).add(concept.id)
            for name in (concept.name, *concept.aliases):
                self._ids.setdefault(normal(name), set()).add(concept.id)
        self._keys: dict[str, str] = {}

    def key(self, name: str) -> str:
        """What all names of one thing share: the id of the concept that they name, else the name in lower case."""
        if name not in self._keys:
            self._keys[name] = self.concept(name) or normal(name)
        return self._keys[name]

    def concept(self, name: str) -> str | None:
        """The one concept of that name; of several, the one whose preferred name it is."""
        folded = normal(name)
        for ids in (self._preferred.get(folded, set()), self._ids.get(folded, set())):
            if len(ids) == 1:
                return next(iter(ids))
        if self.vocabulary is None or folded in self._ids:
            return None
        named = [(index, spelling) for index, spelling in self.vocabulary.named(name) if fits(spelling, name)]
        preferred = {index for index, _ in named if normal(self.vocabulary.entry(index).name) == folded}
        for indices in (preferred, {index for index, _ in named}):
            if len(indices) == 1:
                return self.vocabulary.entry(next(iter(indices))).id
        return None

    def above(self, name: str) -> frozenset[str]:
        """Ids of the concepts over the one that the name names, as the vocabulary has them."""
        id = self.concept(name)
        index = self.vocabulary.index(id) if id is not None and self.vocabulary is not None else None
        if index is None or self.vocabulary is None:
            return frozenset()
        return frozenset(self.vocabulary.entry(one).id for one in self.vocabulary.ancestors(index))

    def types(self, name: str) -> frozenset[str]:
        """Semantic types of the domain's concept of that name; none where it has no such concept."""
        id = self.concept(name)
        return frozenset(self.concepts[id].types) if id is not None and id in self.concepts else frozenset()

    def specialties(self, name: str) -> tuple[str, ...]:
        """Those of the concept that the name names: as the domain has them, else as the vocabulary's hierarchy says."""
        id = self.concept(name)
        if id is not None and id in self.concepts and (known := self.concepts[id].specialties):
            return known
        if id is None or self.vocabulary is None or self.hierarchy is None:
            return ()
        index = self.vocabulary.index(id)
        roots = self.hierarchy.roots(index) if index is not None else ()
        return tuple(dict.fromkeys(specialty for root in roots for specialty in root.specialties))


def differ_in_case(one: str, other: str) -> bool:
    """Whether two names differ in nothing but their case: "pH" and "PH", the genes CAT and cat; they may be two."""
    return normal(one) == normal(other) and exact_key(one) != exact_key(other)


def holds(text: tuple[str, ...], part: tuple[str, ...]) -> bool:
    """Whether the words of `part` stand in `text` one after the other."""
    return bool(part) and any(text[i : i + len(part)] == part for i in range(len(text) - len(part) + 1))
