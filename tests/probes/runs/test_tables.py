"""A table comes out of its file as it went in, or not at all."""

import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from knowshift.models.table import SCHEMA
from knowshift.probes.runs.cache import SCORES
from knowshift.probes.runs.tables import has_key, read_metadata, read_table, write_table
from pyarrow import concat_tables
from synthetic import world

WORLD = world(specialties=2, facts=10, controls=10, distractors=3, layers=2)
TABLE = WORLD.model()
KEY, OTHER = "a" * 64, "b" * 64


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A written table, and its bytes."""
    path = tmp_path_factory.mktemp("scores") / "base.parquet"
    write_table(TABLE, path, KEY, SCORES)
    return path, path.read_bytes()


def test_an_empty_table_too(tmp_path):
    write_table(SCHEMA.empty_table(), tmp_path / "x", KEY, SCORES)
    assert read_table(tmp_path / "x", KEY, SCORES).num_rows == 0


def test_the_same_scores_are_the_same_bytes(tmp_path, written):
    # In another chunking, as a resumed run has it.
    write_table(concat_tables([TABLE.slice(0, 7), TABLE.slice(7)]).combine_chunks(), tmp_path / "x", KEY, SCORES)
    assert (tmp_path / "x").read_bytes() == written[1]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_flipped_bit_is_never_taken_for_scores(written, data):
    path, whole = written
    place = data.draw(st.integers(0, len(whole) - 1))
    broken = bytearray(whole)
    broken[place] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(broken)
    found = read_table(path, KEY, SCORES)
    assert found is None or found.cast(SCHEMA).equals(TABLE.cast(SCHEMA))


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 0.999))
def test_a_truncated_file_is_absent_and_left_to_its_writer(written, share):
    """Another process may replace it at that very moment."""
    path, whole = written
    path.write_bytes(whole[: int(share * len(whole))])
    assert read_table(path, KEY, SCORES) is None
    assert path.exists()


def test_scores_of_another_key_are_not_used_and_not_removed(tmp_path):
    write_table(TABLE, tmp_path / "x", KEY, SCORES)
    assert read_table(tmp_path / "x", OTHER, SCORES) is None
    assert read_table(tmp_path / "x", KEY, SCORES) is not None


def test_a_parquet_file_of_something_else_is_not_taken(tmp_path):
    pq.write_table(TABLE.select(["item", "logprob"]), tmp_path / "x")
    assert read_table(tmp_path / "x", KEY, SCORES) is None
    assert read_table(tmp_path / "nothing", KEY, SCORES) is None


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    write_table(TABLE, tmp_path / "x", KEY, SCORES)
    before = (tmp_path / "x").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_table(WORLD.model(1.0), tmp_path / "x", KEY, SCORES)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_bytes() == before


NESTED = pa.schema([("name", pa.string()), ("values", pa.list_(pa.list_(pa.float64()))), ("flag", pa.bool_())])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.none() | st.text(max_size=3),
            "values": st.none() | st.lists(st.none() | st.lists(st.none() | st.floats(-9, 9), max_size=2), max_size=2),
            "flag": st.none() | st.booleans(),
        }
    ),
    max_size=4,
)


@settings(max_examples=100, deadline=None)
@given(ROWS, ROWS)
def test_tables_of_any_schema_have_a_digest_of_their_values(tmp_path_factory, rows, others):
    path = tmp_path_factory.mktemp("nested") / "x"
    table, other = (pa.Table.from_pylist(each, schema=NESTED) for each in (rows, others))
    write_table(table, path, KEY, NESTED, {"model": "m"})
    assert read_table(path, KEY, NESTED).equals(table)
    assert read_metadata(path)["model"] == "m"
    assert has_key(path, KEY)
    digest = read_metadata(path)["digest"]
    write_table(other, path, KEY, NESTED)
    assert (read_metadata(path)["digest"] == digest) == (rows == others)
