"""General facts that are another embedded domain's subject. Read by `probes.runs.domain_check`.

General facts show what happens to knowledge of no domain, and the embedded domains serve each other for comparison. So
a general fact about a place would be on both sides of a comparison of medicine with geography.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache

from ..control_names import subjects
from ..defaults import DOMAIN
from ..domain import Domain, Fact, embedded
from ..match import SHORT
from ..vocabulary.entry import normal
from .census import SMALL_RELATION
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


@cache
def open_embedded(name: str) -> Domain:
    """Return an embedded domain, read once."""
    return Domain.open(name)


def general_facts(facts: Sequence[Fact]) -> list[Fact]:
    """Return the general facts that the embedded domains share, as controls of a domain of these facts.

    Left out are those whose subject or answer the facts name, and relations of which too few are left.
    """
    shared = open_embedded(DOMAIN)
    named = {key for _, key in _names(facts)}
    controls = [fact for fact in shared.facts if shared.general in fact.specialties]
    ours = {fact.id for fact, key in _names(controls) if key in named}
    left = Counter(fact.relation for fact in controls if fact.id not in ours)
    return [fact for fact in controls if fact.id not in ours and left[fact.relation] >= SMALL_RELATION]


def count_named(facts: Sequence[Fact], domain: Domain) -> int:
    """Return how many of the facts have a subject or answer that the domain's own facts have."""
    named = {key for _, key in _names([fact for fact in domain.facts if domain.general not in fact.specialties])}
    return len({fact.id for fact, key in _names(facts) if key in named})


def _names(facts: Sequence[Fact]) -> Iterator[tuple[Fact, str]]:
    """Yield each fact with its subject and with its answer; short names keep their case, since many are symbols."""
    for fact, subject in subjects(facts):
        for name in (subject, fact.answer):
            yield fact, name if len(name) <= SHORT else normal(name)
