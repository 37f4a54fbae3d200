"""`--plan`: it runs nothing, and what it says is what the run then does."""

import json
import shutil
from contextlib import contextmanager
from types import SimpleNamespace

import knowshift
import pytest
import torch
from house import command
from knowshift.cli import main
from knowshift.errors import CheckpointError, UsageError
from knowshift.models import ndif, scoring
from knowshift.models.checkpoint import Checkpoint
from knowshift.models.placement import Placement
from knowshift.probes.runs import cache
from knowshift.probes.runs.forecast import _free, forecast

NAMES = ("neuro_lora", "cardio_full")


@contextmanager
def nothing_runs():
    """What reads a weight, or calls a module, fails."""

    def fail(*_, **__):
        raise AssertionError("something was run")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, "load", fail)
        patch.setattr(torch.nn.Module, "__call__", fail)
        yield


def options(house, tmp_path):
    return {"domain": str(house / "domain"), "out": tmp_path / "run", "limit": 2}


def plan(house, tmp_path, *names, **more):
    with nothing_runs():
        return forecast(house / "base", [house / name for name in names or NAMES], **options(house, tmp_path) | more)


def test_it_says_what_will_be_loaded_and_read_and_leaves_nothing(house, tmp_path, monkeypatch):
    found = plan(house, tmp_path)
    assert list(tmp_path.iterdir()) == []
    base, adapter, full = found.models
    assert [model.name for model in found.models] == ["base", *NAMES]
    assert [model.kind for model in found.models] == ["base", "LORA", "full"]
    assert {(model.dtype, model.held) for model in found.models} == {("float32", "")}
    assert (found.passes, found.tokens) == (3, 3 * base.tokens)
    assert found.memory > base.bytes + adapter.bytes
    assert found.memory < 100 * 2**20 < found.free

    opened = Checkpoint.open(house / "base", device="cpu")
    tuned = Checkpoint.open(house / "neuro_lora", base=opened)
    assert base.parameters == full.parameters == opened.model.num_parameters()
    assert base.bytes == full.bytes == 4 * base.parameters
    assert adapter.parameters == tuned.model.num_parameters() - base.parameters == adapter.bytes / 4
    planned, real = [], scoring.score_shards

    def spy(plan, *arguments, **more):
        planned.append((len(plan.aligned.sequences), plan.batches.tokens))
        return real(plan, *arguments, **more)

    monkeypatch.setattr(scoring, "score_shards", spy)
    run = knowshift.compare(house / "base", [house / name for name in NAMES], **options(house, tmp_path))
    assert found.items == run.scores("base")["item"].n_unique()
    assert planned == [(model.sequences, model.tokens) for model in found.models]


def test_what_is_in_memory_together_is_said_where_there_are_full_fine_tunes(house, tmp_path):
    def notes(*names):
        return [line for line in plan(house, tmp_path, *names).lines() if line.startswith("in memory")]

    alone = "; then, one after the other and each alone: cardio_full"
    assert notes() == [f"in memory: the base and one adapter at a time{alone}"]
    assert notes("cardio_full") == [f"in memory: the base{alone}"]
    assert notes("neuro_lora") == []


def test_free_memory_is_that_of_every_device_where_accelerate_fills_them(monkeypatch):
    import psutil

    rest = {0: 5, 1: 70, torch.device("cuda", 1): 70}
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1000))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (rest[device], 10**6))
    gpu = torch.device("cuda", 1)
    assert _free(Placement(gpu)) == 70
    assert _free(Placement(gpu, device_map="auto")) == 1075
    assert _free(Placement(torch.device("cpu"))) == 1000


def test_what_a_service_takes_is_not_told_from_this_machine(house, tmp_path, monkeypatch):
    monkeypatch.setattr(ndif, "WHERE", "local")
    monkeypatch.setattr("knowshift.probes.runs.forecast._rate", lambda _: pytest.fail("this machine's rate"))
    asked = options(house, tmp_path) | {"engine": "nnsight", "remote": True}
    found = forecast(house / "base", [house / "neuro_lora", house / "cardio_full"], **asked)
    assert (found.rate, found.seconds) == (None, None)
    assert found.tokens > 0
    lines = found.lines()
    assert "time: depends on the service that runs the models (--remote)" in lines
    assert not [line for line in lines if "FLOP" in line or line.startswith("in memory")]
    assert json.loads(json.dumps(found.json()))["seconds"] is None


def test_more_items_and_larger_models_take_longer(house, tmp_path):
    few, many = plan(house, tmp_path), plan(house, tmp_path, limit=None)
    assert many.items > few.items
    for small, large in zip(few.models, many.models, strict=True):
        assert large.tokens > small.tokens
        assert large.operations > small.operations
    blind = plan(house, tmp_path, lens="none")
    assert all(less.operations < more.operations for less, more in zip(blind.models, few.models, strict=True))


def test_what_is_there_already_is_not_run_again(house, tmp_path):
    knowshift.compare(house / "base", [house / "neuro_lora"], **options(house, tmp_path))
    again = plan(house, tmp_path, "neuro_lora")
    assert [model.held for model in again.models] == ["run", "run"]
    assert (again.passes, again.tokens, again.score_seconds) == (0, 0, 0)
    elsewhere = plan(house, tmp_path, "neuro_lora", out=tmp_path / "other")
    assert [model.held for model in elsewhere.models] == ["cache", "cache"]
    cache.clear()
    nowhere = plan(house, tmp_path, "neuro_lora", out=tmp_path / "other")
    assert [model.held for model in nowhere.models] == ["", ""]
    assert nowhere.passes == 2


def test_faults_are_those_of_the_run(house, tmp_path):
    with pytest.raises(UsageError, match="no tuned model"):
        forecast(house / "base", [])
    shutil.copytree(house / "cardio_full", tmp_path / "cardio_full")
    (tmp_path / "cardio_full" / "model.safetensors").write_bytes(b"x")
    with pytest.raises(CheckpointError, match="damaged or cut short"):
        forecast(house / "base", [tmp_path / "cardio_full"], domain=str(house / "domain"))


def test_the_command_prints_lines_or_json_alone(house, tmp_path, capsys):
    arguments = [*command(house, out=tmp_path / "run"), "--limit", "2", "--plan"]
    for more in ([], ["--json"]):
        with nothing_runs(), pytest.raises(SystemExit) as end:
            main(arguments + more)
        assert end.value.code == 0
        out = capsys.readouterr().out
        if more:
            held = json.loads(out)
            assert [model["name"] for model in held["models"]] == ["base", "neuro_lora", "cardio_lora"]
            assert held["passes"] == 3
        else:
            lines = out.splitlines()
            assert [line.split()[0] for line in lines[:4]] == ["model", "base", "neuro_lora", "cardio_lora"]
            assert "passes: 3 of 3" in out
            assert "GFLOP/s" in out
    assert not (tmp_path / "run").exists()
    with nothing_runs(), pytest.raises(SystemExit):
        main([*arguments, "--evaluate", "smedqa"])
    assert "what --evaluate would ask is not in it" in capsys.readouterr().err
