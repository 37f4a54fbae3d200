"""`probe domain build`: a domain's parts from a person's texts, tables and questions, whole or not at all.

    texts, controls ── vocabulary ── concepts ── facts (from tables; distractors checked under all names)
                                                 questions

A part that is not asked for stays as it is. Written are `texts.jsonl`, `concepts.jsonl`, `terms.csv` (the list of
terms, for a person to edit), `facts.jsonl`, `questions.jsonl`, `build.json`, and new specialties at the end of
`domain.toml`. What of that an earlier build left is replaced; what is a person's own, `folder.check_ours` protects.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import DomainError, UsageError
from ..domain import Domain, Text, head
from ..records import Faults
from ..vocabulary.compiled import Vocabulary
from .concepts import find_concepts, names_of, read_concepts
from .facts import make_facts, read_facts
from .folder import check_ours, folder_of, install, open_staged, staged
from .labels import Labels, with_tables
from .questions import read_questions
from .texts import read_texts

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Sources:
    """What a person gives; the options of `probe domain build`."""

    texts: tuple[str, ...] = ()
    """Files, folders or datasets, as `terms.reading` reads them; so are controls, facts and questions."""
    text_field: str | None = None
    specialty_field: str | None = None
    labels: tuple[str, ...] = ()
    """LABEL=SPECIALTY[,SPECIALTY], or LABEL=none."""
    vocabulary: Path | None = None
    terms: Path | None = None
    controls: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    encoding: str | None = None
    """Of text files that are neither UTF-8 nor have a byte order mark."""

    def check(self) -> None:
        """Raises UsageError where the options do not fit each other."""
        if not (self.texts or self.facts or self.questions):
            raise UsageError("nothing to build from; give --texts, --facts or --questions")
        for given, option, why in (
            (self.controls, "--controls", "texts.jsonl holds both"),
            (self.text_field, "--text-field", "it names a field of the texts"),
            (self.terms, "--terms", "the terms are those of the texts"),
        ):
            if given and not self.texts:
                raise UsageError(f"{option}: {why}; give --texts too")
        if self.terms and not self.vocabulary:
            raise UsageError(f"--terms {self.terms}: says which concepts count, of a vocabulary; give --vocabulary too")
        if self.vocabulary and not (self.texts or self.facts):
            raise UsageError(
                "--vocabulary: names terms of texts, and what facts are about; give --texts or --facts too"
            )

    def written(self) -> list[str]:
        """The files that a build from these writes, domain.toml and build.json aside."""
        parts = {
            "texts.jsonl": self.texts,
            "concepts.jsonl": self.texts and self.vocabulary,
            "terms.csv": self.texts and self.vocabulary and not self.terms,
            "facts.jsonl": self.facts,
            "questions.jsonl": self.questions,
        }
        return [name for name, given in parts.items() if given]


@dataclass(frozen=True)
class BuiltDomain:
    """A domain as it was written."""

    folder: Path
    domain: Domain
    new: tuple[str, ...]
    """Specialties that were added to domain.toml."""
    written: tuple[str, ...]
    notes: tuple[str, ...]
    """What was left out, merged or renamed, a line each."""


def build(name_or_path: str | Path, sources: Sources, progress: Progress | None = None) -> BuiltDomain:
    """Reads the sources and writes the parts. Raises KnowshiftError, and then nothing is written."""
    folder = folder_of(name_or_path)
    empty = head(folder)
    sources.check()
    names = sources.written()
    check_ours(folder, names)
    for path, made_by in ((sources.vocabulary, "probe terms vocabulary"), (sources.terms, "a build without --terms")):
        if path is not None and not path.exists():
            raise UsageError(f"{path}: no such file; give one that was made by {made_by}")
    vocabulary = Vocabulary.open(sources.vocabulary) if sources.vocabulary else None
    faults, notes = Faults(), []  # type: tuple[Faults, list[str]]
    labels = Labels(empty, sources.labels)
    texts = _texts(sources, labels, faults, notes)
    questions = read_questions(sources.questions, labels, faults, notes, sources.specialty_field, sources.encoding)
    stated, cues = read_facts(sources.facts, folder, labels, faults, sources.specialty_field, sources.encoding)
    labels.check(faults)
    faults.raise_any()
    domain = replace(labels.grown(), texts=tuple(texts))
    with staged(folder) as stage:
        if sources.texts and vocabulary is not None:
            listed = stage / "terms.csv" if "terms.csv" in names else None
            concepts = find_concepts(domain, folder, vocabulary, sources.terms, listed, progress)
        else:
            concepts = read_concepts(folder, domain)
        domain = replace(domain, concepts=tuple(concepts))
        facts = make_facts(stated, cues, names_of(domain, folder, vocabulary), domain.general, notes) if stated else []
        parts: dict[str, Iterable[Any]] = {
            "texts.jsonl": texts,
            "concepts.jsonl": concepts,
            "facts.jsonl": facts,
            "questions.jsonl": questions,
        }
        for name in names:
            if name in parts:
                _write(stage / name, parts[name])
        path = folder / "domain.toml"
        toml = with_tables(path.read_bytes().decode(), labels.new.values(), str(path))
        (stage / "domain.toml").write_bytes(toml.encode())
        opened = open_staged(stage, folder)
        about = {"sources": json.loads(json.dumps(asdict(sources), default=str)), "notes": notes}
        install(stage, folder, [*names, *(["domain.toml"] if labels.new else [])], about)
    return BuiltDomain(folder, opened, tuple(labels.new), tuple(names), tuple(notes))


def _texts(sources: Sources, labels: Labels, faults: Faults, notes: list[str]) -> list[Text]:
    """Texts, then controls. Raises DomainError where there is none, or one id stands for two."""
    if not sources.texts:
        return []
    own = read_texts(
        sources.texts,
        labels,
        faults,
        text_field=sources.text_field,
        specialty_field=sources.specialty_field,
        notes=notes,
        encoding=sources.encoding,
    )
    controls = read_texts(
        sources.controls,
        labels,
        faults,
        text_field=sources.text_field,
        controls=True,
        notes=notes,
        encoding=sources.encoding,
    )
    if not own and not faults.found:
        raise DomainError(f"{', '.join(sources.texts)}: no text in it; expected records with a text")
    taken = {text.id for text in own}
    # A file of controls is often a part of the same collection, numbered alike.
    controls = [replace(c, id=f"control:{c.id}") if c.id in taken else c for c in controls]
    return own + controls


def _write(path: Path, records: Iterable[Any]) -> None:
    plain = (record if isinstance(record, dict) else asdict(record) for record in records)
    # Wordings that nobody named are left out.
    plain = ({key: value for key, value in record.items() if key != "wordings" or value} for record in plain)
    lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in plain)
    path.write_text("".join(lines), encoding="utf-8", newline="\n")
