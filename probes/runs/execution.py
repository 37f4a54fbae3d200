"""The execution seam: units of work go in, finished shards come out.

Comparing, evaluating and calibrating describe their work as `Unit`s and hand each to an `Executor`, which decides where
and in what order shards are computed. `Serial` computes them here, `Launched` shares them among the processes that a
launcher started, and `probes.runs.pool` starts local processes; `probes.runs.executors` chooses among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar
from zlib import crc32

from ...progress import Progress
from .processes import Processes

T = TypeVar("T")


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Unit(Generic[T]):
    """Work that is done in shards, numbered from 0.

    A shard is whole or absent: `find` returns it only once `keep` has stored all of it, and `keep` may store the same
    shard again. So an executor may compute a shard twice, end in the middle of one, and run the unit anew.
    """

    label: str
    """What progress calls it."""
    key: str
    """SHA-256 (hex) of all that its results depend on."""
    sizes: Sequence[int]
    """Items in each shard, for progress."""
    compute: Callable[[Sequence[int]], Iterable[tuple[int, T]]]
    """Computes shards, in an order of its own, and yields each with its number. Executors that compute in other
    processes pickle it, so a unit for these has a module-level function here, or a `functools.partial` of one."""
    find: Callable[[int], T | None]
    """Returns a shard that is stored, None where it is absent or damaged."""
    keep: Callable[[int, T], None]
    """Stores a shard, whole or not at all. Called in the process that called `Executor.run`."""
    file: Callable[[int], Path]
    """The file in which a shard is stored, to name it in messages."""
    is_finished: Callable[[], bool] = field(default=_never)
    """Whether all shards are put together already, by another process, so that none need be computed."""

    def stored(self, shards: Iterable[int]) -> dict[int, T]:
        """Return those of `shards` that are stored."""
        return {shard: result for shard in shards if (result := self.find(shard)) is not None}


class Executor(Protocol):
    """Computes the shards of units.

    An executor must compute every shard that `Unit.find` does not return, with `Unit.compute`, and pass it to
    `Unit.keep` as soon as it is computed, in the process that called `run`. It calls `progress` with the unit's label,
    the items of the shards that are stored, and the items in all. Errors of `compute` and `keep` it passes on.
    """

    def run(self, unit: Unit[T], progress: Progress | None = None) -> list[T] | None:
        """Return the unit's shards in order, or None where another process puts them together."""
        ...


class Tally:
    """The shards of a unit that are at hand, and the progress that they amount to."""

    def __init__(self, unit: Unit[Any], shards: Iterable[int], progress: Progress | None) -> None:
        self.unit, self.progress = unit, progress
        self.total, self.done = sum(unit.sizes), 0
        for shard in shards:
            self.done += unit.sizes[shard]
        self._report()

    def add(self, shard: int) -> None:
        self.done += self.unit.sizes[shard]
        self._report()

    def _report(self) -> None:
        if self.progress:
            self.progress(self.unit.label, self.done, self.total)


class Serial:
    """Computes all shards in this process, one after the other."""

    def run(self, unit: Unit[T], progress: Progress | None = None) -> list[T] | None:
        """Return the unit's shards in order."""
        shards = range(len(unit.sizes))
        results = unit.stored(shards)
        tally = Tally(unit, results, progress)
        if missing := [shard for shard in shards if shard not in results]:
            for shard, result in unit.compute(missing):
                unit.keep(shard, result)
                results[shard] = result
                tally.add(shard)
        return [results[shard] for shard in shards]


SERIAL = Serial()


@dataclass(frozen=True)
class Launched:
    """Shares shards among the processes that a launcher started with the same command.

    Files are all that they share: each process computes and keeps its share, and the first waits for the others'.
    """

    here: Processes

    def run(self, unit: Unit[T], progress: Progress | None = None) -> list[T] | None:
        """Return the unit's shards in order; None in other processes than the first, once their share is stored."""
        here, shards = self.here, range(len(unit.sizes))
        turn = crc32(unit.key.encode())  # else the first process would compute every unit of a single shard
        share = [shard for shard in shards if here.takes(turn + shard)]
        results = unit.stored(shards if here.is_first else share)
        tally = Tally(unit, results, progress)
        if missing := [shard for shard in share if shard not in results]:
            for shard, result in unit.compute(missing):
                unit.keep(shard, result)
                if unit.is_finished():
                    return None
                results[shard] = result
                tally.add(shard)
        if not here.is_first:
            return None
        for shard in shards:
            if shard not in results:
                awaited = self._await(unit, shard, (turn + shard) % here.count)
                if awaited is None:
                    return None
                results[shard] = awaited
                tally.add(shard)
        return [results[shard] for shard in shards]

    def _await(self, unit: Unit[T], shard: int, writer: int) -> T | None:
        """Return another process's shard once it is stored; None where the unit is finished without it."""

        def look() -> tuple[T | None] | None:
            result = unit.find(shard)
            return (result,) if result is not None or unit.is_finished() else None

        return self.here.wait(look, unit.file(shard), writer)[0]
