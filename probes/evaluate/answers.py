"""What a model answered: one table an ask and model, written shard by shard, whole or not at all.

Written by the runner; every score is computed from it, so a metric can be mended without asking again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ...storage import whole

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("question", pa.string()),
        ("logprobs", pa.list_(pa.float64())),
        ("answer", pa.string()),
        ("prompt", pa.string()),
    ]
)
"""`logprobs`: nats, one a continuation (or of the text alone), empty for a written answer; `answer`: what was written;
`prompt`: SHA-256 (hex) of what the model read."""


def write(table: pa.Table, path: Path, key: str) -> None:
    """Keeps a table; `key` and a digest of its rows stand in the file's metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    marked = table.cast(SCHEMA.with_metadata({"key": key, "digest": _digest(table)}))
    with whole(path) as part:
        pq.write_table(marked, part, compression="zstd", write_page_checksum=True)


def read(path: Path, key: str) -> pa.Table | None:
    """The table at `path` if it is whole and was written under `key`, else None."""
    try:
        table = pq.read_table(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError, ValueError):
        return None
    held = {name.decode(): value.decode() for name, value in (table.schema.metadata or {}).items()}
    plain = table.replace_schema_metadata(None)
    if held.get("key") != key or not plain.schema.equals(SCHEMA) or held.get("digest") != _digest(plain):
        return None
    return plain


def drop(folder: Path) -> None:
    """Removes a folder of shards, once their table is written."""
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # another model's shards may still lie there
        folder.parent.rmdir()


def _digest(table: pa.Table) -> str:
    return hashlib.sha256(json.dumps(table.to_pylist(), sort_keys=True).encode()).hexdigest()
