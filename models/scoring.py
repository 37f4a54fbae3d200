"""Scoring: items through one checkpoint into the score table, shard by shard.

`plan_scoring` aligns the items and fixes the batch plan; `score_shards` runs it, skipping shards already written;
`score` does both in memory. Read by `probes.runs.directory`, which gives shards their files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import torch

from ..errors import ItemError
from .alignment import Aligned, TokenSequence, align
from .engines.faults import out_of_memory
from .engines.hooks import HooksEngine
from .engines.protocol import Batch, Engine
from .layers import Lens
from .plan import BatchPlan
from .readout import Readout, read
from .table import SCHEMA
from .template import PLAIN, Template

if TYPE_CHECKING:
    from jaxtyping import Bool, Int
    from numpy.typing import NDArray
    from torch import Tensor

    from ..terms.items import Item
    from .checkpoint import Checkpoint


@dataclass(slots=True)
class ScoringPlan:
    """Sequences and their batches for one tokenizer; the same for base and tuned where they share it."""

    aligned: Aligned
    batches: BatchPlan
    order: dict[str, int]
    """Item id → place in the list of items: the order of the finished table."""

    @property
    def shards(self) -> int:
        return len(self.batches.shards)

    def sequences(self, shard: int) -> int:
        return sum(map(len, self.batches.shards[shard]))


@dataclass(slots=True)
class BatchTargets:
    """The target tokens of a batch, sequence by sequence."""

    target: Int[Tensor, "targets"]
    """The token id whose probability is asked for."""
    place: Int[Tensor, "targets"]
    """Which of the batch's places predicts it."""
    first: Bool[Tensor, "targets"]
    """Whether it is its target's first token, whose rank is read."""


def plan_scoring(items: Sequence[Item], checkpoint: Checkpoint, template: Template = PLAIN) -> ScoringPlan:
    """Aligns `items` with the checkpoint's tokenizer and fixes the batches. Raises `ItemError`, `CheckpointError`."""
    aligned = align(items, checkpoint.tokenizer, checkpoint.anatomy.context, template)
    sequences, boundary = aligned.sequences, checkpoint.anatomy.rope_boundary
    for sequence in sequences:
        # A text beyond the boundary is rotated as such, so what is read of it must lie beyond it too.
        sequence.least = boundary + 1 if boundary is not None and len(sequence.ids) > boundary else 0
    lengths, stems = [s.length for s in sequences], [s.ids[: s.shared] for s in sequences]
    batches = BatchPlan.of(lengths, stems, boundary=boundary)
    return ScoringPlan(aligned, batches, {item.id: place for place, item in enumerate(items)})


def make_batch(sequences: Sequence[TokenSequence], device: torch.device | str) -> tuple[Batch, BatchTargets]:
    """Pads `sequences` on the right and lays out their target tokens, in order.

    Where neighbours begin with the same tokens, what these predict is read at one place for all.
    """
    ids = np.zeros((len(sequences), max(s.length for s in sequences)), dtype=np.int64)
    stem: list[int] = []
    kept: list[tuple[int, int]] = []  # row and column of each place
    asked: list[tuple[int, int, bool]] = []  # token, place, whether it is its target's first
    places: dict[tuple[int, ...], int] = {}
    begin: Sequence[int] = ()
    for row, sequence in enumerate(sequences):
        ids[row, : sequence.length] = sequence.ids[: sequence.length]
        shared = sequence.shared
        if not shared or sequence.ids[:shared] != begin:
            begin, places = sequence.ids[:shared], {}
            stem.append(stem[-1] + 1 if stem else 0)
        else:
            stem.append(stem[-1])
        for target in sequence.targets:
            for position in range(target.first, target.last):
                before = tuple(sequence.ids[shared:position]) if shared else (position,)
                if before not in places:
                    places[before] = len(kept)
                    kept.append((row, position - 1))
                asked.append((sequence.ids[position], places[before], position == target.first))

    def tensor(values: object) -> Tensor:
        return torch.as_tensor(values, device=device)

    rows, columns = tensor(kept).unbind(1)
    tokens, place, first = tensor(asked).unbind(1)
    batch = Batch(tensor(ids), rows, columns, tensor(stem), tensor([sequence.shared for sequence in sequences]))
    return batch, BatchTargets(tokens, place, first.bool())


def _run(engine: Engine, checkpoint: Checkpoint, sequences: Sequence[TokenSequence], lens: Lens) -> Readout:
    """One batch; halved and run again where the device's memory does not hold it."""
    try:
        return _read(engine, checkpoint, sequences, lens)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        if len(sequences) == 1:
            raise ItemError(
                f"item {sequences[0].targets[0].item}: a single text of {len(sequences[0].ids)} tokens does not fit "
                "the device's memory; use a smaller --dtype or another --device"
            ) from error
    if checkpoint.device.type == "cuda":
        torch.cuda.empty_cache()
    half = len(sequences) // 2
    parts = [_run(engine, checkpoint, part, lens) for part in (sequences[:half], sequences[half:])]
    return Readout(
        torch.cat([part.logprob for part in parts]),
        torch.cat([part.tempered for part in parts]),
        torch.cat([part.lens for part in parts], 1),
        torch.cat([part.rank for part in parts], 1),
    )


def _read(engine: Engine, checkpoint: Checkpoint, sequences: Sequence[TokenSequence], lens: Lens) -> Readout:
    """One batch; what it holds is gone when it returns or fails, so that its halves have room."""
    batch, wanted = make_batch(sequences, checkpoint.device)
    residuals = engine.residuals(checkpoint, batch, lens.layers)
    # The head may run on another device than the embedding.
    target, place, first = (each.to(residuals.device) for each in (wanted.target, wanted.place, wanted.first))
    return read(checkpoint.anatomy, residuals, target, place, first, lens.through)


def _rows(sequences: Sequence[TokenSequence], readout: Readout, engine: Engine, with_lens: bool) -> pa.RecordBatch:
    """Score rows of one batch: sums over each target's tokens, in double precision."""
    targets = [target for sequence in sequences for target in sequence.targets]
    tokens = np.array([target.last - target.first for target in targets], dtype=np.int16)
    ends = tokens.cumsum(dtype=np.int32)
    begins = ends - tokens

    def sums(values: Tensor, axis: int) -> NDArray[np.float64]:
        # There first: MPS has no doubles.
        return np.add.reduceat(values.cpu().double().numpy(), begins, axis)

    columns = {
        "item": [target.item for target in targets],
        "cue": [target.cue for target in targets],
        "role": [target.role for target in targets],
        "window": [target.window for target in targets],
        "tokens": tokens,
        "characters": [target.characters for target in targets],
        "logprob": sums(readout.logprob, 0),
        "token_logprobs": pa.ListArray.from_arrays(np.append(0, ends).astype(np.int32), readout.logprob.cpu().numpy()),
        "tempered": _lists(sums(readout.tempered, 0), np.float32),
        "lens": _lists(sums(readout.lens, 1).T, np.float32) if with_lens else [None] * len(targets),
        "rank": _lists(readout.rank.cpu().numpy()[:, begins].T, np.int32) if with_lens else [None] * len(targets),
        "flags": [",".join(target.flags) for target in targets],
        "engine": [engine.name] * len(targets),
    }
    return pa.RecordBatch.from_pydict(columns, schema=SCHEMA)


def _lists(values: NDArray[np.generic], dtype: type[np.generic]) -> pa.ListArray:
    """[rows, n] as a column of lists."""
    rows, width = values.shape
    offsets = np.arange(0, (rows + 1) * width, width, dtype=np.int32)
    return pa.ListArray.from_arrays(offsets, values.astype(dtype).ravel())


def score_shards(
    plan: ScoringPlan,
    checkpoint: Checkpoint,
    *,
    engine: Engine | None = None,
    lens: Lens | bool = True,
    done: frozenset[int] = frozenset(),
) -> Iterator[tuple[int, pa.Table]]:
    """Yields (shard, its rows) for every shard that is not in `done`; `lens` as `score` takes it."""
    engine = engine or HooksEngine()
    count = len(checkpoint.anatomy.layers)
    reading = lens if isinstance(lens, Lens) else Lens(tuple(range(count)) if lens else (count - 1,))
    with checkpoint.active(), ExitStack() as after:
        after.callback(engine.release)
        for shard, batches in enumerate(plan.batches.shards):
            if shard in done:
                continue
            rows = []
            for batch in batches:
                sequences = [plan.aligned.sequences[index] for index in batch]
                readout = _run(engine, checkpoint, sequences, reading)
                rows.append(_rows(sequences, readout, engine, bool(lens)))
            yield shard, pa.Table.from_batches(rows, SCHEMA)


def in_order(table: pa.Table, plan: ScoringPlan) -> pa.Table:
    """The table's rows by item (in the items' order), cue, role and window."""
    place = np.array([plan.order[item] for item in table["item"].to_pylist()])
    keys = [table[name].to_numpy() for name in ("window", "role", "cue")]
    return table.take(pa.array(np.lexsort([*keys, place])))


def score(
    items: Sequence[Item],
    checkpoint: Checkpoint,
    *,
    template: Template = PLAIN,
    engine: Engine | None = None,
    lens: Lens | bool = True,
) -> pa.Table:
    """Scores `items` with `checkpoint`; the table of `models.table.SCHEMA`, in the items' order.

    `lens` says which layers are read and through what; True is the raw lens at all of them, False none.
    Raises `ItemError` where a target does not fit the model's context.
    """
    plan = plan_scoring(items, checkpoint, template)
    tables = [table for _, table in score_shards(plan, checkpoint, engine=engine, lens=lens)]
    return in_order(pa.concat_tables(tables) if tables else SCHEMA.empty_table(), plan)
