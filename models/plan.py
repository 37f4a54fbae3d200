"""The batch plan: which sequences run together, fixed from the whole list before the first pass.

The candidates of a cue, which begin with the same tokens, stay together; what is of like size goes together. Batches
are gathered in fixed shards, each written as one file, so a run that goes on after an interruption computes exactly
the batches it would have computed, and its scores are the same to the byte. Written here, read by `models.scoring`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby

BATCH_TOKENS = 4096
SHARD_TOKENS = 16384


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """`shards[s][b]` lists the indices of the sequences of batch b of shard s."""

    shards: tuple[tuple[tuple[int, ...], ...], ...]
    tokens: int
    """Tokens to be read, padding included."""

    @classmethod
    def of(
        cls,
        lengths: Sequence[int],
        stems: Sequence[Sequence[int]] = (),
        batch_tokens: int = BATCH_TOKENS,
        shard_tokens: int = SHARD_TOKENS,
        boundary: int | None = None,
    ) -> BatchPlan:
        """Return the plan for sequences of `lengths` tokens: longest first, so that memory trouble shows at once.

        Args:
            lengths: Tokens of each sequence.
            stems: The tokens that a sequence shares with its neighbours in the list, empty for none.
            batch_tokens: Most tokens of a batch.
            shard_tokens: Most tokens of a shard.
            boundary: Sequences of more tokens than this are in no batch with others (`Anatomy.rope_boundary`).
        """
        shards: list[tuple[tuple[int, ...], ...]] = []
        gathered: list[tuple[int, ...]] = []
        held = total = 0
        is_long = [boundary is not None and length > boundary for length in lengths]
        bundles = list(_bundles(lengths, stems or [()] * len(lengths), is_long, batch_tokens))
        alike = ([bundle for bundle in bundles if is_long[bundle[1][0]] == wanted] for wanted in (True, False))
        for size, batch in chain.from_iterable(_batches(some, batch_tokens) for some in alike):
            if gathered and held + size > shard_tokens:
                shards.append(tuple(gathered))
                gathered, held = [], 0
            gathered.append(batch)
            held += size
            total += size
        if gathered:
            shards.append(tuple(gathered))
        return cls(tuple(shards), total)


Bundle = tuple[int, list[int]]
"""Tokens to be read, those that are shared once, and the sequences."""


def _bundles(
    lengths: Sequence[int], stems: Sequence[Sequence[int]], is_long: Sequence[bool], budget: int
) -> Iterator[Bundle]:
    for _, members in groupby(range(len(lengths)), key=lambda index: (stems[index] or index, is_long[index])):
        indices = list(members)
        shared = len(stems[indices[0]])
        own = max(lengths[index] for index in indices) - shared
        rows = max(1, (budget - shared) // max(1, own))
        for begin in range(0, len(indices), rows):
            part = indices[begin : begin + rows]
            yield shared + sum(lengths[index] - shared for index in part), part


def _batches(bundles: Iterable[Bundle], budget: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Batches of at most `budget` tokens, or of one bundle; each with its tokens, padding included."""
    order = sorted(bundles, key=lambda bundle: (-bundle[0], bundle[1][0]))
    begin = 0
    while begin < len(order):
        size = order[begin][0]
        part = order[begin : begin + max(1, budget // size)]
        yield size * len(part), tuple(index for _, indices in part for index in indices)
        begin += len(part)
