"""A domain's mentions by the linker, where a comparison is given a vocabulary or a list of terms.

Read by `probes.runs.plan`. Without either, `terms.select` finds the domain's own names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import CorpusError, UsageError
from ..domain import Concept, Domain
from ..match import Mention
from ..vocabulary.compiled import Vocabulary
from .corpus import Corpus
from .extract import extract
from .hierarchy import roots_of
from .linking import LinkerSettings
from .mentions import by_document
from .termlist import Edits

OWN_NAMES = "the domain's names and aliases"


@dataclass(frozen=True)
class DomainTerms:
    """What stands for terms in a domain's texts."""

    mentions: Mapping[str, list[Mention]] | None = None
    """By text id; None: the domain's own names."""
    classes: Mapping[str, Mapping[int, str]] | None = None
    """By text id, the parts of speech of its tokens by where they start; None where no model tells."""
    found_by: str = OWN_NAMES
    """For people."""
    record: dict[str, Any] = field(default_factory=dict)
    """For run.json: vocabulary, settings, counts, a person's edits."""


def domain_terms(
    name_or_path: str | Path,
    domain: Domain,
    vocabulary: Path | None,
    terms: Path | None,
    progress: Callable[[str, int, int], None] | None = None,
) -> DomainTerms:
    """Links the domain's texts with `vocabulary`; `terms` (an extraction's folder or its `terms.csv`) says which
    concepts count and what specialties they have.

    Where `terms` lies in an extraction's folder, its vocabulary and settings are taken. Raises UsageError, CorpusError.
    """
    if vocabulary is None and terms is None:
        return DomainTerms()
    edits, settings = None, LinkerSettings()
    if terms is not None:
        file = terms / "terms.csv" if terms.is_dir() else terms
        edits = Edits.read(file, domain)
        known = _extraction(file.parent)
        settings = _settings(known) if known else settings
        if vocabulary is None:
            vocabulary = _vocabulary(file, known)
    assert vocabulary is not None
    opened = Vocabulary.open(vocabulary)
    corpus = Corpus.of(domain)
    done = extract(corpus, opened, domain, roots_of(name_or_path, domain), settings, edits=edits, progress=progress)
    concepts = {
        term.concept: Concept(term.concept, term.name, types=term.types, specialties=term.specialties)
        for term in done.terms
    }
    mentions = {
        document: [Mention(one.start, one.end, concepts[one.concept]) for one in linked if one.concept in concepts]
        for document, linked in by_document(done.mentions).items()
    }
    by = f"the model {settings.model}" if settings.model else "its names"
    listed = f", as listed in {edits.path}" if edits else ""
    found_by = f"scispaCy's linker over {vocabulary.name} ({len(opened):,} concepts), by {by}{listed}"
    record = {**done.record, "vocabulary": {**done.record["vocabulary"], "path": str(vocabulary)}}
    classes = None
    if settings.model:
        from .linker import word_classes

        classes = word_classes({text.id: text.text for text in domain.texts}, settings.model)
    return DomainTerms(mentions, classes, found_by, record)


def _extraction(folder: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads((folder / "extraction.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CorpusError(f"{folder / 'extraction.json'}: cannot be read; run probe terms extract again") from error
    return found


def _settings(record: dict[str, Any]) -> LinkerSettings:
    kept = record["settings"]
    return LinkerSettings(**{**kept, "types": None if kept["types"] is None else tuple(kept["types"])})


def _vocabulary(file: Path, record: dict[str, Any] | None) -> Path:
    if record is None:
        raise UsageError(f"--terms {file}: no extraction.json beside it says which vocabulary; give --vocabulary too")
    path = Path(record["vocabulary"]["path"])
    if not path.is_file():
        raise UsageError(f"--terms {file}: its vocabulary {path} is gone; give --vocabulary")
    if (found := Vocabulary.open(path).hash) != record["vocabulary"]["hash"]:
        raise UsageError(
            f"--terms {file}: its vocabulary {path} has changed ({found[:12]}, was "
            f"{record['vocabulary']['hash'][:12]}); run probe terms extract again, or give --vocabulary"
        )
    return path
