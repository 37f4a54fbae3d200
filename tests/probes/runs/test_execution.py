"""Executors: every shard is computed, kept and counted once, whoever computes it."""

import os
import threading
from dataclasses import replace
from functools import partial

import pytest
from knowshift.probes.runs.execution import SERIAL, Launched, Unit
from knowshift.probes.runs.executors import choose_executor
from knowshift.probes.runs.pool import Pool
from knowshift.probes.runs.processes import Processes
from workers import computed, fails

SHARDS = 5
SQUARE = partial(computed, os.getpid())


class Kept(dict):
    """Shards that are kept, in the order in which they came."""

    def unit(self, compute=SQUARE, sizes=(1,) * SHARDS, **how):
        return Unit("work", "k" * 64, sizes, compute, self.get, self.__setitem__, "shard {}".format, **how)


def values(results):
    return [value for value, _ in results]


SQUARES = [0, 1, 4, 9, 16]


@pytest.mark.parametrize("executor", [SERIAL, Pool(2), Launched(Processes())], ids=["serial", "pool", "launched"])
def test_what_is_kept_is_not_computed_again(executor):
    kept, seen = Kept({3: (9, False)}), []
    results = executor.run(kept.unit(sizes=(1, 1, 1, 2, 1)), lambda *step: seen.append(step))
    assert values(results) == SQUARES
    assert sorted(kept) == list(range(SHARDS))
    assert seen == [("work", done, 6) for done in range(2, 7)]
    assert [elsewhere for shard, (_, elsewhere) in sorted(kept.items()) if shard != 3] == [executor == Pool(2)] * 4

    def refuse(_shards):
        raise AssertionError("computed again")

    assert executor.run(kept.unit(refuse)) == results


@pytest.mark.parametrize("executor", [SERIAL, Launched(Processes())], ids=["serial", "launched"])
def test_what_was_computed_before_an_error_is_kept(executor):
    def keep(shard, value):
        if shard == 3:
            raise OSError("disk full")
        kept[shard] = value

    kept = Kept()
    with pytest.raises(OSError, match="disk full"):
        executor.run(replace(kept.unit(), keep=keep))
    assert kept
    assert 3 not in kept
    assert values(executor.run(kept.unit())) == SQUARES


def test_an_error_of_a_worker_is_passed_on():
    kept = Kept()
    unit = kept.unit(partial(fails, 2))
    with pytest.raises(ValueError, match="shard 2"):
        Pool(2).run(unit)


def test_launched_processes_share_the_shards_and_the_first_has_all():
    kept, by = Kept(), {}

    def compute(rank, shards):
        for shard in shards:
            by.setdefault(rank, []).append(shard)
            yield shard, (shard * shard, False)

    others = {}

    def run(rank):
        others[rank] = Launched(Processes(rank, 3)).run(kept.unit(partial(compute, rank)))

    threads = [threading.Thread(target=run, args=[rank]) for rank in (1, 2)]
    for thread in threads:
        thread.start()
    results = Launched(Processes(0, 3)).run(kept.unit(partial(compute, 0)))
    for thread in threads:
        thread.join()
    assert values(results) == SQUARES
    assert others == {1: None, 2: None}
    assert sorted(shard for share in by.values() for shard in share) == list(range(SHARDS))
    assert len(by) == 3


def test_a_table_that_is_finished_meanwhile_is_not_waited_for():
    """Its shards are gone by then."""
    kept, finished = Kept(), []

    def compute(shards):
        finished.append(True)
        yield from ((shard, (0, False)) for shard in shards)

    unit = kept.unit(compute, is_finished=lambda: bool(finished))
    assert Launched(Processes(0, 2)).run(unit) is None
    assert len(kept) == 1
    kept.update({shard: (0, False) for shard in range(SHARDS) if Processes(0, 2).takes(shard)})
    kept.update({shard: (0, False) for shard in range(SHARDS) if Processes(1, 2).takes(shard)})
    del kept[0], kept[1]
    assert Launched(Processes(0, 2)).run(kept.unit(compute, is_finished=lambda: True)) is None


def test_units_of_a_single_shard_are_spread_over_processes():
    takers = set()
    for n in range(20):
        for rank in range(2):
            unit = replace(Kept().unit(sizes=(1,)), key=f"key {n}", is_finished=lambda: True)
            seen = []
            Launched(Processes(rank, 2)).run(replace(unit, keep=lambda shard, _: seen.append(shard)))  # noqa: B023
            takers |= {rank for _ in seen}
    assert takers == {0, 1}


def test_one_place_chooses_the_executor():
    assert choose_executor() is SERIAL
    assert choose_executor(jobs=3) == Pool(3)
    assert choose_executor(Processes(1, 2)) == Launched(Processes(1, 2))
