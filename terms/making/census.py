"""What a domain has, by specialty, and what it lacks. Read by `probes.runs.domain_check`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..domain import Domain, embedded, head
from ..reading.formats import format_of
from ..reading.load import read_records
from ..records import Faults
from ..select import items
from .folder import PARTS
from .problem import Problem, such

SMALL_RELATION = 5
"""A relation of fewer facts counts for nothing in a verdict (`probes.analysis.centring`)."""
TEXTS = 5
"""Texts of a specialty below which the text view rests on chance."""


@dataclass(frozen=True, slots=True)
class Counts:
    """One specialty's, or the controls'."""

    texts: int
    concepts: int
    mentioned: int
    """Concepts of the specialty that some text mentions."""
    mentions: int
    facts: int
    relations: int
    questions: int


@dataclass(frozen=True)
class Census:
    """Counts by specialty, controls last; coverage of all texts."""

    specialties: Mapping[str, Counts]
    texts: int
    silent: tuple[str, ...]
    """Texts of a specialty (ids) in which no concept is mentioned."""
    relations: Mapping[str, int]
    """Facts by relation."""


def census(domain: Domain) -> Census:
    """Counts of what a comparison would read: mentions are the term items of `terms.select`."""
    terms = [item for item in items(domain) if item.kind == "term"]
    said: Counter[str] = Counter(s for item in terms for s in item.specialties)
    mentioned = {item.concept for item in terms}
    speaking = {item.document for item in terms}
    out = {}
    for specialty in [*domain.specialties, domain.general]:
        concepts = [c for c in domain.concepts if specialty in c.specialties]
        facts = [f for f in domain.facts if specialty in f.specialties]
        out[specialty] = Counts(
            texts=sum(specialty in t.specialties for t in domain.texts),
            concepts=len(concepts),
            mentioned=sum(c.id in mentioned for c in concepts),
            mentions=said[specialty],
            facts=len(facts),
            relations=len({f.relation for f in facts}),
            questions=sum(specialty in q.specialties for q in domain.questions),
        )
    own = [text for text in domain.texts if domain.general not in text.specialties]
    silent = tuple(text.id for text in own if text.id not in speaking)
    return Census(out, len(own), silent, dict(Counter(fact.relation for fact in domain.facts)))


def census_problems(domain: Domain, found: Census) -> list[Problem]:
    """What a person should add, or should know to be thin."""
    out = []
    general = found.specialties[domain.general]
    for field, what in (
        ("description", "what the domain is, in a line"),
        ("licence", "the licence of texts and facts"),
    ):
        if not getattr(domain, field):
            out.append(Problem("domain.toml", f"{field} is empty", f"say {what}"))
    own = {name: counts for name, counts in found.specialties.items() if name != domain.general}
    if not own:
        out.append(
            Problem("domain.toml", "no specialties", "name two at the least, or build from labelled texts", True)
        )
    elif len(own) == 1:
        what = "one specialty, with no other to hold it against: only --own none gets an answer"
        out.append(Problem("domain.toml", what, "name a second, if models of one are to be judged"))
    for name, counts in own.items():
        if not (counts.texts or counts.facts or counts.questions):
            out.append(Problem(name, "no text, fact or question of it", "add some, or remove it from domain.toml"))
        elif domain.texts and 0 < counts.texts < TEXTS:
            out.append(Problem(name, f"{counts.texts} texts", f"add some: below {TEXTS} a few words decide"))
    if domain.texts and not general.texts:
        what = "no control texts, so the text view has no domain shift beyond generic drift"
        out.append(Problem("texts", what, "give --controls with texts of no specialty"))
    if (domain.facts or domain.questions) and not (general.facts or general.questions):
        what = "no facts of general knowledge, so the fact view has no generic drift"
        out.append(Problem("facts", what, f"add some with the specialty {domain.general}"))
    if found.texts and not domain.concepts:
        out.append(Problem("texts", "no concepts, so nothing is looked for in them", "build with --vocabulary"))
    elif 2 * len(found.silent) > found.texts:
        what = f"{len(found.silent):,} of {found.texts:,} mention no concept ({such(found.silent)})"
        out.append(Problem("texts", what, "give a vocabulary of their subject, or texts of the domain"))
    if small := sorted(relation for relation, n in found.relations.items() if n < SMALL_RELATION):
        what = f"{len(small):,} of fewer than {SMALL_RELATION} facts count for nothing ({such(small)})"
        out.append(Problem("relations", what, "add facts to them"))
    stray = [fact.id for fact in (*domain.facts, *domain.questions) if not fact.specialties]
    if stray:
        what = f"{len(stray):,} carry no specialty, and count for nothing ({such(stray)})"
        out.append(Problem("facts", what, "give them one"))
    return out


def missing_parts(folder: Path) -> list[Problem]:
    """Of a folder that cannot be opened as a domain since nothing is built yet: what to fill in, and the next step.

    Empty where there are parts. Raises DomainError where domain.toml is missing or broken.
    """
    if str(folder) in embedded():
        return []
    domain = head(folder)
    if any((folder / f"{part}.{form}").exists() for part in PARTS for form in ("jsonl", "parquet")):
        return []
    out = census_problems(domain, census(domain))
    # Of a domain without parts each specialty has none.
    out = [problem for problem in out if problem.place not in domain.specialties]
    tables = [
        path
        for path in sorted((folder / "sources").glob("*"))
        if (form := format_of(path)) and form.suffixes[0] in ("csv", "tsv")
    ]
    for path in tables:
        faults = Faults()
        rows = list(read_records(path, faults, prose=False))
        faults.raise_any()
        if rows and all(str(row.data.get("specialty")) == domain.general for row in rows):
            what = f"its {len(rows)} rows are all controls"
            out.append(Problem(f"sources/{path.name}", what, "add the facts of your specialties"))
    give = f"--facts {tables[0]}" if tables else "--texts, --facts or --questions"
    cure = f"fill in what is said above, then: probe domain build {folder} {give}"
    out.append(Problem(str(folder), "nothing is built yet", cure, True))
    return out
