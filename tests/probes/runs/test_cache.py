"""A score table comes out of the cache as it went in, or not at all."""

import os
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from knowshift.models.table import SCHEMA
from knowshift.probes.runs import cache
from knowshift.probes.runs.tables import has_key
from synthetic import world

WORLD = world(specialties=2, facts=10, controls=10, distractors=3, layers=2)
TABLE = WORLD.model()
ABOUT = {"model": "neuro_lora", "base": "base.pt", "items": "120 of medicine", "engine": "hooks"}
KEY, OTHER = cache.score_key({"weights": "a"}), cache.score_key({"weights": "b"})


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("KNOWSHIFT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("layers", [0, 2])
def test_what_is_stored_is_fetched(tmp_path, layers):
    table = world(specialties=2, facts=10, controls=10, distractors=3, layers=layers).model()
    cache.store(KEY, table, ABOUT)
    fetched = cache.fetch(KEY)
    assert fetched.cast(SCHEMA).equals(table.cast(SCHEMA))
    assert fetched.schema.metadata[b"schema"] == b"1"
    assert cache.fetch(OTHER) is None
    assert list(tmp_path.rglob("*.part")) == []


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


def test_a_cache_that_cannot_be_written_is_no_reason_to_stop(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KNOWSHIFT_CACHE", str(tmp_path / "file"))
    cache.store(KEY, TABLE, ABOUT)
    assert cache.fetch(KEY) is None


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
    assert has_key(entry.path, KEY)
    assert not has_key(entry.path, OTHER)
    entry.path.write_bytes(b"")
    assert not has_key(entry.path, KEY)
    assert not has_key(folder / "gone", KEY)
