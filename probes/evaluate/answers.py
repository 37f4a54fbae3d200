"""What a model answered: one table an ask and model, computed and kept shard by shard.

Written by the runner; every score is computed from it, so a metric can be fixed without asking again. What was asked
before an interruption is not asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from ...progress import Progress
from ..runs.execution import SERIAL, Executor
from ..runs.shards import ShardStore, build_table

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
    executor: Executor = SERIAL,
) -> pa.Table | None:
    """Return the table of `count` documents at `path`, asking those whose answers are not stored under `key`.

    `ask` is given the numbers of a shard's documents. None where another process assembles the table.
    """
    documents = [range(begin, min(begin + SHARD, count)) for begin in range(0, count, SHARD)]

    def compute(shards: Sequence[int]) -> Iterator[tuple[int, pa.Table]]:
        for shard in shards:
            yield shard, ask(documents[shard])

    store, sizes = ShardStore(path, key, SCHEMA), [len(shard) for shard in documents]
    return build_table(store, stage, sizes, compute, executor=executor, progress=progress)
