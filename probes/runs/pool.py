"""An executor that starts processes on this machine and gives each a shard at a time."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for
from threading import Thread
from typing import TypeVar

from ...progress import Progress
from .execution import Tally, Unit

T = TypeVar("T")
Shards = list[tuple[int, T]]


@dataclass(frozen=True)
class Pool:
    """Computes shards in `jobs` local processes; `Unit.compute` is pickled."""

    jobs: int

    def run(self, unit: Unit[T], progress: Progress | None = None) -> list[T] | None:
        """Return the unit's shards in order; they are kept in the order in which they are finished."""
        shards = range(len(unit.sizes))
        results = unit.stored(shards)
        tally = Tally(unit, results, progress)
        missing = [shard for shard in shards if shard not in results]
        for shard, result in _computed(unit.compute, missing, min(self.jobs, len(missing))):
            unit.keep(shard, result)
            results[shard] = result
            tally.add(shard)
        return [results[shard] for shard in shards]


def _computed(
    compute: Callable[[Sequence[int]], Iterable[tuple[int, T]]], missing: Sequence[int], jobs: int
) -> Iterator[tuple[int, T]]:
    if not missing:
        return
    # Not forked, because torch's threads do not survive that.
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _begin) as pool:
        waiting: set[Future[Shards[T]]] = set()
        rest = iter(missing)
        try:
            while True:
                # A few beyond those at work, so that none is idle.
                room = range(2 * jobs - len(waiting))
                waiting |= {pool.submit(_compute, compute, shard) for _, shard in zip(room, rest, strict=False)}
                if not waiting:
                    return
                finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield from future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():  # an interruption need not wait for what they are at
                process.terminate()


def _compute(compute: Callable[[Sequence[int]], Iterable[tuple[int, T]]], shard: int) -> Shards[T]:
    return list(compute([shard]))


def _begin() -> None:
    """Set up a worker: one thread (small models gain nothing from several), and an end when its parent ends."""
    import torch

    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's to handle
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        wait_for([parent.sentinel])
        os._exit(1)
