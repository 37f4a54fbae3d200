"""A corpus: documents with specialties, from files of records or folders of text files by specialty."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ...errors import CorpusError, DomainError
from ..domain import Domain
from ..normal_form import normal_form
from ..reading.content import checked_encoding
from ..reading.load import LABEL, expected, read_records
from ..records import Faults, Record

NONE = "none"
"""What a label is mapped to that stands for no specialty of the domain."""


@dataclass(frozen=True, slots=True)
class Document:
    """Running text with the specialties it is about; a control carries the domain's control group alone."""

    id: str
    text: str
    specialties: tuple[str, ...] = ()


@dataclass(frozen=True)
class Corpus:
    """Documents in the order of their files."""

    documents: tuple[Document, ...]

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) of ids and texts: what mentions hang on."""
        digest = hashlib.sha256()
        for document in self.documents:
            for part in (document.id, document.text):
                digest.update(f"{len(part)}\n{part}".encode())
        return digest.hexdigest()

    @classmethod
    def of(cls, domain: Domain) -> Corpus:
        """A domain's own texts, controls too."""
        return cls(tuple(Document(text.id, text.text, text.specialties) for text in domain.texts))

    @classmethod
    def read(
        cls,
        paths: Sequence[Path],
        domain: Domain,
        labels: Mapping[str, Sequence[str]] | None = None,
        encoding: str | None = None,
    ) -> Corpus:
        """Return the documents of files of records, of folders that hold such files, of datasets that were saved to
        disk, or of text files in one folder for each specialty (`terms.reading`).

        A record has `text`, and may have `id` and `specialty` or `specialties`; a question of S-MedQA as released
        (`Question`, `Specialty`) is a document too, without its options. `labels` says which specialties of the domain
        a label of the corpus stands for. Raises CorpusError with the first ten faults.
        """
        known = {
            normal_form(label): tuple(NONE if name == NONE else domain.specialty(name).id for name in names)
            for label, names in (labels or {}).items()
        }
        reader = _Reader(domain, known, checked_encoding(encoding))
        try:
            found = [document for path in paths for document in reader.documents(path)]
            reader.finish(found)
        except DomainError as error:
            raise CorpusError(str(error)) from None
        if not found:
            shown = ", ".join(map(str, paths))
            raise CorpusError(f"{shown}: the corpus is empty; expected documents with a text")
        return cls(tuple(found))


@dataclass
class _Reader:
    domain: Domain
    labels: dict[str, tuple[str, ...]]
    encoding: str | None = None
    faults: Faults = field(default_factory=Faults)
    unknown: dict[str, int] = field(default_factory=dict)

    def documents(self, path: Path) -> Iterator[Document]:
        if not path.exists():
            raise CorpusError(f"{path}: no such file or folder; {expected()}")
        records = list(read_records(path, self.faults, encoding=self.encoding))
        width = len(str(len(records)))
        for number, record in enumerate(records, 1):
            question = record.has("Question") and not record.has("text")
            id = record.id(f"{path.stem}-{number:0{width}}")
            text = record.text("Question" if question else "text")
            yield Document(id, text, self._specialties(record, "Specialty" if question else LABEL))

    def _specialties(self, record: Record, one: str) -> tuple[str, ...]:
        several = "specialties" if record.has("specialties") else one
        if isinstance(record.data.get(several), list):
            names = record.texts(several)
        else:
            names = (record.text(several),) if record.has(several) else ()
        return self._known(filter(None, names))

    def _known(self, labels: Iterator[str] | list[str]) -> tuple[str, ...]:
        out: list[str] = []
        for label in labels:
            if label == self.domain.general:
                out.append(label)
                continue
            try:
                names = self.labels.get(normal_form(label)) or (self.domain.specialty(label).id,)
                out += [name for name in names if name != NONE]
            except DomainError:
                self.unknown[label] = self.unknown.get(label, 0) + 1
        return tuple(dict.fromkeys(out))

    def finish(self, found: Sequence[Document]) -> None:
        """Raises DomainError for whatever was wrong."""
        seen: set[str] = set()
        for document in found:
            if document.id in seen:
                self.faults.add(f'document "{document.id}"', "another document has this id; give each its own")
            seen.add(document.id)
        for label, count in self.unknown.items():
            known = ", ".join([*self.domain.specialties, self.domain.general])
            self.faults.add(
                f'specialty "{label}" ({count} documents)',
                f"unknown in domain {self.domain.name}; say --map {label}=NAME[,NAME] with some of: {known}; "
                f"or --map {label}={NONE}",
            )
        self.faults.raise_any()
