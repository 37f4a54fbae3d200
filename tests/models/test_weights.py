"""Weight files: what is written comes back, what is foreign is translated, what is dangerous is refused."""

import json
import os
import pickle

import pytest
import torch
from knowshift.errors import CheckpointError
from knowshift.models.checkpoint import Checkpoint
from knowshift.models.weights import save_pt
from safetensors.torch import save_file
from tiny import ARCHITECTURES, CORPUS, TOKENIZERS, make_tokenizer, tiny_model

IDS = torch.tensor([[1, 5, 7, 9, 33, 250, 12]])


def beside(folder, model, family="metaspace_prefix"):
    """A folder with config and tokenizer, but no weights."""
    folder.mkdir(parents=True, exist_ok=True)
    model.config.save_pretrained(folder)
    make_tokenizer(family).save_pretrained(folder)
    return folder


def refusal(path, **options):
    with pytest.raises(CheckpointError) as error:
        Checkpoint.open(path, device="cpu", **options)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_self_contained_file_gives_the_same_logits(arch, tmp_path):
    model = tiny_model(arch, vocab_size=600)
    save_pt(model, make_tokenizer("byte_bpe"), tmp_path / "base.pt")
    opened = Checkpoint.open(tmp_path / "base.pt", device="cpu")
    assert opened.name == "base"
    assert torch.equal(opened.model(IDS).logits, model(IDS).logits)
    assert sorted(os.listdir(tmp_path)) == ["base.pt"]


@pytest.mark.heavy
@pytest.mark.parametrize("family", TOKENIZERS)
@pytest.mark.parametrize("arch", ["llama", "gpt2", "gemma2"])
def test_self_contained_file_carries_the_tokenizer(family, arch, tmp_path):
    tokenizer = make_tokenizer(family)
    save_pt(tiny_model(arch, vocab_size=600), tokenizer, tmp_path / "base.pt")
    opened = Checkpoint.open(tmp_path / "base.pt", device="cpu").tokenizer
    for text in [*CORPUS, "  two  spaces ", "🙂 emoji\n"]:
        want, got = tokenizer(text, return_offsets_mapping=True), opened(text, return_offsets_mapping=True)
        assert (got["input_ids"], got["offset_mapping"]) == (want["input_ids"], want["offset_mapping"])


def test_chat_template_is_kept(tmp_path):
    tokenizer = make_tokenizer("byte_bpe")
    before, tokenizer.chat_template = tokenizer.chat_template, "{% for m in messages %}<{{ m.content }}>{% endfor %}"
    try:
        save_pt(tiny_model("llama", vocab_size=600), tokenizer, tmp_path / "base.pt")
        opened = Checkpoint.open(tmp_path / "base.pt", device="cpu").tokenizer
        assert opened.chat_template == tokenizer.chat_template
    finally:
        tokenizer.chat_template = before


def test_half_precision_file_is_smaller_and_opens_in_float32(tmp_path):
    model, tokenizer = tiny_model("llama", vocab_size=600), make_tokenizer("byte_bpe")
    save_pt(model, tokenizer, tmp_path / "full.pt")
    save_pt(model, tokenizer, tmp_path / "half.pt", dtype=torch.float16)
    opened = Checkpoint.open(tmp_path / "half.pt", device="cpu")
    assert opened.dtype == torch.float32 == model.dtype
    assert (tmp_path / "half.pt").stat().st_size < 0.8 * (tmp_path / "full.pt").stat().st_size
    for name, weight in opened.model.state_dict().items():
        assert torch.equal(weight, model.state_dict()[name].half().float()), name


def test_a_failed_write_leaves_nothing(tmp_path):
    with pytest.raises((OSError, RuntimeError)):
        save_pt(tiny_model("llama", vocab_size=600), make_tokenizer("byte_bpe"), tmp_path / "no" / "base.pt")
    assert not any(tmp_path.iterdir())


@pytest.mark.heavy
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("arch", ["llama", "qwen2", "gpt2"])
def test_state_dict_beside_its_config_or_with_a_config_folder(arch, suffix, tmp_path):
    model = tiny_model(arch, vocab_size=600)
    folder, elsewhere = beside(tmp_path / "mine", model), tmp_path / "loose" / f"tuned{suffix}"
    elsewhere.parent.mkdir()
    for path in (folder / f"model{suffix}", elsewhere):
        state = {name: value.clone() for name, value in model.state_dict().items()}
        torch.save(state, path) if suffix == ".pt" else save_file(state, path, metadata={"format": "pt"})
    near = Checkpoint.open(folder / f"model{suffix}", device="cpu")
    far = Checkpoint.open(elsewhere, config=folder, device="cpu")
    borrowed = Checkpoint.open(elsewhere, base=near, device="cpu")
    assert (near.name, far.name, borrowed.name) == ("mine", "tuned", "tuned")
    assert (near.kind, borrowed.kind) == ("base", "full")
    for opened in (near, far, borrowed):
        assert torch.equal(opened.model(IDS).logits, model(IDS).logits)
    assert any("tokenizer" in note for note in borrowed.notes)
    assert "--config" in refusal(elsewhere)


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model"])
def test_training_checkpoints_keep_the_state_dict_one_level_down(key, tmp_path):
    model = tiny_model("llama", vocab_size=600)
    folder = beside(tmp_path / "mine", model)
    torch.save({key: model.state_dict(), "step": 7}, folder / "step7.pt")
    opened = Checkpoint.open(folder / "step7.pt", device="cpu")
    assert torch.equal(opened.model(IDS).logits, model(IDS).logits)


@pytest.mark.slow
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_transformer_lens_bridge_comes_back(arch, tmp_path):
    from transformer_lens.model_bridge.sources import build_bridge_from_module

    model = tiny_model(arch, vocab_size=600)
    want = model(IDS).logits
    folder = beside(tmp_path / "lens", model)
    config = json.loads((folder / "config.json").read_text())
    bridge = build_bridge_from_module(model, type(model).__name__, hf_config=model.config)
    torch.save(bridge.state_dict(), folder / "bridge.pt")
    torch.save({"state_dict": bridge.state_dict(), "config": config}, folder / "inside.pt")
    opened = Checkpoint.open(folder / "bridge.pt", device="cpu")
    assert torch.equal(opened.model(IDS).logits, want)
    inside = Checkpoint.open(folder / "inside.pt", device="cpu")
    assert torch.equal(inside.model(IDS).logits, opened.model(IDS).logits)


def test_transformer_lens_faults_are_named(tmp_path):
    from transformer_lens.model_bridge.sources import build_bridge_from_module

    model = tiny_model("qwen2", vocab_size=600)
    folder = beside(tmp_path / "lens", model)
    bridge = build_bridge_from_module(model, type(model).__name__, hf_config=model.config)
    state = {name: value.clone() for name, value in bridge.state_dict().items()}
    torch.save(state | {"unembed.weight": state["unembed.weight"] * 2}, folder / "folded.pt")
    assert "enable_compatibility_mode" in refusal(folder / "folded.pt")
    del state["blocks.0.attn.q.weight"]
    torch.save(state, folder / "part.pt")
    assert "Qwen2ForCausalLM" in refusal(folder / "part.pt")
    old = {"embed.W_E": torch.ones(600, 32), "blocks.0.attn.W_Q": torch.ones(4, 32, 8)}
    torch.save(old, folder / "old.pt")
    assert "HookedTransformer" in refusal(folder / "old.pt")
    assert "boot_transformers" in refusal(folder / "old.pt")


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("how", ["pickle", "torch", "torch_legacy"])
def test_a_pickle_with_code_is_refused_and_not_run(how, tmp_path):
    path, proof = tmp_path / "bad.pt", tmp_path / "ran"
    if how == "pickle":
        path.write_bytes(pickle.dumps({"w": Malicious(proof)}))
    else:
        torch.save({"w": Malicious(proof)}, path, _use_new_zipfile_serialization=how == "torch")
    assert "could run" in refusal(path)
    assert not proof.exists()


def test_a_folders_pickle_is_read_as_carefully(tmp_path):
    model = tiny_model("llama", vocab_size=600)
    folder, proof = beside(tmp_path / "mine", model), tmp_path / "ran"
    torch.save({"w": Malicious(proof)}, folder / "pytorch_model.bin")
    assert "could run" in refusal(folder)
    assert not proof.exists()
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    assert torch.equal(Checkpoint.open(folder, device="cpu").model(IDS).logits, model(IDS).logits)


def test_a_pickled_model_is_refused_by_the_class_it_holds(tmp_path):
    torch.save(tiny_model("llama"), tmp_path / "whole.pt")
    assert "LlamaForCausalLM" in refusal(tmp_path / "whole.pt")


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("kept", [0, 7, 0.5, 0.99])
def test_a_truncated_file_is_said_to_be_damaged(suffix, kept, tmp_path):
    model = tiny_model("llama", vocab_size=600)
    path = beside(tmp_path / "mine", model) / f"cut{suffix}"
    torch.save(model.state_dict(), path) if suffix == ".pt" else save_file(dict(model.state_dict()), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole)) if isinstance(kept, float) else kept])
    message = refusal(path)
    assert "damaged or cut short" in message or "not a file that torch.save wrote" in message


def test_weights_of_another_model_are_named(tmp_path):
    model = tiny_model("llama", vocab_size=600)
    folder, state = beside(tmp_path / "mine", model), model.state_dict()
    gone = {name: value for name, value in state.items() if "layers.1.mlp" not in name}
    faults = {
        "more.pt": (state | {"extra.weight": torch.ones(2)}, "extra.weight"),
        "less.pt": (gone, "model.layers.1.mlp.down_proj.weight"),
        "other.pt": (state | {"model.norm.weight": torch.ones(5)}, r"model.norm.weight \[5\], expected \[32\]"),
        "adapter.pt": ({"base_model.model.x.lora_A.weight": torch.ones(2)}, "adapter_config.json"),
        "list.pt": ([1, 2], "state dict"),
        "newer.pt": ({"format": "knowshift-checkpoint", "version": 99, "state_dict": state}, "version 99"),
    }
    for name, (content, expected) in faults.items():
        torch.save(content, folder / name)
        with pytest.raises(CheckpointError, match=expected) as error:
            Checkpoint.open(folder / name, device="cpu")
        assert "\n" not in str(error.value)
