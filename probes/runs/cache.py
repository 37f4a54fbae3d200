"""The cache: scores and readings addressed by their content, shared between runs; and what else is kept there.

`KNOWSHIFT_CACHE` names the folder; the default is the user's cache folder. A file that cannot be read, or whose
checksums do not fit, is removed and computed anew.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from ...models.table import schema_with
from ...storage import cache_folder
from .tables import read_metadata, read_table, write_table

SCORES = schema_with({})
"""The schema of score files, with its version."""

RECORDED = ("model", "base", "items", "engine")
"""What a file's metadata says of it for a person."""
SHELF = "[0-9a-f][0-9a-f]"
READINGS = "readings"
KINDS = {
    f"{SHELF}/*.parquet": "scores",
    "readings/*.parquet": "readings",
    f"{SHELF}/*.safetensors": "lens",
    "mentions/*.parquet": "mentions",
    "linkers/[0-9a-f]*": "linker",
}
PARTS = tuple(dict.fromkeys(pattern.rpartition("/")[0] for pattern in KINDS))
"""Where interrupted writes may have left something."""
ABANDONED = 3600.0
"""Age in seconds after which partial files are stale."""


def score_key(parts: Mapping[str, object]) -> str:
    """SHA-256 (hex) over everything a score depends on."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def fetch(key: str) -> pa.Table | None:
    """Return the cached scores of `key`, if there are any."""
    return _take(_place(key), key, SCORES)


def holds(key: str) -> bool:
    """Return whether scores of `key` seem to be there; only reading them shows whether they are whole."""
    return _place(key).is_file()


def store(key: str, table: pa.Table, about: Mapping[str, str]) -> None:
    """Keep finished scores; a cache that cannot be written is no reason to stop."""
    with suppress(OSError):
        write_table(table, _place(key), key, SCORES, about)


def fetch_rows(key: str) -> list[dict[str, Any]] | None:
    """Return the cached readings of `key`, if there are any; see `probes.runs.passages`."""
    table = _take(cache_folder() / READINGS / f"{key}.parquet", key)
    return None if table is None else table.to_pylist()


def store_rows(key: str, table: pa.Table) -> None:
    """Keep a model's readings; a cache that cannot be written is no reason to stop."""
    with suppress(OSError):
        write_table(table, cache_folder() / READINGS / f"{key}.parquet", key, table.schema)


def _take(path: Path, key: str, schema: pa.Schema | None = None) -> pa.Table | None:
    """Return the table at `path`; a file that is damaged, or of another form, is removed."""
    table = read_table(path, key, schema)
    if table is None:
        with suppress(OSError):
            path.unlink(missing_ok=True)
    return table


def _place(key: str) -> Path:
    return cache_folder() / key[:2] / f"{key}.parquet"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the cache."""

    path: Path
    kind: str
    """`scores`, `readings` (of passages), `lens` (tuned), `mentions` (of a corpus), `linker` (a vocabulary's index)."""
    size: int
    """Bytes."""
    age: float
    """Seconds since it was written."""
    about: Mapping[str, str]
    """Names of model, base, items and engine, where they were recorded; empty for a file that cannot be read."""

    def json(self) -> dict[str, Any]:
        return {"path": str(self.path), "kind": self.kind, "size": self.size, "age": self.age, **self.about}


def entries() -> list[Entry]:
    """What is in the cache, newest first."""
    found, now = [], time.time()
    for pattern, kind in KINDS.items():
        for path in cache_folder().glob(pattern):
            with suppress(OSError):  # gone meanwhile
                size = sum(file.stat().st_size for file in (path.rglob("*") if path.is_dir() else [path]))
                about = _about(path) if kind == "scores" else {}
                found.append(Entry(path, kind, size, max(0.0, now - path.stat().st_mtime), about))
    return sorted(found, key=lambda entry: (entry.age, entry.path))


def _about(path: Path) -> dict[str, str]:
    held = read_metadata(path)
    return {name: held[name] for name in RECORDED if held.get(name)}


def clear(older_than: float = 0.0) -> list[Entry]:
    """Removes entries of at least that age in seconds, and what interrupted writes left; returns what is gone.

    Nothing else that lies in the folder is touched. Raises OSError.
    """
    gone = [entry for entry in entries() if entry.age >= older_than]
    for entry in gone:
        if entry.path.is_dir():
            shutil.rmtree(entry.path)
        else:
            entry.path.unlink(missing_ok=True)
    for part in (part for place in PARTS for part in cache_folder().glob(f"{place}/.*.part")):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime >= max(older_than, ABANDONED):
                part.unlink(missing_ok=True)
    for shelf in cache_folder().glob(SHELF):
        with suppress(OSError):  # not empty, or no folder
            shelf.rmdir()
    return gone


def shown_size(count: float) -> str:
    """Bytes as a person reads them."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
