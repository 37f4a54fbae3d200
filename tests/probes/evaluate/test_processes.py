"""Several processes of one evaluation: each asks its share, and the first puts together what one alone would have."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from evaluation import write_smedqa
from house import write_adapter, write_domain
from knowshift.errors import UsageError
from knowshift.probes.evaluate import on_vllm, processes
from knowshift.probes.evaluate.evaluate import evaluate
from knowshift.probes.evaluate.processes import LAUNCHED, Processes
from tiny import make_tokenizer, tiny_model

COUNT = 2


def set_(monkeypatch, **said):
    for name in LAUNCHED:
        monkeypatch.delenv(name, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)


def test_without_a_launcher_there_is_one_process(monkeypatch):
    set_(monkeypatch)
    alone = Processes.here()
    assert alone.first
    assert all(alone.takes(number) for number in range(5))
    assert alone.device("auto", "auto") == "auto"


def test_every_shard_is_one_processs(monkeypatch):
    takes = []
    for rank in range(3):
        set_(monkeypatch, RANK=str(rank), WORLD_SIZE="3", LOCAL_RANK=str(rank))
        takes += [number for number in range(10) if Processes.here().takes(number)]
    assert sorted(takes) == list(range(10))


@pytest.mark.parametrize("said", [{"RANK": "2", "WORLD_SIZE": "2"}, {"RANK": "x"}, {"WORLD_SIZE": "0"}])
def test_a_launcher_that_makes_no_sense_is_one_line(monkeypatch, said):
    set_(monkeypatch, **said)
    with pytest.raises(UsageError, match="launcher's environment"):
        Processes.here()


def test_of_several_processes_each_has_a_gpu(monkeypatch):
    import torch

    second = Processes(rank=3, count=4, local=1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert second.device("auto", "none") == "cuda:1"
    assert second.device("cpu", "none") == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert second.device("auto", "none") == "auto"
    with pytest.raises(UsageError, match="--device-map"):
        second.device("auto", "auto")


@pytest.mark.parametrize(
    ("options", "says"), [({}, "--out: name"), ({"engine": "vllm", "out": "run"}, "--engine vllm")]
)
def test_what_several_processes_cannot_do_is_one_line(monkeypatch, options, says):
    set_(monkeypatch, RANK="1", WORLD_SIZE="2", LOCAL_RANK="1")
    monkeypatch.setattr(on_vllm, "find_spec", lambda name: name)
    with pytest.raises(UsageError, match=says):
        evaluate("base", "tuned", **options)


def test_a_long_wait_says_what_for(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(processes, "PATIENCE", 0.0)
    looks = iter([None, None, "there"])
    assert Processes(0, 2).wait(lambda: next(looks), tmp_path / "shard") == "there"
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path / "shard") in line
    assert "process 0 of 2" in line


def test_two_processes_find_what_one_finds(tmp_path):
    """As a launcher starts them: the same command, told apart by the environment alone."""
    tokenizer = make_tokenizer("metaspace_prefix")
    model = tiny_model("llama", vocab_size=len(tokenizer), max_position_embeddings=512)
    model.save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    adapter = write_adapter(tmp_path / "neuro_lora", model, 1)
    domain = write_domain(tmp_path / "domain", 8)
    data = write_smedqa(tmp_path / "questions.json", 40, ("Neurology", "Cardiology"))
    whole = evaluate(tmp_path / "base", adapter, data=data, methods="letter", domain=domain, out=tmp_path / "one")
    arguments = [
        tmp_path / "base",
        adapter,
        "--data",
        data,
        "--method",
        "letter",
        "--domain",
        domain,
        "--out",
        tmp_path / "two",
    ]
    code = "import sys; from knowshift.cli import main; main(sys.argv[1:])"
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, "evaluate", *map(str, arguments)],
            env=os.environ
            | {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(COUNT), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(COUNT)
    ]
    try:
        said = [process.communicate(timeout=240) for process in started]
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [0] * COUNT, said
    assert "report:" in said[0][0]
    assert said[1] == ("", "")
    found = json.loads((tmp_path / "two" / "evaluation.json").read_text())
    assert found["scores"] == json.loads(whole.result.to_json())["scores"]
    for file in sorted((tmp_path / "one").glob("scores/*/*.parquet")):
        twin = tmp_path / "two" / file.relative_to(tmp_path / "one")
        answers, others = (pl.read_parquet(each) for each in (file, twin))
        assert answers.drop("logprobs").equals(others.drop("logprobs"))
        assert len(answers) > 64  # shards enough for both
    assert not list(Path(tmp_path / "two").glob("scores/*/.parts"))
