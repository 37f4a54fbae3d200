"""A run directory is one run's alone."""

import datetime
import json

import pytest
from knowshift.errors import RunError
from knowshift.probes.runs.directory import RunDirectory, write_json

IDENTITY = {"base": "b", "models": {"m": "1"}, "seed": 0, "template": {"text": None}}


def claim(path, **other):
    return RunDirectory.claim(path, {**IDENTITY, **other}, {"command": "probe compare", "seed": 0})


def refused(path, **other):
    with pytest.raises(RunError) as caught:
        claim(path, **other)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_new_folder_holds_the_runs_record(tmp_path):
    claim(tmp_path / "runs" / "one")
    record = json.loads((tmp_path / "runs" / "one" / "run.json").read_text())
    assert record == {"schema": 1, "command": "probe compare", "seed": 0, "identity": IDENTITY}


def test_the_same_run_goes_on(tmp_path):
    claim(tmp_path)
    (tmp_path / "scores" / "base.parquet").write_text("scores")
    claim(tmp_path)
    assert (tmp_path / "scores" / "base.parquet").read_text() == "scores"


def test_a_run_that_goes_on_began_when_it_began(tmp_path):
    for moment in ("yesterday", "today"):
        RunDirectory.claim(tmp_path, IDENTITY, {"created": moment, "command": moment})
    record = json.loads((tmp_path / "run.json").read_text())
    assert (record["created"], record["command"]) == ("yesterday", "today")


def test_a_run_goes_on_on_another_day(tmp_path):
    def dated(**other):
        return RunDirectory.dated(tmp_path / "base-m", {**IDENTITY, **other}, "comparison.json").name

    today = f"base-m-{datetime.date.today():%Y-%m-%d}"
    assert dated() == today
    for day in ("2026-01-01", "2026-01-02"):
        claim(tmp_path / f"base-m-{day}")
    claim(tmp_path / "base-m-and-more-2026-01-03")
    claim(tmp_path / "base-m-2026-01-03", seed=1)
    assert dated() == "base-m-2026-01-02"
    assert dated(seed=1) == "base-m-2026-01-03"
    (tmp_path / "base-m-2026-01-02" / "comparison.json").write_text("{}")
    assert dated() == "base-m-2026-01-01", "the later one is finished"
    (tmp_path / today).mkdir()
    assert dated() == today


def test_a_run_killed_before_its_record_was_whole_goes_on(tmp_path):
    (tmp_path / "scores").mkdir()
    (tmp_path / ".run.json.7.part").write_text('{"sch')
    claim(tmp_path)
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["run.json", "scores"]


@pytest.mark.parametrize(
    ("other", "named"), [({"seed": 1}, "seed"), ({"models": {}, "seed": 3}, "models, seed"), ({"new": 1}, "new")]
)
def test_another_run_is_refused_with_what_differs_and_left_as_it_was(tmp_path, other, named):
    claim(tmp_path)
    before = (tmp_path / "run.json").read_bytes()
    assert f"another run lies there (it differs in: {named})" in refused(tmp_path, **other)
    assert (tmp_path / "run.json").read_bytes() == before


@pytest.mark.parametrize("record", ["", "{", "[]", "7", '{"identity": null}', '{"schema": 1}', '{"identity": [1]}'])
def test_a_record_that_is_none_is_refused(tmp_path, record):
    (tmp_path / "run.json").write_text(record)
    assert "is not a run's record" in refused(tmp_path)


def test_a_folder_with_other_things_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    assert "holds other things and no run" in refused(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_is_refused(tmp_path, below):
    (tmp_path / "out").write_text("x")
    assert "is a file; give a folder" in refused(tmp_path / "out" / below)


def test_json_is_there_whole_or_not_at_all(tmp_path):
    write_json(tmp_path / "x.json", {"a": "ä"})
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "x.json", {"a": float("nan")})
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == {"a": "ä"}
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]
