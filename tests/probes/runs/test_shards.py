"""The shard store: what counts as held, and how a table is put together from shards that anyone wrote."""

import threading

import pyarrow as pa
import pytest
from knowshift.probes.runs.shards import ShardStore, build_table

SCHEMA = pa.schema([("name", pa.string()), ("value", pa.float64())])
KEY, OTHER = "a" * 64, "b" * 64
SIZES = [3, 3, 2]


def rows(shard, size=None):
    size = SIZES[shard] if size is None else size
    return pa.Table.from_pylist([{"name": f"{shard}-{n}", "value": shard + n / 7} for n in range(size)], schema=SCHEMA)


class Work:
    """Computes shards and counts them; stops after some."""

    def __init__(self, stop=99):
        self.computed, self.stop = [], stop

    def __call__(self, shards):
        for shard in shards:
            if len(self.computed) == self.stop:
                raise KeyboardInterrupt
            self.computed.append(shard)
            yield shard, rows(shard)


@pytest.fixture
def store(tmp_path):
    return ShardStore(tmp_path / "scores" / "base.parquet", KEY, SCHEMA)


def files(store):
    return sorted(path.name for path in store.path.parent.rglob("*") if path.is_file())


def test_a_table_is_computed_once_and_leaves_one_file(store):
    first, again = Work(), Work()
    table = build_table(store, "base", SIZES, first)
    assert table["name"].to_pylist() == [f"{shard}-{n}" for shard, size in enumerate(SIZES) for n in range(size)]
    assert files(store) == ["base.parquet"]
    assert not store.parts.parent.exists()
    assert build_table(store, "base", SIZES, again).equals(table)
    assert (first.computed, again.computed) == ([0, 1, 2], [])


def test_rows_are_arranged_before_they_are_kept(store):
    table = build_table(store, "base", SIZES, Work(), arrange=lambda table: table.sort_by([("name", "descending")]))
    assert table["name"][0].as_py() == "2-1"
    assert store.read().equals(table)


def test_an_empty_table_is_a_table(store):
    assert build_table(store, "base", [], Work()).num_rows == 0
    assert store.held_shards() is None


def test_an_interrupted_table_goes_on_from_its_shards_to_the_same_bytes(store, tmp_path):
    undisturbed = ShardStore(tmp_path / "other" / "base.parquet", KEY, SCHEMA)
    build_table(undisturbed, "base", SIZES, Work())
    with pytest.raises(KeyboardInterrupt):
        build_table(store, "base", SIZES, Work(stop=2))
    assert store.held_shards() == {0, 1}
    seen, then = [], Work()
    build_table(store, "base", SIZES, then, progress=lambda *step: seen.append(step))
    assert then.computed == [2]
    assert seen == [("base", 6, 8), ("base", 8, 8)]
    assert store.path.read_bytes() == undisturbed.path.read_bytes()


def test_a_damaged_shard_is_computed_anew(store):
    with pytest.raises(KeyboardInterrupt):
        build_table(store, "base", SIZES, Work(stop=2))
    damaged = store.shard_file(0)
    damaged.write_bytes(damaged.read_bytes()[:-40])
    assert store.read_shard(0) is None
    assert damaged.exists(), "its writer replaces it"
    then = Work()
    build_table(store, "base", SIZES, then)
    assert then.computed == [0, 2]


def test_files_of_another_key_or_schema_are_absent(store, tmp_path):
    for shard in range(3):
        store.write_shard(shard, rows(shard))
    # Another key with the same beginning has the same folder.
    for other in (
        ShardStore(store.path, KEY[:16] + OTHER[16:], SCHEMA),
        ShardStore(store.path, KEY, pa.schema([("name", pa.string()), ("value", pa.float32())])),
    ):
        assert [other.read_shard(shard) for shard in range(3)] == [None] * 3
    assert ShardStore(store.path, OTHER, SCHEMA).held_shards() == set()
    assert store.held_shards() == {0, 1, 2}
    build_table(store, "base", SIZES, Work(stop=0))
    anew = Work()
    build_table(ShardStore(store.path, OTHER, SCHEMA), "base", SIZES, anew)
    assert anew.computed == [0, 1, 2]


def test_other_tables_shards_are_left_alone(store):
    other = ShardStore(store.path.with_name("tuned.parquet"), OTHER, SCHEMA)
    other.write_shard(1, rows(1))
    build_table(store, "base", SIZES, Work())
    assert other.held_shards() == {1}


def test_a_shard_that_several_write_at_once_is_whole_at_any_time(store):
    store.write_shard(0, rows(0, 4000))
    broken = []

    def write():
        for _ in range(15):
            store.write_shard(0, rows(0, 4000))

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        table = store.read_shard(0)
        broken.append(table is None or table.num_rows != 4000)
    for writer in writers:
        writer.join()
    assert broken
    assert not any(broken)
    assert [path.name for path in store.parts.iterdir()] == ["00000.parquet"]
