"""Several processes of one comparison write what one process writes, to the byte."""

import os
import subprocess
import sys

import knowshift
import pytest
from house import command, write_domain
from knowshift.errors import UsageError
from knowshift.probes.runs.compare import run_comparison
from launch import CODE, finish, kill_halfway, launch

pytestmark = pytest.mark.slow

TUNED = ("neuro_lora", "cardio_full")


def options(house, folder):
    """Adapter and full fine-tune, so many facts that there are shards for both processes, a tuned lens."""
    lens = folder / "texts.txt"
    if not lens.exists():
        lens.write_text("\n\n".join(f"In the morning she walked slowly towards place {n}." * 9 for n in range(40)))
    return {"domain": folder / "domain", "lens": "tuned", "lens_data": lens}


@pytest.fixture(scope="module")
def material(house, tmp_path_factory):
    """The domain and texts of all runs here, and what one process makes of them."""
    folder = tmp_path_factory.mktemp("processes")
    write_domain(folder / "domain", facts=50)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KNOWSHIFT_CACHE", str(folder / "cache"))
        patch.chdir(folder)
        (folder / "one").mkdir()
        patch.chdir(folder / "one")
        said = subprocess.run(
            [sys.executable, "-c", CODE, *arguments(house, folder)],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert said.returncode == 0, said.stderr
    return folder


def arguments(house, folder):
    """The command; its run is named alike in whichever folder it is given."""
    given = command(house, *(house / name for name in TUNED), domain=folder / "domain", out="run")
    chosen = options(house, folder)
    return [*given, "--lens", chosen["lens"], "--lens-data", str(chosen["lens_data"])]


FILES = ("scores/*.parquet", "*.parquet", "comparison.json", "lens.safetensors")


def results(run):
    return {str(path.relative_to(run)): path.read_bytes() for pattern in FILES for path in sorted(run.glob(pattern))}


def is_what_one_wrote(run, material):
    found, expected = results(run), results(material / "one" / "run")
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []
    assert not list(run.rglob(".*part*"))


def test_two_processes_write_the_same_bytes_as_one(house, material, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    started = launch(arguments(house, material), 2)
    said = finish(started)
    assert "report:" in said[0][0]
    assert said[1] == ("", "")
    is_what_one_wrote(tmp_path / "run", material)
    names = {f"scores/{name}.parquet" for name in ("base", *TUNED)}
    tables = {f"{name}.parquet" for name in ("terms", "facts", "places", "readings")}
    assert results(tmp_path / "run").keys() == {*names, *tables, "comparison.json", "lens.safetensors"}


def test_a_comparison_killed_among_two_processes_goes_on_with_one(house, material, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "run"
    kill_halfway(arguments(house, material), run, "scores/.parts/*/[0-9]*.parquet")
    assert not (run / "comparison.json").exists()
    (alone,) = launch(arguments(house, material), 1)
    finish([alone])
    is_what_one_wrote(run, material)


def test_a_second_process_returns_once_its_share_is_scored(house, material, tmp_path, monkeypatch):
    """It waits for no result, which the first may be hours from."""
    folder = tmp_path / "run"
    for path in ("run.json", "lens.safetensors"):
        folder.mkdir(exist_ok=True)
        (folder / path).write_bytes((material / "one" / "run" / path).read_bytes())
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    chosen = options(house, material)
    done = run_comparison(
        house / "base", [house / name for name in TUNED], out=folder, **chosen | {"domain": str(chosen["domain"])}
    )
    assert done is None
    assert list(folder.glob("scores/.parts/base-*/[0-9]*.parquet"))
    assert not list(folder.glob("scores/*.parquet"))
    assert {path.name for path in folder.iterdir()} == {"run.json", "lens.safetensors", "scores"}


def test_several_processes_need_a_folder_with_a_name(house, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="--out: name the run's folder"):
        knowshift.compare(house / "base", house / "neuro_lora", domain=str(house / "domain"))
