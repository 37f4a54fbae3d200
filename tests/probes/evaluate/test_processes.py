"""Several processes of one evaluation: each asks its share, and the first puts together what one alone would have."""

import json
from pathlib import Path

import polars as pl
import pytest
from evaluation import write_smedqa
from house import write_adapter, write_domain
from knowshift.errors import UsageError
from knowshift.probes.evaluate import on_vllm
from knowshift.probes.evaluate.evaluate import evaluate
from launch import finish, kill_halfway, launch
from tiny import make_tokenizer, tiny_model

pytestmark = pytest.mark.heavy


@pytest.mark.parametrize(
    ("options", "says"), [({}, "--out: name"), ({"engine": "vllm", "out": "run"}, "--engine vllm")]
)
def test_what_several_processes_cannot_do_is_one_line(monkeypatch, options, says):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(on_vllm, "find_spec", lambda name: name)
    with pytest.raises(UsageError, match=says):
        evaluate("base", "tuned", **options)


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    """A folder of base, adapter, domain and questions, and an evaluation of these by one process."""
    folder = tmp_path_factory.mktemp("material")
    tokenizer = make_tokenizer("metaspace_prefix")
    model = tiny_model("llama", vocab_size=len(tokenizer), max_position_embeddings=512)
    model.save_pretrained(folder / "base")
    tokenizer.save_pretrained(folder / "base")
    write_adapter(folder / "neuro_lora", model, 1)
    write_domain(folder / "domain", 8)
    write_smedqa(folder / "questions.json", 40, ("Neurology", "Cardiology"))
    whole = evaluate(
        folder / "base",
        folder / "neuro_lora",
        data=folder / "questions.json",
        methods="letter",
        domain=folder / "domain",
        out=folder / "one",
    )
    return folder, whole


def command(folder, out):
    models = [folder / "base", folder / "neuro_lora"]
    options = ["--data", folder / "questions.json", "--domain", folder / "domain", "--method", "letter", "--out", out]
    return ["evaluate", *models, *options]


def is_what_one_found(run, material):
    folder, whole = material
    found = json.loads((run / "evaluation.json").read_text())
    assert found["scores"] == json.loads(whole.result.to_json())["scores"]
    for file in sorted((folder / "one").glob("scores/*/*.parquet")):
        answers, others = (pl.read_parquet(each) for each in (file, run / file.relative_to(folder / "one")))
        assert answers.drop("logprobs").equals(others.drop("logprobs"))
        assert len(answers) > 64  # shards enough for both
    assert not list(Path(run).glob("scores/*/.parts"))


@pytest.mark.slow
def test_two_processes_find_what_one_finds(material, tmp_path):
    """As a launcher starts them: the same command, told apart by the environment alone."""
    said = finish(launch(command(material[0], tmp_path / "two"), 2))
    assert "report:" in said[0][0]
    assert said[1] == ("", "")
    is_what_one_found(tmp_path / "two", material)


@pytest.mark.slow
def test_an_evaluation_killed_among_two_processes_goes_on_with_one(material, tmp_path):
    run = tmp_path / "run"
    kill_halfway(command(material[0], run), run, "scores/*/.parts/*/[0-9]*.parquet")
    assert not (run / "evaluation.json").exists()
    folder = material[0]
    options = {"data": folder / "questions.json", "methods": "letter", "domain": folder / "domain"}
    evaluate(folder / "base", folder / "neuro_lora", **options, out=run)
    is_what_one_found(run, material)
