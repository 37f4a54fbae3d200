"""The command where the machine refuses: no right to read or write, a full disk, a cache that cannot be written."""

import os
import re
import subprocess
from contextlib import contextmanager

import pytest
from house import command, copied, is_one_line

pytestmark = pytest.mark.heavy


@contextmanager
def without_rights():
    """Root may write anywhere, so root becomes nobody meanwhile."""
    if os.geteuid() != 0:
        yield
        return
    try:
        os.seteuid(65534)
    except OSError as error:
        pytest.skip(f"root cannot become another user here: {error}")
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_house(house, tmp_path):
    """The house where every user can read it: pytest's own folders are the owner's alone."""
    tmp_path.chmod(0o755)
    for path in house.rglob("*"):
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
    closed = [(path, path.stat().st_mode) for path in (house, *house.parents) if not path.stat().st_mode & 0o001]
    for path, mode in closed:
        path.chmod(mode | 0o011)
    yield house
    for path, mode in closed:
        path.chmod(mode)


def test_no_right_to_write_the_run(open_house, probe, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    with without_rights():
        code, out, err = probe(*command(open_house, out=locked / "run"))
    assert (code, out) == (2, "")
    is_one_line(err, rf"--out {locked}/run: cannot be written \(Permission denied\); give another folder")


def test_no_right_to_read_a_model(open_house, probe, tmp_path):
    tuned = copied(open_house, "neuro_lora", tmp_path)
    (tuned / "adapter_config.json").chmod(0)
    (tuned / "adapter_model.safetensors").chmod(0)
    with without_rights():
        code, _, err = probe(*command(open_house, tuned, out=tmp_path / "run"))
    assert code == 2
    is_one_line(err, "adapter_config.json: .*Permission denied")


@pytest.fixture
def small_disk(tmp_path):
    """A disk of a given size at `tmp_path/disk`; call it again to grow it."""
    disk, mounted = tmp_path / "disk", False
    disk.mkdir()

    def size(kib):
        nonlocal mounted
        options = f"size={kib}k" + (",remount" if mounted else "")
        try:
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk], check=True, capture_output=True, text=True
            )
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"no file system can be mounted here: {getattr(error, 'stderr', error)}")
        mounted = True
        return disk

    yield size
    if mounted:
        subprocess.run(["umount", disk], check=True)


def kib(*paths):
    return sum(-(-path.stat().st_size // 4096) * 4 for path in paths)


@pytest.mark.parametrize("stage", ["record", "scores", "tables", "comparison", "report"])
def test_a_full_disk_is_one_line_and_the_run_goes_on_when_there_is_space(
    stage, finished, house, probe, small_disk, monkeypatch
):
    """The disk is just too small for that stage; tables found in the cache make the later stages quick to reach."""
    monkeypatch.setenv("KNOWSHIFT_CACHE", str(finished.parent / "cache"))
    record, tables = kib(finished / "run.json"), kib(finished / "terms.parquet", finished / "facts.parquet")
    # run.json is there twice while it is written, hence one record more than stands in the end.
    room = {"record": 4, "scores": 2 * record + 8, "tables": 0, "comparison": tables, "report": tables + 256}[stage]
    if stage not in ("record", "scores"):
        room += record + kib(*finished.glob("scores/*.parquet"))
    disk = small_disk(room)
    if stage == "record":
        (disk / "filler").write_bytes(bytes(4096))
    out = disk / "run"
    code, shown, err = probe(*command(house, out=out))
    assert (code, shown) == (2, "")
    last = err.splitlines()[-1]
    assert re.match(rf"probe: .*{out}.*No space left on device.*", last), err
    assert "Traceback" not in err
    assert not [path for path in out.rglob("*") if path.name.endswith(".part")]
    small_disk(16384)
    assert probe(*command(house, out=out))[0] == 0
    for name in ("comparison.json", "terms.parquet", "scores/neuro_lora.parquet"):
        text = (out / name).read_bytes()
        assert text.replace(bytes(out), b"RUN") == (finished / name).read_bytes().replace(bytes(finished), b"RUN")


def test_a_cache_that_cannot_be_written_is_no_reason_to_stop(house, probe, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("KNOWSHIFT_CACHE", str(tmp_path / "file"))
    assert probe(*command(house, out=tmp_path / "run"), "--limit", "3", "--no-lens")[0] == 0
    assert (tmp_path / "run" / "report.html").is_file()
