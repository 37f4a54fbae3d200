"""The cache: scores and readings addressed by their content, shared between runs; and what else is kept there.

`KNOWSHIFT_CACHE` names the folder; the default is the user's cache folder. A file that cannot be read, or whose
checksums do not fit, is removed and computed anew.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ...models.table import SCHEMA, schema_with
from ...storage import cache_folder, whole

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
"""Seconds after which a file that is being written is taken for what an interrupted run left."""


def score_key(parts: Mapping[str, object]) -> str:
    """SHA-256 (hex) over everything a score depends on."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _digest(table: pa.Table) -> str:
    """SHA-256 (hex) of the values: Parquet's own checksums do not cover a file's headers and footer."""
    digest = hashlib.sha256()
    for column in table.columns:
        values = column.combine_chunks()
        if pa.types.is_list(values.type):
            digest.update(pc.fill_null(pc.list_value_length(values), -1).to_numpy().tobytes())
            values = values.flatten()
        if pa.types.is_string(values.type):
            digest.update("\0".join(values.to_pylist()).encode())
        else:
            digest.update(values.to_numpy(zero_copy_only=False).tobytes())
    return digest.hexdigest()


def write_table(table: pa.Table, path: Path, key: str, about: Mapping[str, str] | None = None) -> None:
    """Writes a score table so that it is there whole or not at all; its key stands in the file's metadata.

    `about` (names, for a person) stands there too.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    marked = table.cast(schema_with({**(about or {}), "key": key, "digest": _digest(table)}))
    with whole(path) as part:
        pq.write_table(marked, part, compression="zstd", write_page_checksum=True, version="2.6")


def read_table(path: Path, key: str) -> pa.Table | None:
    """The score table at `path` if it is whole and has that key; else None, and a broken file is removed."""
    table = _whole(path, lambda table: _digest(table) if table.schema.equals(SCHEMA) else "")
    return table if table is not None and (table.schema.metadata or {}).get(b"key") == key.encode() else None


def _whole(path: Path, digest: Callable[[pa.Table], str]) -> pa.Table | None:
    """The table at `path` if its values have the digest it was written with; else None, and the file is removed."""
    try:
        if not path.is_file():
            return None
        table = pq.read_table(path, page_checksum_verification=True)
        whole = (table.schema.metadata or {}).get(b"digest") == digest(table).encode()
    except (pa.ArrowException, OSError, ValueError, MemoryError):
        whole = False
    if not whole:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        return None
    return table


def fetch(key: str) -> pa.Table | None:
    """The cached table of `key`, if there is one."""
    return read_table(_place(key), key)


def holds(key: str) -> bool:
    """Whether a table of `key` seems to be there; only reading it shows whether it is whole."""
    return _place(key).is_file()


def marked(path: Path, key: str) -> bool:
    """Whether the file at `path` says that it holds the scores of `key`; only reading it shows whether it is whole."""
    try:
        return (pq.read_schema(path).metadata or {}).get(b"key") == key.encode()
    except (pa.ArrowException, OSError, ValueError):
        return False


def store(key: str, table: pa.Table, about: Mapping[str, str]) -> None:
    """Keeps a finished table; a cache that cannot be written is no reason to stop."""
    with suppress(OSError):
        write_table(table, _place(key), key, about)


def fetch_rows(key: str) -> list[dict[str, Any]] | None:
    """The cached readings of `key`, if there are any; see `probes.runs.passages`."""
    table = _whole(cache_folder() / READINGS / f"{key}.parquet", lambda table: _rows_digest(table.to_pylist()))
    return None if table is None else table.to_pylist()


def store_rows(key: str, table: pa.Table) -> None:
    """Keeps a model's readings; a cache that cannot be written is no reason to stop."""
    path = cache_folder() / READINGS / f"{key}.parquet"
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        marked = table.replace_schema_metadata({"digest": _rows_digest(table.to_pylist())})
        with whole(path) as part:
            pq.write_table(marked, part, compression="zstd", write_page_checksum=True)


def _rows_digest(rows: list[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


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
    try:
        held = {name.decode(): value.decode() for name, value in (pq.read_schema(path).metadata or {}).items()}
    except (pa.ArrowException, OSError, ValueError):
        return {}
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
