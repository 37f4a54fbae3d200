"""`stated_by`: the facts that a vocabulary states, from its links, its relations and its definitions.

    OBO, tables ── links (kinds, other names, relationships)   ┐
                ── phrases, genes (definitions)                ├─ claims ── choice ── rows
    UMLS release ─ mrrel (relations), other names, definitions ┘

Read by `making.source`, which makes a domain of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ....errors import DomainError
from ...domain import Specialty
from ...reading.load import read_records
from ...records import Faults
from ...vocabulary import rrf
from ...vocabulary.compiled import Vocabulary
from ...vocabulary.entry import Entry, normal
from ...vocabulary.merge import merge
from ...vocabulary.reading import Tally
from ...vocabulary.sources import OBO, RRF, kind, read
from ...vocabulary.table import SPELLINGS
from ..names import Names
from ..stated import Stated
from ..vocabulary_names import VocabularyNames
from . import links, mrrel, phrases
from .choice import LONGEST, choose
from .claims import Claim
from .places import places
from .specialties import map_specialties
from .truth import Truth
from .wordings import WORDINGS

LARGEST = 300_000
"""Concepts of a vocabulary whose hierarchy is read for kinds; a release of UMLS has others in one hierarchy."""
MOST_ALIASES = 8
"""Other names that an answer is scored under."""


@dataclass(frozen=True)
class VocabularyFacts:
    """What a vocabulary states, and what is needed to make a domain of it."""

    stated: Stated
    known: VocabularyNames
    """Which names mean the same, and which concept lies over which."""
    specialties: dict[str, Specialty]
    """Of the rows, by id."""
    map: str = ""
    """The embedded domain whose map gave the specialties; empty for the vocabulary's own branches."""


def stated_by(
    sources: Sequence[str],
    wider: Vocabulary | None = None,
    mentions: Mapping[str, int] | None = None,
    most: int | None = None,
    tally: Tally | None = None,
) -> VocabularyFacts:
    """Read what a vocabulary, or several merged by id, states of its concepts.

    Args:
        sources: As `vocabulary.sources.read` takes them: an OBO file, a table, a UMLS release.
        wider: What a subset's concepts lie under, and whatever else is known of them: a vocabulary of the same ids.
        mentions: Concept's id → its mentions in some texts. Where there are more facts than `most`, the concepts
            mentioned most stay; without it, those with the most cross-references and names.
        most: Facts in all, None for no limit; the largest relations are thinned first.
        tally: Counts what the reader of the vocabulary leaves out.

    Raises:
        VocabularyError: A source cannot be read.
        DomainError: It states nothing that a fact can be made of.
    """
    sources = [_release(source) for source in sources]
    tally = tally or Tally()
    entries = read(sources, tally=tally, progress=tally.progress)
    vocabulary = Vocabulary.of(merge(chain(entries, wider), tally) if wider is not None else entries)
    skipped: Counter[str] = Counter()
    named = _names(vocabulary)
    shared = frozenset(name for name, count in named.items() if count > 1)
    claims = list(dict.fromkeys(_claims(sources, vocabulary, shared, skipped)))
    claims = _infections_only(claims, vocabulary, skipped)
    about = ", ".join(sources)
    if not claims:
        raise DomainError(
            f"{about}: no relation in it that facts can be made of; expected relationships, a hierarchy, synonyms, or "
            "definitions in the Disease Ontology's phrases"
        )
    specialties = map_specialties(vocabulary)
    before = skipped.total()
    rank = mentions or {entry.id: len(entry.xrefs) + len(entry.aliases) for entry in vocabulary}
    rows = choose(claims, Truth(claims, vocabulary), specialties, shared, skipped, rank, most)
    if not rows:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in skipped.most_common(3))
        raise DomainError(
            f"{about}: none of {len(claims):,} statements can serve as a fact ({reasons}); give a larger one"
        )
    used = {row.relation for row in rows}
    stated = Stated(
        rows=tuple(rows),
        wordings={relation: cues for relation, cues in WORDINGS.items() if relation in used},
        skipped=skipped,
        aliases=_aliases(claims, {row.answer for row in rows if row.relation != "other_name"}, shared),
        records=len(claims) + before,
        description=f"Facts that {', '.join(Path(source).name for source in sources)} states of its concepts",
    )
    return VocabularyFacts(stated, _Known(_named(vocabulary, named)), specialties.specialties, specialties.domain)


def _release(source: str) -> str:
    """The folder of a release that is named by one of its files."""
    return str(Path(source).parent) if source.lower().removesuffix(".gz").endswith(".rrf") else source


def _claims(
    sources: Sequence[str], vocabulary: Vocabulary, shared: frozenset[str], skipped: Counter[str]
) -> Iterator[Claim]:
    """Every statement of the sources, relation after relation."""
    forms = {source: kind(source) for source in sources}
    for source, form in forms.items():
        if form is RRF:
            yield from mrrel.related(Path(source), vocabulary, skipped)
    if any(form is OBO for form in forms.values()):
        entries = {entry.id: entry for entry in vocabulary}
        for source, form in forms.items():
            if form is OBO:
                yield from links.relationships(Path(source), entries, skipped)
    yield from phrases.definitions(vocabulary)
    if len(vocabulary) <= LARGEST:
        yield from links.kinds(vocabulary)
    yield from links.other_names(list(vocabulary), shared)


def _infections_only(claims: list[Claim], vocabulary: Vocabulary, skipped: Counter[str]) -> list[Claim]:
    """Without causes of what is no infection by the hierarchy: of an inflammation, other organisms are causes too."""
    infections = {index for index in range(len(vocabulary)) if "infectious" in vocabulary.entry(index).name.lower()}
    if not infections:
        return claims
    out = []
    for claim in claims:
        index = vocabulary.index(claim.concepts[0]) if claim.relation == "causative_agent" else None
        if index is not None and not infections & {index, *vocabulary.ancestors(index)}:
            skipped["of an organism that causes what is no infection"] += 1
        else:
            out.append(claim)
    return out


def _names(vocabulary: Vocabulary) -> Counter[str]:
    """How many concepts have each name."""
    counts: Counter[str] = Counter()
    for entry in vocabulary:
        counts.update({normal(name) for name in (entry.name, *entry.aliases)})
    return counts


def _aliases(claims: Sequence[Claim], answers: set[str], shared: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """Other names of the answers; a synonym that is asked for has none."""
    out: dict[str, tuple[str, ...]] = {}
    for claim in claims:
        if claim.answer in answers and claim.aliases and claim.answer not in out:
            names = [name for name in claim.aliases if normal(name) not in shared and len(name) <= LONGEST]
            if names := [name for name in names if name not in answers]:
                out[claim.answer] = tuple(names[:MOST_ALIASES])
    return out


class _Known(VocabularyNames):
    """The source's own names: its synonyms are known to them."""

    def __init__(self, names: Names) -> None:
        super().__init__()
        self._names = names

    def names(self, aliases: Mapping[str, tuple[str, ...]]) -> Names:
        return self._names


def _named(vocabulary: Vocabulary, named: Counter[str]) -> Names:
    """The vocabulary's names, with the parts of the body that it does not name."""
    added: list[Entry] = list(places(frozenset(named)))
    return Names((), Vocabulary.of([*vocabulary, *added]) if added else vocabulary)


def is_vocabulary(source: str) -> bool:
    """Return whether facts are made of the source's concepts: OBO, a UMLS release, or a table with a hierarchy."""
    path = Path(source)
    if path.is_dir():
        return rrf.folder(path) is not None
    suffix = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    if suffix in ("obo", "rrf"):
        return True
    if suffix not in ("csv", "tsv", "jsonl", "parquet") or not path.is_file():
        return False
    first = next(iter(read_records(source, Faults(), prose=False)), None)
    headers = {"_".join(str(name).split()).casefold() for name in first.data} if first else set()
    return all(headers & set(SPELLINGS[field]) for field in ("id", "name", "parents"))
