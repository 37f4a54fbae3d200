"""`probe cache`: what runs share, seen and cleared from the command line."""

import json
import shutil

import pytest
from knowshift.cli import main
from knowshift.probes.runs import cache


@pytest.fixture
def probe(capsys):
    """Calls the command; exit code, standard output, standard error."""

    def call(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main(["cache", *arguments])
        return (end.value.code, *capsys.readouterr())

    return call


@pytest.fixture
def filled(finished, tmp_path, monkeypatch):
    """The cache that a run of base, neuro_lora and cardio_lora has left."""
    shutil.copytree(finished.parent / "cache", tmp_path / "cache", dirs_exist_ok=True)
    monkeypatch.setenv("KNOWSHIFT_CACHE", str(tmp_path / "cache"))
    # Other tests of this worker may have added to it: of the run's models what was there first stays.
    first = {entry.about.get("model"): entry.path for entry in cache.entries()}
    kept = {first[name] for name in ("base", "neuro_lora", "cardio_lora")}
    for entry in cache.entries():
        if entry.path not in kept:
            entry.path.unlink()
    return tmp_path / "cache"


def test_list_names_models_bases_items_and_engine(filled, probe):
    code, out, err = probe("list")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[-1].startswith("3 entries, ")
    assert lines[-1].endswith(f", in {filled}")
    for model in ("base", "neuro_lora on base", "cardio_lora on base"):
        assert sum(f"  {model}: " in line and "of small, hooks" in line for line in lines[:-1]) == 1
    held = json.loads(probe("list", "--json")[1])
    assert {entry["model"] for entry in held} == {"base", "neuro_lora", "cardio_lora"}
    assert sum(entry["size"] for entry in held) == json.loads(probe("size", "--json")[1])["size"]


def test_size_is_one_line(filled, probe):
    assert probe("size")[1] == probe("list")[1].splitlines()[-1] + "\n"


def test_clear_says_what_it_removed(filled, probe):
    code, out, _ = probe("clear", "--older-than", "30d")
    assert (code, out.split(";")[0]) == (0, "removed 0 of 0 B")
    code, out, _ = probe("clear")
    assert code == 0
    assert out.startswith("removed 3 of ")
    assert out.endswith(f"left: 0 entries, 0 B, in {filled}\n")
    assert cache.entries() == []


@pytest.mark.parametrize("age", ["30", "d", "-1d", "30 d", "1y", ""])
def test_an_age_without_sense_is_one_line(age, probe):
    code, out, err = probe("clear", f"--older-than={age}")
    assert (code, out) == (2, "")
    assert err == f"probe: --older-than {age}: give a number and a unit, such as 90m, 12h, 30d or 8w\n"


def test_an_empty_cache_is_no_fault(probe):
    assert probe("list")[:2] == (0, probe("size")[1])
    assert probe("clear")[0] == 0


def test_mentions_linkers_and_readings_are_listed_and_cleared(probe, tmp_path, monkeypatch):
    monkeypatch.setenv("KNOWSHIFT_CACHE", str(tmp_path / "cache"))
    for place in ("mentions/ab.parquet", "linkers/0f-2/names.json", "readings/ab.parquet"):
        path = tmp_path / "cache" / place
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x" * 2048)
    out = probe("list")[1]
    assert "mentions of a corpus" in out
    assert "a linker's index" in out
    assert "readings of passages" in out
    assert "cannot be read" not in out
    assert "3 entries, 6 KiB" in out
    assert probe("clear")[0] == 0
    assert "0 entries" in probe("size")[1]
    assert not list((tmp_path / "cache" / "linkers").iterdir())
