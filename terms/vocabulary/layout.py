"""The compiled form of a vocabulary: how it lies in its file. Read by `compiled`.

The file is an uncompressed zip, as npz is:

    concepts.arrow                    the entries, in batches of Arrow IPC; read where they lie
    names.marisa, .starts, .pairs     normal names → (concept, spelling: 0 the name, k the alias k): see `index`
    codes.marisa, .starts, .pairs     ids and cross-references → (concept, 0 its id, 1 a cross-reference)
    about.json                        what it was made from; the format's version

The same entries give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..._version import __version__
from ...errors import VocabularyError
from .entry import Entry, canonical, normal
from .index import Index
from .reading import Progress

FORMAT = 2
"""Goes up with any change of the layout."""
BATCH = 8192
"""Entries in a batch; in the last there may be fewer."""
SCHEMA = pa.schema([(f.name, pa.string() if f.type == "str" else pa.list_(pa.string())) for f in fields(Entry)])

_Row = tuple[str, int, int]
_HEADER = 30
"""Bytes of a zip member's local header, before its name and extra field (APPNOTE 4.3.7)."""


class Parts:
    """The opened file: the entries and arrays stay in the mapped file, the tries are checked and copied."""

    def __init__(self, path: Path) -> None:
        """Raises VocabularyError where the file is not a compiled vocabulary, or of another format."""
        try:
            with path.open("rb") as file, zipfile.ZipFile(file) as members:
                self.about = json.loads(members.read("about.json"))
                if self.about["format"] != FORMAT:
                    raise VocabularyError(
                        f"{path}: compiled in format {self.about['format']} by knowshift {self.about['made_by']},"
                        f" expected format {FORMAT}; compile it again: probe terms vocabulary SOURCE --out FILE"
                    )
                whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
                self.concepts = pa.ipc.open_file(pa.py_buffer(_member(members, whole, "concepts.arrow")))
                self.names, self.codes = (_index(members, whole, stem) for stem in ("names", "codes"))
        except OSError as error:
            raise VocabularyError(f"{path}: cannot be read: {error.strerror or error}") from error
        except (zipfile.BadZipFile, LookupError, ValueError, TypeError, RuntimeError, pa.ArrowException) as error:
            raise VocabularyError(
                f"{path}: not a compiled vocabulary, or a broken one; make one with: probe terms vocabulary SOURCE"
                " --out FILE"
            ) from error


def _member(members: zipfile.ZipFile, whole: memoryview, name: str) -> memoryview:
    info = members.getinfo(name)
    begin = info.header_offset + _HEADER
    # Name and extra field may be longer here than in the zip's directory.
    begin += sum(int.from_bytes(whole[begin - at : begin - at + 2], "little") for at in (4, 2))
    if info.compress_type != zipfile.ZIP_STORED or begin + info.file_size > len(whole):
        raise zipfile.BadZipFile(name)
    return whole[begin : begin + info.file_size]


def _index(members: zipfile.ZipFile, whole: memoryview, stem: str) -> Index:
    starts, pairs = (_member(members, whole, f"{stem}.{end}") for end in ("starts", "pairs"))
    return Index.load(members.read(f"{stem}.marisa"), starts, pairs)


def pack(entries: Iterable[Entry], path: Path, about: dict[str, Any], progress: Progress | None = None) -> None:
    """Writes the file, whole or not at all. Entries are taken one by one; `about` is read after the last of them.

    Raises VocabularyError where there is no entry, an id stands twice, or the file cannot be written.
    """
    if path.is_dir():
        raise VocabularyError(f"{path}: is a folder; give the path of the file to write")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as place:
            folder = Path(place)
            concepts = folder / "concepts.arrow"
            counts, digest = _write_concepts(entries, concepts)
            if not counts["concepts"]:
                raise VocabularyError(f"{path}: no concept to write; expected at least one")
            longest = 0

            def names() -> Iterator[_Row]:
                nonlocal longest
                for spelling, concept, number in spellings(_batches(concepts)):
                    if key := normal(spelling):
                        longest = max(longest, len(key))
                        yield key, concept, number

            total = sum(counts.values())
            by_name = Index.build(_told(names, "names", 2 * total, progress))
            by_code = Index.build(lambda: codes(_batches(concepts)))
            if twice := by_code.twice():
                raise VocabularyError(f"the id {twice} stands twice; expected each concept once")
            counts = {**about.get("counts", {}), **counts}
            head = {**about, "counts": counts, "longest": longest}
            head |= {"hash": digest, "format": FORMAT, "made_by": __version__}
            (folder / "about.json").write_text(json.dumps(head, indent=1, ensure_ascii=False), encoding="utf-8")
            parts = [concepts, *by_name.save(folder, "names"), *by_code.save(folder, "codes"), folder / "about.json"]
            _zip(parts, folder / "whole")
            os.replace(folder / "whole", path)
    except OSError as error:
        raise VocabularyError(
            f"{path}: cannot be written ({error.strerror or error}); free some space or choose another place"
        ) from error


def spellings(batches: Iterable[pa.RecordBatch]) -> Iterator[_Row]:
    """Every name (0) and alias (1, 2, …) as (spelling, concept, number)."""
    for concept, (name, aliases) in _columns(batches, "name", "aliases"):
        yield name, concept, 0
        for number, alias in enumerate(aliases, 1):
            yield alias, concept, number


def codes(batches: Iterable[pa.RecordBatch]) -> Iterator[_Row]:
    """Every id (0) and cross-reference (1), canonical, as (code, concept, number)."""
    for concept, (id, xrefs) in _columns(batches, "id", "xrefs"):
        own = canonical(id)
        yield own, concept, 0
        yield from ((code, concept, 1) for code in dict.fromkeys(map(canonical, xrefs)) if code != own)


def _columns(batches: Iterable[pa.RecordBatch], *names: str) -> Iterator[tuple[int, tuple[Any, ...]]]:
    concept = 0
    for batch in batches:
        for values in zip(*(batch.column(name).to_pylist() for name in names), strict=True):
            yield concept, values
            concept += 1


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    # Read and not mapped: mapped pages count as this process's memory.
    with pa.OSFile(str(path), "rb") as source:
        reader = pa.ipc.open_file(source)
        yield from map(reader.get_batch, range(reader.num_record_batches))


def _write_concepts(entries: Iterable[Entry], path: Path) -> tuple[dict[str, int], str]:
    """Writes the entries batch by batch; returns counts and the SHA-256 (hex) of their content."""
    digest = hashlib.sha256()
    counts = {"concepts": 0, "aliases": 0}
    left = iter(entries)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, SCHEMA) as writer:
        while batch := list(islice(left, BATCH)):
            rows = [tuple(getattr(entry, name) for name in SCHEMA.names) for entry in batch]
            for entry, row in zip(batch, rows, strict=True):
                if not normal(entry.name):
                    raise VocabularyError(f"concept {entry.id!a} has a blank name; expected text")
                try:
                    digest.update(json.dumps(row, ensure_ascii=False).encode() + b"\n")
                except UnicodeEncodeError as error:
                    raise VocabularyError(
                        f"concept {entry.id!a}: half of a surrogate pair; expected text that UTF-8 can hold"
                    ) from error
            columns = [pa.array(each, kind) for each, kind in zip(zip(*rows, strict=True), SCHEMA.types, strict=True)]
            writer.write_batch(pa.record_batch(columns, schema=SCHEMA))
            counts["concepts"] += len(batch)
            counts["aliases"] += sum(len(entry.aliases) for entry in batch)
    return counts, digest.hexdigest()


def _told(
    rows: Callable[[], Iterator[_Row]], stage: str, total: int, progress: Progress | None
) -> Callable[[], Iterator[_Row]]:
    """The same rows; how many were taken, over all passes, is told."""
    done = 0

    def counted() -> Iterator[_Row]:
        nonlocal done
        for row in rows():
            if progress and done % 100_000 == 0:
                progress(stage, done, total)
            done += 1
            yield row
        if progress:
            progress(stage, done, total)

    return counted


def _zip(parts: Iterable[Path], path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for part in parts:
            # ZipInfo's date is fixed, so that the same entries give the same bytes.
            with part.open("rb") as source, file.open(zipfile.ZipInfo(part.name), "w", force_zip64=True) as target:
                while block := source.read(1 << 20):
                    target.write(block)
