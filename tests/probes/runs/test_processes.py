"""A process among several of one run: how launchers number it, and what it waits for."""

import pytest
from knowshift.errors import UsageError
from knowshift.probes.runs import processes
from knowshift.probes.runs.processes import Processes


def test_without_a_launcher_there_is_one_process():
    alone = Processes.here({})
    assert alone.is_first
    assert all(alone.takes(number) for number in range(5))
    assert alone.device("auto", "auto") == "auto"
    alone.require_folder(None)


def test_every_shard_is_one_processs():
    takes = []
    for rank in range(3):
        here = Processes.here({"RANK": str(rank), "WORLD_SIZE": "3", "LOCAL_RANK": str(rank)})
        takes += [number for number in range(10) if here.takes(number)]
    assert sorted(takes) == list(range(10))


@pytest.mark.parametrize(
    "said",
    [
        {"RANK": "2", "WORLD_SIZE": "2"},
        {"RANK": "x"},
        {"WORLD_SIZE": "0"},
        {"SLURM_PROCID": "3", "SLURM_STEP_NUM_TASKS": "2"},
        {"SLURM_ARRAY_TASK_ID": "1"},
    ],
)
def test_a_launcher_that_makes_no_sense_is_one_line(said):
    with pytest.raises(UsageError, match=r"^the launcher's environment cannot be read \([^\n]*\); [^\n]*$"):
        Processes.here(said)


ARRAY = {"SLURM_ARRAY_TASK_COUNT": "3", "SLURM_ARRAY_TASK_MIN": "2", "SLURM_ARRAY_TASK_STEP": "4"}


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ({"SLURM_PROCID": "3", "SLURM_STEP_NUM_TASKS": "4", "SLURM_LOCALID": "1"}, (3, 4, 1)),
        # In a batch script, whose tasks srun would start.
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_LOCALID": "0"}, (0, 1, 0)),
        (ARRAY | {"SLURM_ARRAY_TASK_ID": "2"}, (0, 3, 0)),
        (ARRAY | {"SLURM_ARRAY_TASK_ID": "10"}, (2, 3, 0)),
        (
            ARRAY
            | {"SLURM_ARRAY_TASK_ID": "6", "SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "2", "SLURM_LOCALID": "1"},
            (3, 6, 1),
        ),
        (ARRAY | {"SLURM_ARRAY_TASK_ID": "6", "WORLD_SIZE": "1"}, (0, 1, 0)),
    ],
)
def test_slurm_numbers_processes_too(said, place):
    here = Processes.here(said)
    assert (here.rank, here.count, here.local) == place


def test_an_array_of_uneven_numbers_is_refused():
    said = {"SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_COUNT": "3", "SLURM_ARRAY_TASK_MIN": "1"}
    with pytest.raises(UsageError, match=r"not evenly spaced; give sbatch --array=0-N"):
        Processes.here(said)


def test_of_several_processes_each_has_a_gpu(monkeypatch):
    import torch

    second = Processes(rank=3, count=4, local=1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert second.device("auto", "none") == "cuda:1"
    assert second.device("cpu", "none") == "cpu"
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)  # as Slurm binds a GPU to each task
    assert second.device("auto", "none") == "cuda:0"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert second.device("auto", "none") == "auto"
    with pytest.raises(UsageError, match="--device-map"):
        second.device("auto", "auto")


def test_several_processes_need_one_folder():
    with pytest.raises(UsageError, match="--out: name the run's folder"):
        Processes(1, 2).require_folder(None)


def test_a_long_wait_says_once_what_for_and_what_to_do(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(processes, "PATIENCE", 0.0)
    looks = iter([None, None, None, "there"])
    assert Processes(0, 3).wait(lambda: next(looks), tmp_path / "shard", 2) == "there"
    (line,) = capsys.readouterr().err.splitlines()
    assert f"process 0 of 3 (RANK, WORLD_SIZE) waits for {tmp_path / 'shard'}, which process 2 writes" in line
    assert "start it with the same command" in line
    assert "WORLD_SIZE=1" in line
