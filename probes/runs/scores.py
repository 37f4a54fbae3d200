"""Scoring within a run: each model's score table from the run itself, from the cache, or computed shard by shard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from ...progress import Progress
from ..analysis.scores import require_finite
from . import cache
from .execution import SERIAL, Executor
from .shards import ShardStore, build_table

if TYPE_CHECKING:
    from ...models.checkpoint import Checkpoint
    from ...models.engines.protocol import Engine
    from ...models.layers import Lens
    from ...models.scoring import ScoringPlan


def score_store(run: Path, name: str, key: str) -> ShardStore:
    """Return where a model's scores lie in the folder `run`; `name` is that of its file."""
    return ShardStore(run / "scores" / f"{name}.parquet", key, cache.SCORES)


def score_model(
    store: ShardStore,
    plan: ScoringPlan,
    checkpoint: Checkpoint,
    *,
    lens: Lens | bool = True,
    engine: Engine | None = None,
    executor: Executor = SERIAL,
    progress: Progress | None = None,
    about: Mapping[str, str] | None = None,
) -> pa.Table | None:
    """Return a model's score table; None where another process assembles it.

    `about` names model, base, items and engine in the cache's list. Raises `ItemError` where a score is not finite.
    """
    from ...models.scoring import in_order, score_shards

    name = store.path.stem
    table = store.read()
    if table is None and (table := cache.fetch(store.key)) is not None:
        store.write(table)
    if table is not None:
        if progress:
            total = len(plan.aligned.sequences)
            progress(f"{name} (scored before)", total, total)
        return table

    def compute(shards: Sequence[int]) -> Iterator[tuple[int, pa.Table]]:
        done = frozenset(range(plan.shards)).difference(shards)
        for shard, rows in score_shards(plan, checkpoint, engine=engine, lens=lens, done=done):
            require_finite(rows, name)
            yield shard, rows

    sizes = [plan.sequences(shard) for shard in range(plan.shards)]
    arrange = partial(in_order, plan=plan)
    table = build_table(store, name, sizes, compute, executor=executor, arrange=arrange, progress=progress)
    if table is not None:
        cache.store(store.key, table, about or {"model": name})
    return table
