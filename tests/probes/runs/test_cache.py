"""A score table comes out of the cache as it went in, or not at all."""

import os
import time

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from knowshift.models.table import SCHEMA
from knowshift.probes.runs import cache
from pyarrow import concat_tables
from synthetic import world

WORLD = world(specialties=2, facts=10, controls=10, distractors=3, layers=2)
TABLE = WORLD.model()
ABOUT = {"model": "neuro_lora", "base": "base.pt", "items": "120 of medicine", "engine": "hooks"}
KEY, OTHER = cache.score_key({"weights": "a"}), cache.score_key({"weights": "b"})


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("KNOWSHIFT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A written table, and its bytes."""
    path = tmp_path_factory.mktemp("scores") / "base.parquet"
    cache.write_table(TABLE, path, KEY)
    return path, path.read_bytes()


@pytest.mark.parametrize("layers", [0, 2])
def test_what_is_stored_is_fetched(tmp_path, layers):
    table = world(specialties=2, facts=10, controls=10, distractors=3, layers=layers).model()
    cache.store(KEY, table, ABOUT)
    fetched = cache.fetch(KEY)
    assert fetched.cast(SCHEMA).equals(table.cast(SCHEMA))
    assert fetched.schema.metadata[b"schema"] == b"1"
    assert cache.fetch(OTHER) is None
    assert list(tmp_path.rglob("*.part")) == []


def test_an_empty_table_too(tmp_path):
    cache.write_table(SCHEMA.empty_table(), tmp_path / "x", KEY)
    assert cache.read_table(tmp_path / "x", KEY).num_rows == 0


def test_the_same_scores_are_the_same_bytes(tmp_path, written):
    # In another chunking, as a resumed run has it.
    cache.write_table(concat_tables([TABLE.slice(0, 7), TABLE.slice(7)]).combine_chunks(), tmp_path / "x", KEY)
    assert (tmp_path / "x").read_bytes() == written[1]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_flipped_bit_is_never_taken_for_scores(written, data):
    path, whole = written
    place = data.draw(st.integers(0, len(whole) - 1))
    broken = bytearray(whole)
    broken[place] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(broken)
    found = cache.read_table(path, KEY)
    assert found is None or found.cast(SCHEMA).equals(TABLE.cast(SCHEMA))


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 0.999))
def test_a_truncated_file_is_removed(written, share):
    path, whole = written
    path.write_bytes(whole[: int(share * len(whole))])
    assert cache.read_table(path, KEY) is None
    assert not path.exists()


def test_a_broken_score_is_removed_from_the_cache_and_can_be_stored_anew(folder):
    cache.store(KEY, TABLE, ABOUT)
    (entry,) = folder.rglob("*.parquet")
    middle = bytearray(entry.read_bytes())
    middle[len(middle) // 3] ^= 4
    entry.write_bytes(middle)
    assert cache.fetch(KEY) is None
    assert not entry.exists()
    cache.store(KEY, TABLE, ABOUT)
    assert cache.fetch(KEY) is not None


def test_scores_of_another_key_are_not_used_and_not_removed(tmp_path):
    cache.write_table(TABLE, tmp_path / "x", KEY)
    assert cache.read_table(tmp_path / "x", OTHER) is None
    assert cache.read_table(tmp_path / "x", KEY) is not None


def test_a_parquet_file_of_something_else_is_not_taken(tmp_path):
    pq.write_table(TABLE.select(["item", "logprob"]), tmp_path / "x")
    assert cache.read_table(tmp_path / "x", KEY) is None
    assert cache.read_table(tmp_path / "nothing", KEY) is None


def test_a_cache_that_cannot_be_written_is_no_reason_to_stop(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KNOWSHIFT_CACHE", str(tmp_path / "file"))
    cache.store(KEY, TABLE, ABOUT)
    assert cache.fetch(KEY) is None


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    cache.write_table(TABLE, tmp_path / "x", KEY)
    before = (tmp_path / "x").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        cache.write_table(WORLD.model(1.0), tmp_path / "x", KEY)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_bytes() == before


PARTS = st.dictionaries(st.sampled_from("abc"), st.integers(0, 3))


@settings(max_examples=50, deadline=None)
@given(PARTS, PARTS)
def test_a_key_is_its_parts_in_any_order(one, other):
    assert (cache.score_key(one) == cache.score_key(other)) == (one == other)
    assert cache.score_key(dict(reversed(one.items()))) == cache.score_key(one)


def aged(entry, days):
    then = time.time() - days * 86400
    os.utime(entry.path, (then, then))


def test_the_list_says_what_is_there_newest_first(folder):
    assert cache.entries() == []
    for number, days in enumerate((3, 0, 40)):
        cache.store(cache.score_key({"weights": number}), TABLE, ABOUT | {"model": f"m{number}"})
        aged(next(e for e in cache.entries() if e.about["model"] == f"m{number}"), days)
    found = cache.entries()
    assert [entry.about["model"] for entry in found] == ["m1", "m0", "m2"]
    assert found[0].about == ABOUT | {"model": "m1"}
    assert [round(entry.age / 86400) for entry in found] == [0, 3, 40]
    assert sum(entry.size for entry in found) == sum(file.stat().st_size for file in folder.rglob("*.parquet"))
    found[0].path.write_bytes(b"PAR1")
    assert cache.entries()[0].about == {}


@pytest.mark.parametrize(("days", "left"), [(0, []), (10, ["m0", "m1"]), (3.5, ["m0"]), (100, ["m0", "m1", "m2"])])
def test_clearing_takes_what_is_old_and_touches_nothing_else(days, left, folder):
    for number, age in enumerate((1, 5, 40)):
        cache.store(cache.score_key({"weights": number}), TABLE, ABOUT | {"model": f"m{number}"})
        aged(next(e for e in cache.entries() if e.about["model"] == f"m{number}"), age)
    strange = [
        folder / "notes.txt",
        folder / "deeper" / "x.parquet",
        *(e.path.parent / "n.txt" for e in cache.entries()),
    ]
    for file in strange:
        file.parent.mkdir(exist_ok=True)
        file.write_text("mine")
    shelf = folder / "00"
    shelf.mkdir(exist_ok=True)
    for name, age in (("old", 2), ("new", 0)):
        part = shelf / f".{name}.parquet.1.part"
        part.write_text("half")
        os.utime(part, (time.time() - age * 3600,) * 2)
    (folder / "readings").mkdir()
    left_there = folder / "readings" / ".old.parquet.1.part"
    left_there.write_text("half")
    os.utime(left_there, (time.time() - 2 * 3600,) * 2)
    gone = cache.clear(days * 86400)
    assert sorted(entry.about["model"] for entry in gone) == sorted({"m0", "m1", "m2"} - set(left))
    assert not any(entry.path.exists() for entry in gone)
    assert sorted(entry.about["model"] for entry in cache.entries()) == left
    assert all(file.read_text() == "mine" for file in strange)
    assert (shelf / ".new.parquet.1.part").exists()
    assert (shelf / ".old.parquet.1.part").exists() == left_there.exists() == (days > 2 / 24)


def test_what_a_file_says_of_itself(folder):
    cache.store(KEY, TABLE, ABOUT)
    (entry,) = cache.entries()
    assert cache.holds(KEY)
    assert not cache.holds(OTHER)
    assert cache.marked(entry.path, KEY)
    assert not cache.marked(entry.path, OTHER)
    entry.path.write_bytes(b"")
    assert not cache.marked(entry.path, KEY)
    assert not cache.marked(folder / "gone", KEY)
