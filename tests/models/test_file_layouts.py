"""Layouts of models that are not peft's or transformers' own: read, or refused by what is the matter."""

import shutil

import pytest
import torch
from adapters import METHODS, save_adapter
from house import copied
from knowshift.errors import AdapterError, CheckpointError
from knowshift.models.checkpoint import Checkpoint
from knowshift.probes.runs.lens_reading import read_lens
from peft import LoraConfig, PrefixTuningConfig, PromptTuningConfig
from safetensors.torch import load_file, save_file
from tiny import drawn, make_tokenizer, tiny_model
from transformers import OPTConfig

IDS = torch.tensor([[1, 5, 7, 9, 33, 250, 12]])
RENAMINGS = {
    "bare": lambda key: key.removeprefix("base_model.model."),
    "default": lambda key: key.replace(".weight", ".default.weight"),
    "other_name": lambda key: key.replace(".weight", ".medic.weight"),
    "parallel": lambda key: f"module.{key}",
    "compiled": lambda key: f"_orig_mod.{key}",
    "compiled_inside": lambda key: key.replace("base_model.model.", "base_model.model._orig_mod."),
    "sharded": lambda key: key.replace("layers.", "_fsdp_wrapped_module.layers.").removeprefix("base_model.model."),
}


def renamed(folder, rename):
    file = folder / "adapter_model.safetensors"
    save_file({rename(key): value for key, value in load_file(file).items()}, file)
    return folder


@pytest.mark.parametrize("way", RENAMINGS)
def test_adapter_keys(way, house, tmp_path):
    base = Checkpoint.open(house / "base", device="cpu")
    want = Checkpoint.open(house / "neuro_lora", base=base).model(IDS).logits
    tuned = Checkpoint.open(renamed(copied(house, "neuro_lora", tmp_path), RENAMINGS[way]), base=base)
    assert torch.equal(tuned.model(IDS).logits, want)
    assert tuned.adapter.landed


@pytest.mark.parametrize("method", ["dora", "ia3", "modules_to_save", "lora_embedding"])
def test_adapter_keys_of_other_methods(method, tmp_path):
    tiny_model("llama", vocab_size=600).save_pretrained(tmp_path / "base")
    make_tokenizer("byte_bpe").save_pretrained(tmp_path / "base")
    base = Checkpoint.open(tmp_path / "base", device="cpu")
    folder = save_adapter(tmp_path / "tuned", METHODS[method])
    want = Checkpoint.open(folder, base=base).model(IDS).logits
    renamed(folder, RENAMINGS["bare"])
    assert torch.equal(Checkpoint.open(folder, base=base).model(IDS).logits, want)


def test_two_tensors_of_one_name_are_refused(house, tmp_path):
    folder = copied(house, "neuro_lora", tmp_path)
    file = folder / "adapter_model.safetensors"
    tensors = load_file(file)
    save_file(tensors | {f"module.{key}": value.clone() for key, value in tensors.items()}, file)
    with pytest.raises(AdapterError, match="unknown to base base"):
        Checkpoint.find(folder, base=Checkpoint.find(house / "base", device="cpu"))


def test_subfolder(house, tmp_path):
    base = Checkpoint.find(house / "base", device="cpu")
    copied(house, "neuro_lora", tmp_path / "out")
    copied(house, "cardio_lora", tmp_path / "out")
    out = tmp_path / "out"
    with pytest.raises(CheckpointError) as error:
        Checkpoint.find(out, base=base)
    assert str(error.value) == (
        f"{out}: has neither config.json nor adapter_config.json; the models lie in folders of their own, so give one "
        f"of {out / 'cardio_lora'}, {out / 'neuro_lora'}"
    )


def test_missing_shard(house, tmp_path):
    model = tiny_model("llama", vocab_size=len(make_tokenizer("byte_bpe")))
    model.save_pretrained(tmp_path, max_shard_size="40KB")
    make_tokenizer("byte_bpe").save_pretrained(tmp_path)
    second = sorted(tmp_path.glob("model-0*.safetensors"))[1]
    kept = shutil.move(second, tmp_path.parent / f"{tmp_path.name}.kept")
    with pytest.raises(CheckpointError) as error:
        Checkpoint.find(tmp_path, device="cpu")
    assert f"{second.name} is missing" in str(error.value)
    assert "copy or download it again" in str(error.value)
    shutil.move(kept, second)
    assert torch.equal(Checkpoint.open(tmp_path, device="cpu").model(IDS).logits, model(IDS).logits)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text("{}")
    with pytest.raises(CheckpointError, match=r"index.json: cannot be read"):
        Checkpoint.find(tmp_path, device="cpu")


@pytest.mark.parametrize(
    "config",
    [
        LoraConfig(task_type="CAUSAL_LM", target_modules=["q_proj"], alora_invocation_tokens=[5, 6]),
        PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=2),
        PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=2),
    ],
    ids=["alora", "prompt", "prefix"],
)
def test_adapters_that_cannot_be_merged(config, house, tmp_path):
    folder = save_adapter(tmp_path / "tuned", config)
    with pytest.raises(AdapterError) as error:
        Checkpoint.find(folder, base=Checkpoint.find(house / "base", device="cpu"))
    assert "merge it" not in str(error.value)
    assert str(error.value).endswith("it cannot be merged into the base either, so compare another kind of adapter")


def test_resized_vocabulary_with_modules_to_save(house, tmp_path):
    config = LoraConfig(task_type="CAUSAL_LM", target_modules=["q_proj"], modules_to_save=["embed_tokens", "lm_head"])
    folder = save_adapter(tmp_path / "tuned", config, vocab_size=482)
    with pytest.raises(AdapterError, match="that base resized to 482 tokens and saved with the adapter's tokenizer"):
        Checkpoint.find(folder, base=Checkpoint.find(house / "base", device="cpu"))


def test_no_final_norm(tmp_path):
    """As OPT-350m: no final norm, and an embedding narrower than the layers."""
    tokenizer = make_tokenizer("byte_bpe")
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "ffn_dim": 40}
    sizes |= {"vocab_size": len(tokenizer), "word_embed_proj_dim": 16, "max_position_embeddings": 64}
    config = OPTConfig(**sizes, do_layer_norm_before=False)
    model = drawn(config, seed=0)
    model.save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    ids = tokenizer("the river was high")["input_ids"]
    own = model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
    read = read_lens(tmp_path / "base", [], "the river was high", device="cpu").models[0]
    expected = [float(own[at - 1, ids[at]]) for at in range(1, len(ids))]
    assert read.logprob[-1][1:] == pytest.approx(expected, abs=1e-4)
