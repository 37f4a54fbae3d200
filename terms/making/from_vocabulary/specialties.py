"""The specialties of a vocabulary's concepts: by an embedded domain's map, else by the vocabulary's own branches.

A domain's `hierarchy.tsv` maps roots of vocabularies to its specialties (`terms.extraction.hierarchy`); the domain
whose map places most concepts serves. A vocabulary that no map fits is divided into the branches under its root.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...domain import Specialty, domain_folder, embedded, head
from ...extraction.hierarchy import Hierarchy, roots_of, specialties_of
from ...normal_form import words_of
from ...vocabulary.compiled import Vocabulary
from ..labels import MOST_NEW


@dataclass(frozen=True)
class SpecialtyMap:
    """Which specialties each concept has, and what these are called."""

    specialties: dict[str, Specialty]
    by_concept: dict[str, tuple[str, ...]]
    """Concept's id → ids of its specialties; concepts of none are missing."""
    domain: str = ""
    """Name of the embedded domain whose map it is; empty for the vocabulary's own branches."""
    hierarchy: Hierarchy | None = None


def map_specialties(vocabulary: Vocabulary) -> SpecialtyMap:
    """Return the embedded domain's map that places most concepts, else the vocabulary's own branches."""
    best = SpecialtyMap({}, {})
    for name in embedded():
        folder = domain_folder(name)
        domain = head(folder)
        if not (roots := roots_of(folder, domain)):
            continue
        hierarchy = Hierarchy(vocabulary, roots)
        placed = {}
        for index, entry in enumerate(vocabulary):
            found = hierarchy.roots(index) or hierarchy.of_types(entry.types)
            if names := specialties_of(found):
                placed[entry.id] = names
        if len(placed) > len(best.by_concept):
            best = SpecialtyMap(dict(domain.specialties), placed, name, hierarchy)
    return best if best.by_concept else _branches(vocabulary)


def _branches(vocabulary: Vocabulary) -> SpecialtyMap:
    """The children of the roots; none where there is one branch, or more than a domain can have specialties."""
    tops = {index for index in range(len(vocabulary)) if not vocabulary.parents(index)}
    branches = {
        index: Specialty("_".join(words_of(name := vocabulary.entry(index).name)), name[:1].upper() + name[1:])
        for index in range(len(vocabulary))
        if tops & set(vocabulary.parents(index))
    }
    if not 2 <= len({branch.id for branch in branches.values()}) <= MOST_NEW:
        return SpecialtyMap({}, {})
    placed = {}
    for index in range(len(vocabulary)):
        over = sorted({index, *vocabulary.ancestors(index)} & branches.keys())
        if over:
            placed[vocabulary.entry(index).id] = tuple(dict.fromkeys(branches[one].id for one in over))
    return SpecialtyMap({branch.id: branch for branch in branches.values()}, placed)
