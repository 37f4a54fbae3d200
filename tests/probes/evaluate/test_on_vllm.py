"""The harness's vLLM model: what it is told, what it refuses, and, where vLLM is installed, that it says the same."""

from importlib.util import find_spec

import polars as pl
import pytest
import torch
from evaluation import write_smedqa
from house import write_adapter, write_domain
from knowshift.errors import AdapterError, CheckpointError, UsageError
from knowshift.models.checkpoint import Checkpoint
from knowshift.probes.evaluate import on_vllm
from knowshift.probes.evaluate.evaluate import evaluate
from knowshift.probes.evaluate.prompting import PromptingConfig
from knowshift.probes.evaluate.settings import settings_from
from peft import IA3Config, LoraConfig, get_peft_model
from tiny import make_tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

ASKING = PromptingConfig(128, engine="vllm")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A base and a LoRA adapter, of a size that vLLM's kernels take."""
    place = tmp_path_factory.mktemp("models")
    tokenizer = make_tokenizer("metaspace_prefix")
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=128,
        num_attention_heads=4,
        num_hidden_layers=2,
        intermediate_size=256,
        vocab_size=len(tokenizer),
        max_position_embeddings=512,
        initializer_range=0.2,
    )
    model = LlamaForCausalLM(config)
    model.save_pretrained(place / "base")
    tokenizer.save_pretrained(place / "base")
    write_adapter(place / "neuro_lora", model, 1)
    return place


@pytest.mark.skipif(find_spec("vllm") is not None, reason="vllm is installed")
def test_vllm_that_is_not_installed_is_one_line(folder):
    with pytest.raises(UsageError, match="vllm is not installed"):
        evaluate(folder / "base", folder / "neuro_lora", engine="vllm", data="questions.json")


def test_an_adapter_is_told_by_its_folder_rank_and_modules(folder):
    base = Checkpoint.find(folder / "base", device="cpu")
    tuned = Checkpoint.find(folder / "neuro_lora", base=base)
    told = on_vllm._lora(tuned)
    assert told["lora_local_path"] == str(folder / "neuro_lora")
    assert told["max_lora_rank"] == 8
    assert "lm_head" not in told["lora_target_modules"]
    assert on_vllm._lora(base) == {}


@pytest.mark.parametrize("option", [{"device": "cpu"}, {"quantize": "4bit"}, {"device_map": "auto"}])
def test_what_vllm_decides_itself_is_refused(option):
    with pytest.raises(UsageError, match=r"vllm places and rounds models itself; drop it"):
        settings_from({"engine": "vllm", **option})


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (IA3Config(target_modules=["down_proj"], feedforward_modules=["down_proj"]), "runs LoRA up to rank 512 alone"),
        (LoraConfig(r=513, target_modules=["o_proj"]), "runs LoRA up to rank 512 alone"),
        (LoraConfig(target_modules=["o_proj"], alpha_pattern={"o_proj": 4}), "does not run LoRA with alpha_pattern"),
        (LoraConfig(target_modules=["o_proj"], use_dora=True), "does not run LoRA with use_dora"),
        (LoraConfig(target_modules=["o_proj", "lm_head"]), "cannot weigh prompts with LoRA on"),
        (LoraConfig(target_modules=".*o_proj"), "cannot weigh prompts with LoRA on"),
    ],
)
def test_adapters_that_vllm_does_not_run(folder, tmp_path, config, says):
    get_peft_model(LlamaForCausalLM.from_pretrained(folder / "base"), config).save_pretrained(tmp_path / "a")
    tuned = Checkpoint.find(tmp_path / "a", base=Checkpoint.find(folder / "base", device="cpu"))
    refused = pytest.raises(AdapterError, match=f"^a: vllm {says}.*; or give --engine transformers$")
    with refused, on_vllm.vllm_model(tuned, ASKING):
        pass


def test_a_weight_file_is_no_folder(folder):
    file = Checkpoint.find(folder / "base" / "model.safetensors", device="cpu")
    with pytest.raises(CheckpointError, match="Hugging Face folders alone"), on_vllm.vllm_model(file, ASKING):
        pass


@pytest.mark.skipif(find_spec("vllm") is None, reason="vllm is not installed")
def test_vllm_says_what_transformers_says(folder, tmp_path):
    questions = write_smedqa(tmp_path / "questions.json", 24, ("Neurology", "Cardiology"))
    domain = write_domain(tmp_path / "domain", 8)
    runs = {
        engine: evaluate(
            folder / "base",
            folder / "neuro_lora",
            data=questions,
            domain=domain,
            dtype="float32",
            engine=engine,
            methods=("letter", "text", "pmi"),
            out=tmp_path / engine,
        ).run
        for engine in ("transformers", "vllm")
    }
    files = sorted(runs["transformers"].glob("scores/*/*.parquet"))
    assert len(files) == 8
    for file in files:
        ours, theirs = (pl.read_parquet(each) for each in (file, runs["vllm"] / file.relative_to(runs["transformers"])))
        assert ours.drop("logprobs").equals(theirs.drop("logprobs"))
        apart = (ours["logprobs"].explode() - theirs["logprobs"].explode()).abs().max()
        assert apart < 1e-3
