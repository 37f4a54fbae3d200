"""The score cache: finished score tables addressed by their content, shared between runs.

`KNOWSHIFT_CACHE` names the folder; the default is the user's cache folder. A file that cannot be read, or whose
checksums do not fit, is removed and computed anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from platformdirs import user_cache_path

from ..models.table import SCHEMA, schema_with


def folder() -> Path:
    """Where scores are kept."""
    given = os.environ.get("KNOWSHIFT_CACHE")
    return Path(given) if given else user_cache_path("knowshift") / "scores"


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


def write_table(table: pa.Table, path: Path, key: str) -> None:
    """Writes a score table so that it is there whole or not at all; its key stands in the file's metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    marked = table.cast(schema_with({"key": key, "digest": _digest(table)}))
    try:
        pq.write_table(marked, part, compression="zstd", write_page_checksum=True, version="2.6")
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def read_table(path: Path, key: str) -> pa.Table | None:
    """The score table at `path` if it is whole and has that key; else None, and a broken file is removed."""
    try:
        if not path.is_file():
            return None
        table = pq.read_table(path, page_checksum_verification=True)
        held = {name.decode(): value.decode() for name, value in (table.schema.metadata or {}).items()}
        whole = table.schema.equals(SCHEMA) and held.get("digest") == _digest(table)
    except (pa.ArrowException, OSError, ValueError, MemoryError):
        whole = False
    if not whole:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        return None
    return table if held.get("key") == key else None


def fetch(key: str) -> pa.Table | None:
    """The cached table of `key`, if there is one."""
    return read_table(folder() / key[:2] / f"{key}.parquet", key)


def store(key: str, finished: Path) -> None:
    """Keeps a copy of a finished table; a cache that cannot be written is no reason to stop."""
    target = folder() / key[:2] / f"{key}.parquet"
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(finished, part)
        os.replace(part, target)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
