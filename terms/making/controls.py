"""General facts that are another embedded domain's subject. Read by `probes.runs.domain_check`.

General facts show what happens to knowledge of no domain, and the embedded domains serve each other for comparison. So
a general fact about a place would be on both sides of a comparison of medicine with geography.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..control_names import subjects
from ..domain import Domain, Fact, embedded
from ..match import SHORT
from ..vocabulary.entry import normal
from .problem import Problem, such


def control_problems(domain: Domain) -> list[Problem]:
    """Return a fault for each other embedded domain whose facts share a subject or answer with general facts.

    A domain of your own has none: whatever it takes for general knowledge is compared with its own facts alone.
    """
    if domain.name not in embedded():
        return []
    general = [fact for fact in domain.facts if domain.general in fact.specialties]
    out = []
    for other in (Domain.open(name) for name in embedded() if name != domain.name):
        named = {key for fact, key in _names([f for f in other.facts if other.general not in f.specialties])}
        shared = dict.fromkeys(fact.id for fact, key in _names(general) if key in named)
        if shared:
            what = (
                f"{len(shared):,} general ones have a subject or answer of {other.name}'s facts ({such(list(shared))})"
            )
            out.append(Problem("facts", what, f"move them to {other.name}, or take other subjects", True))
    return out


def _names(facts: Sequence[Fact]) -> Iterator[tuple[Fact, str]]:
    """Yield each fact with its subject and with its answer; short names keep their case, since many are symbols."""
    for fact, subject in subjects(facts):
        for name in (subject, fact.answer):
            yield fact, name if len(name) <= SHORT else normal(name)
