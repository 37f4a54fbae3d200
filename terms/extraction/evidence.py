"""The specialties of a concept: the kinds of evidence, kept apart, and the rule that combines them.

| evidence | says |
|---|---|
| hierarchy | the specialties of the nearest roots over the concept (`terms.extraction.hierarchy`) |
| subtree | under no root: the specialties of the roots below the concept |
| types | the specialties of its semantic types |
| corpus | those with z of at least 2.58 (weighted log-odds, Monroe et al. 2008) in at least three of its documents |

The first that says something counts; a root without specialties says "none of these". A vocabulary's
hierarchy is what people agreed on; a corpus tells what is talked about, which is not the same (a cardiologist's notes
are full of diabetes), so it speaks last. A concept of four specialties or more is *common*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..select import COMMON
from .hierarchy import Hierarchy, Root, specialties_of
from .logodds import log_odds_z

if TYPE_CHECKING:
    import pyarrow as pa
    from jaxtyping import Float, Int
    from numpy.typing import NDArray

    from ..domain import Domain
    from ..vocabulary.entry import Entry
    from .corpus import Corpus

Z = 2.58
"""Two-sided p of .01."""
DOCUMENTS = 3
"""Fewest documents of a specialty for the corpus to say it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a concept's specialties."""

    hierarchy: tuple[Root, ...] = ()
    subtree: tuple[str, ...] = ()
    types: tuple[Root, ...] = ()
    z: Mapping[str, float] | None = None
    """z-score by specialty; None where the corpus has fewer than two specialties."""
    documents: Mapping[str, int] | None = None
    """Documents that mention it, by specialty."""


Rule = Callable[["Entry", Evidence], tuple[tuple[str, ...], str]]
"""From a concept and its evidence to its specialties and the kind of evidence that they rest on."""


def combine(entry: Entry, evidence: Evidence) -> tuple[tuple[str, ...], str]:
    """The rule of this module's table."""
    if evidence.hierarchy:
        return specialties_of(evidence.hierarchy), "hierarchy"
    if evidence.subtree:
        return evidence.subtree, "subtree"
    if evidence.types:
        return specialties_of(evidence.types), "types"
    z, documents = evidence.z or {}, evidence.documents or {}
    found = [name for name, value in z.items() if value >= Z and documents.get(name, 0) >= DOCUMENTS]
    return tuple(found), "corpus" if found else ""


def is_common(specialties: tuple[str, ...]) -> bool:
    return len(specialties) >= COMMON


class CorpusCounts:
    """Documents that mention each concept, by specialty: a note that names a disease twenty times says it once."""

    def __init__(self, corpus: Corpus, mentions: pa.Table, domain: Domain) -> None:
        self.concepts: list[str] = sorted(set(mentions["concept"].to_pylist()))
        place = {concept: n for n, concept in enumerate(self.concepts)}
        column = {document.id: n for n, document in enumerate(corpus.documents)}
        pairs = {
            (place[concept], column[document])
            for concept, document in zip(mentions["concept"].to_pylist(), mentions["document"].to_pylist(), strict=True)
        }
        about = {document.id: document.specialties for document in corpus.documents}
        self.specialties = [s for s in domain.specialties if any(s in names for names in about.values())]
        belongs = np.array([[s in names for s in self.specialties] for names in about.values()], dtype=np.int64)
        self.sizes: Int[NDArray[np.int64], "specialties"] = belongs.sum(0)
        self.total: Int[NDArray[np.int64], "concepts"] = np.zeros(len(self.concepts), dtype=np.int64)
        self.inside: Int[NDArray[np.int64], "concepts specialties"] = np.zeros(
            (len(place), len(self.specialties)), dtype=np.int64
        )
        for concept, document in pairs:
            self.total[concept] += 1
            self.inside[concept] += belongs[document]

    @cached_property
    def z(self) -> Float[NDArray[np.float64], "concepts specialties"] | None:
        """Each specialty's documents against all others; None where there is nothing to contrast.

        The prior is the concepts' shares of all documents, worth one pseudo-document for each concept.
        """
        if len(self.specialties) < 2 or not len(self.concepts):
            return None
        prior = self.total / self.total.sum() * len(self.concepts)
        columns = [log_odds_z(inside, self.total - inside, prior) for inside in self.inside.T]
        scores: NDArray[np.float64] = np.stack(columns, axis=1)
        return scores

    @cached_property
    def specificity(self) -> Float[NDArray[np.float64], "concepts"] | None:
        """0: as common in each specialty's documents; 1: in one specialty's alone. 1 − entropy / its maximum.

        Rates are shrunk towards the concept's mean rate by half a document, so that a single mention says little.
        """
        if len(self.specialties) < 2 or not len(self.concepts):
            return None
        mean = self.inside.sum(1, keepdims=True) / max(int(self.sizes.sum()), 1)
        rates = (self.inside + 0.5 * mean) / (self.sizes + 0.5)
        sums = rates.sum(1, keepdims=True)
        shares = np.divide(rates, sums, out=np.full_like(rates, 1 / rates.shape[1]), where=sums > 0)
        logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
        specificity: NDArray[np.float64] = 1 + (shares * logs).sum(1) / np.log(shares.shape[1])
        return specificity


def evidence_of(entry: Entry, index: int, row: int, hierarchy: Hierarchy, counts: CorpusCounts) -> Evidence:
    """Everything that speaks for a concept; `row` is its row of the counts."""
    names = counts.specialties
    z = None if counts.z is None else {s: round(float(v), 2) for s, v in zip(names, counts.z[row], strict=True)}
    documents = {s: int(n) for s, n in zip(names, counts.inside[row], strict=True)}
    return Evidence(hierarchy.roots(index), hierarchy.subtree(index), hierarchy.of_types(entry.types), z, documents)
