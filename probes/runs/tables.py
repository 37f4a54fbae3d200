"""Table files: Parquet that is there whole or not at all, its key and the digest of its values in the metadata."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ...storage import atomic_write

UNREADABLE = (pa.ArrowException, OSError, ValueError, MemoryError)
"""What reading a damaged file may raise."""


def write_table(
    table: pa.Table, path: Path, key: str, schema: pa.Schema, about: Mapping[str, str] | None = None
) -> None:
    """Write a table of that schema so that the file is there whole or not at all.

    The key, `about` (names, for a person) and the schema's own metadata become the file's metadata.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = table.cast(schema.remove_metadata())
    kept = {name.decode(): value.decode() for name, value in (schema.metadata or {}).items()}
    marked = plain.replace_schema_metadata({**kept, **(about or {}), "key": key, "digest": _digest(plain)})
    with atomic_write(path) as part:
        pq.write_table(marked, part, compression="zstd", write_page_checksum=True, version="2.6")


def read_table(path: Path, key: str, schema: pa.Schema | None = None) -> pa.Table | None:
    """Return the table at `path`; None where the file is absent, damaged, or of another key or schema."""
    try:
        if not path.is_file():
            return None
        table = pq.read_table(path, page_checksum_verification=True)
        metadata = table.schema.metadata or {}
        if metadata.get(b"key") != key.encode():
            return None
        if schema is not None and not table.schema.equals(schema):  # A damaged header can change a column's type.
            return None
        if metadata.get(b"digest") != _digest(table).encode():
            return None
    except UNREADABLE:
        return None
    return table.replace_schema_metadata(None if schema is None else schema.metadata)


def has_key(path: Path, key: str) -> bool:
    """Return whether the file at `path` says that it is of `key`; only reading it shows whether it is whole."""
    return read_metadata(path).get("key") == key


def read_metadata(path: Path) -> dict[str, str]:
    """Return the metadata of a table file; nothing where it cannot be read."""
    try:
        return {name.decode(): value.decode() for name, value in (pq.read_schema(path).metadata or {}).items()}
    except UNREADABLE:
        return {}


def _digest(table: pa.Table) -> str:
    """SHA-256 (hex) of the values: Parquet's own checksums do not cover a file's headers and footer."""
    digest = hashlib.sha256()
    for column in table.columns:
        values = column.combine_chunks()
        while pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
            digest.update(pc.fill_null(pc.list_value_length(values), -1).to_numpy().tobytes())
            values = values.flatten()
        if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
            if values.null_count:
                digest.update(values.is_null().to_numpy(zero_copy_only=False).tobytes())
            digest.update(values.to_numpy(zero_copy_only=False).tobytes())
        else:
            digest.update(json.dumps(values.to_pylist(), default=repr).encode())
    return digest.hexdigest()
