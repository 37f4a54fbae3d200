"""Concepts of a domain by the extractor, from its texts and a vocabulary. Read by `build`.

What is written is what the texts mention: each concept with the names that the texts call it by, so that a comparison
without the vocabulary finds the same places. A short form that a text defines for itself is none of them, since
elsewhere it may mean another thing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

from ..domain import Concept, Domain
from ..extraction.hierarchy import Hierarchy, roots_of
from ..reading.parts import read_part
from ..records import Faults
from ..vocabulary.compiled import Vocabulary
from ..vocabulary.entry import normal
from .names import Names


def read_concepts(folder: Path, domain: Domain) -> list[Concept]:
    """The concepts that stand in the folder already; what is wrong with them is told when the domain is opened."""
    faults = Faults()
    known = {name: s.id for s in domain.specialties.values() for name in (s.id, s.name, *s.aliases)}
    return [
        Concept(
            record.id(),
            record.text("name"),
            record.texts("aliases"),
            record.texts("types"),
            tuple(known[name] for name in record.texts("specialties") if name in known),
        )
        for record in read_part(folder, "concepts", faults)
    ]


def find_concepts(
    domain: Domain,
    folder: Path,
    vocabulary: Vocabulary,
    edits: Path | None = None,
    listed: Path | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[Concept]:
    """The concepts that the domain's texts mention, most documents first.

    `edits` is a `terms.csv` as a person left it, or a folder that holds it; the list as found is written to `listed`.
    Raises CorpusError, UsageError, DomainError.
    """
    from ..extraction.corpus import Corpus
    from ..extraction.extract import extract
    from ..extraction.termlist import Edits, write_csv

    roots = roots_of(folder, domain)
    file = edits / "terms.csv" if edits is not None and edits.is_dir() else edits
    given = Edits.read(file, domain) if file is not None else None
    done = extract(Corpus.of(domain), vocabulary, domain, roots, edits=given, progress=progress)
    if listed is not None:
        write_csv(done.terms, listed)
    called: dict[str, Counter[str]] = defaultdict(Counter)
    columns = (done.mentions[name].to_pylist() for name in ("concept", "text", "long_form"))
    for concept, text, long_form in zip(*columns, strict=True):
        if not long_form:
            called[concept][" ".join(text.split())] += 1
    return [
        Concept(term.concept, term.name, _aliases(term.name, called[term.concept]), term.types, term.specialties)
        for term in done.terms
    ]


def names_of(domain: Domain, folder: Path, vocabulary: Vocabulary | None) -> Names:
    """What the domain's concepts and the vocabulary call things, and which specialties these have."""
    hierarchy = Hierarchy(vocabulary, roots_of(folder, domain)) if vocabulary is not None else None
    return Names(domain.concepts, vocabulary, hierarchy)


def _aliases(name: str, called: Counter[str]) -> tuple[str, ...]:
    """Spellings of the texts other than the name, each once whatever its case; the most frequent first."""
    out: dict[str, str] = {}
    for text, _ in sorted(called.items(), key=lambda pair: (-pair[1], pair[0])):
        if normal(text) != normal(name):
            out.setdefault(normal(text), text)
    return tuple(out.values())
