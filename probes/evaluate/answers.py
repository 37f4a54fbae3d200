"""What a model answered: one table an ask and model, written shard by shard, whole or not at all.

Written by the runner; every score is computed from it, so a metric can be mended without asking again. What was asked
before an interruption is not asked again, and several processes ask a share each (`processes`).
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from zlib import crc32

import pyarrow as pa
import pyarrow.parquet as pq

from ...storage import whole
from ..runs.directory import Progress
from .processes import ALONE, Processes

SHARD = 64
"""Documents that are asked, and kept, together."""
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


def collect(
    path: Path,
    key: str,
    count: int,
    ask: Callable[[range], pa.Table],
    progress: Progress | None = None,
    stage: str = "",
    here: Processes = ALONE,
) -> pa.Table | None:
    """The table of `count` documents at `path`; those of which no answers are kept under `key` are asked.

    `ask` is given the numbers of a shard's documents. None in a process that is not the run's first.
    """
    if (table := read(path, key)) is not None:
        return table
    parts = path.parent / ".parts" / f"{path.stem}-{key[:16]}"
    shards = [range(begin, min(begin + SHARD, count)) for begin in range(0, count, SHARD)]
    found: dict[int, pa.Table] = {}

    def known(number: int, shard: pa.Table) -> None:
        found[number] = shard
        if progress:
            progress(stage, sum(table.num_rows for table in found.values()), count)

    def file(number: int) -> Path:
        return parts / f"{number:05d}.parquet"

    turn = crc32(key.encode())  # or the first process would have all tables of one shard
    for number, documents in enumerate(shards):
        if here.takes(turn + number):
            shard = read(file(number), key)
            if shard is None:
                if (table := read(path, key)) is not None:  # put together meanwhile, by another process
                    return table
                shard = ask(documents)
                write(shard, file(number), key)
            known(number, shard)
    if not here.first:
        return None
    for number in range(len(shards)):
        if number not in found:
            known(number, here.wait(partial(read, file(number), key), file(number)))
    table = pa.concat_tables([SCHEMA.empty_table(), *(found[number] for number in range(len(shards)))])
    write(table, path, key)
    shutil.rmtree(parts, ignore_errors=True)
    with suppress(OSError):  # another model's shards may still lie there
        parts.parent.rmdir()
    return table


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


def _digest(table: pa.Table) -> str:
    return hashlib.sha256(json.dumps(table.to_pylist(), sort_keys=True).encode()).hexdigest()
