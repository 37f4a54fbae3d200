"""Where and how exactly a model is held changes none of its numbers, or the one line says why it cannot be had so."""

import gc
import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from adapters import METHODS, save_adapter
from house import command
from knowshift.errors import AdapterError, CheckpointError, UsageError
from knowshift.models import placement
from knowshift.models.checkpoint import Checkpoint
from knowshift.models.placement import Placement
from knowshift.models.scoring import score
from knowshift.models.weights import save_pt
from synthetic import fact
from tiny import make_tokenizer, tiny_model

pytestmark = pytest.mark.heavy

IDS = torch.tensor([[1, 5, 7, 9, 33, 250, 12]])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("base")
    tiny_model("llama", vocab_size=600).save_pretrained(path)
    make_tokenizer("byte_bpe").save_pretrained(path)
    return path


def test_auto_dtype_is_float32_on_the_cpu_and_the_checkpoints_own_elsewhere():
    config = tiny_model("llama").config
    config.dtype = torch.bfloat16
    assert Placement(torch.device("cuda")).dtype_of(config) == torch.bfloat16
    assert Placement(torch.device("cpu")).dtype_of(config) == torch.float32
    assert Placement(torch.device("cuda"), "float16").dtype_of(config) == torch.float16


SCORED = [
    fact("f0", "s0", ("bread", "ships", "river", "rain"), cues=2),
    fact("f1", "s1", ("the harbour", "the bank", "a week", "a contract"), cues=2),
]


def scores(checkpoint):
    return score(SCORED, checkpoint).to_pydict()


def close(one, other):
    assert one.keys() == other.keys()
    for name in ("item", "cue", "role", "rank"):
        assert one[name] == other[name]
    for name in ("logprob", "lens", "tempered"):
        np.testing.assert_allclose(one[name], other[name], atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["folder", "pt"])
def test_layers_on_the_disk_change_no_number(form, folder, tmp_path, monkeypatch):
    """accelerate lays out a model by the memory that it finds; here it is told there is room for one layer."""
    spec = folder
    if form == "pt":
        spec = tmp_path / "base.pt"
        save_pt(tiny_model("llama", vocab_size=600), make_tokenizer("byte_bpe"), spec)
    adapters = [
        save_adapter(tmp_path / name, METHODS[name]) for name in ("lora", "modules_to_save", "lora_head", "ia3")
    ]
    whole = Checkpoint.open(spec, device="cpu")
    want = [scores(whole), *(scores(Checkpoint.open(path, base=whole)) for path in adapters)]

    monkeypatch.setattr("transformers.integrations.accelerate.accelerate_max_memory", lambda *_: {"cpu": 250_000})
    base = Checkpoint.open(spec, device="cpu", device_map="auto")
    place = Path(base.model._offload_folder.name)
    assert {str(part) for part in base.model.hf_device_map.values()} == {"cpu", "disk"}
    assert any(weight.is_meta for weight in base.model.parameters())
    tuned = [Checkpoint.open(path, base=base) for path in adapters]
    monkeypatch.setattr("knowshift.models.engines.hooks.PASS_TOKENS", 1)
    passes = []
    base.anatomy.decoder.register_forward_pre_hook(lambda *_: passes.append(1))
    scores(base)
    assert len(passes) <= 6  # each pass brings every layer in; two trials, and a pass a batch
    for checkpoint, expected in zip([base, *tuned, base], [*want, want[0]], strict=True):
        close(scores(checkpoint), expected)
    for checkpoint in (base, *tuned):
        assert place.is_dir()
        checkpoint.close()
    gc.collect()  # accelerate's hooks and their modules hold each other
    assert not place.exists()


@pytest.mark.parametrize("method", ["dora", "pissa"])
def test_methods_that_need_the_bases_values_are_refused_where_these_are_away(method, folder, tmp_path, monkeypatch):
    monkeypatch.setattr("transformers.integrations.accelerate.accelerate_max_memory", lambda *_: {"cpu": 250_000})
    base = Checkpoint.open(folder, device="cpu", device_map="auto")
    path = save_adapter(tmp_path / method, METHODS[method])
    with pytest.raises(AdapterError, match=f"^{method}: fits base .*; load the base whole and in float$"):
        Checkpoint.open(path, base=base)


bitsandbytes = pytest.mark.skipif(find_spec("bitsandbytes") is None, reason="bitsandbytes is not installed")


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """4-bit weights are rounded in blocks of 64."""
    path = tmp_path_factory.mktemp("wide")
    tiny_model("llama", vocab_size=600, hidden_size=64, intermediate_size=128).save_pretrained(path)
    make_tokenizer("byte_bpe").save_pretrained(path)
    return path


@bitsandbytes
@pytest.mark.parametrize("bits", ["8bit", "4bit"])
def test_a_rounded_base_and_its_adapters_are_as_peft_alone_has_them(bits, wide, tmp_path):
    from peft import PeftModel

    whole = Checkpoint.open(wide, device="cpu")
    base = Checkpoint.find(wide, device="cpu", quantize=bits)
    rounded = base.nbytes
    base.load()
    assert base.quantization == bits
    assert sum(weight.nbytes for weight in base.model.parameters()) <= rounded < 0.8 * whole.nbytes
    alone = base.model(IDS).logits
    assert 1e-3 < (alone - whole.model(IDS).logits).abs().max() < whole.model(IDS).logits.abs().max()
    for name in ("lora", "modules_to_save", "ia3", "lora_head", "lora"):
        folder = save_adapter(tmp_path / name, METHODS[name], hidden_size=64, intermediate_size=128)
        want = PeftModel.from_pretrained(Checkpoint.open(wide, device="cpu", quantize=bits).model, folder).eval()(IDS)
        tuned = Checkpoint.open(folder, base=base)
        for _ in range(2):
            torch.testing.assert_close(tuned.model(IDS).logits, want.logits, atol=1e-5, rtol=1e-5)
            assert torch.equal(base.model(IDS).logits, alone)
    base.model.save_pretrained(tmp_path / "stored")
    make_tokenizer("byte_bpe").save_pretrained(tmp_path / "stored")
    stored = Checkpoint.open(tmp_path / "stored", device="cpu")
    assert stored.quantization == "bitsandbytes"
    torch.testing.assert_close(stored.model(IDS).logits, alone, atol=1e-5, rtol=1e-5)
    if bits == "4bit":  # peft's LoHa reads a rounded weight's shape for the layer's
        folder = save_adapter(tmp_path / "loha", METHODS["loha"], hidden_size=64, intermediate_size=128)
        with pytest.raises(AdapterError, match=r"loha: fits base .*; load the base whole and in float$"):
            Checkpoint.open(folder, base=base)
        assert torch.equal(base.model(IDS).logits, alone)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "dtype", "rounded"),
    [
        (["--dtype", "bfloat16"], "torch.bfloat16", "none"),
        (["--device-map", "auto"], "torch.float32", "none"),
        pytest.param(["--quantize", "8bit"], "torch.float32", "8bit", marks=bitsandbytes),
    ],
)
def test_a_comparison_is_made_so_and_says_so(options, dtype, rounded, house, probe, tmp_path, monkeypatch):
    monkeypatch.setattr("transformers.integrations.accelerate.accelerate_max_memory", lambda *_: {"cpu": 250_000})
    given = [*command(house, house / "neuro_lora", out=tmp_path / "run"), "--device", "cpu", "--limit", "40"]
    code, _, err = probe(*given, "--json", *options)
    assert code == 0, err
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (record["dtype"], record["quantization"]) == (dtype, rounded)


def test_rounding_without_its_package_says_what_to_install(folder, monkeypatch):
    monkeypatch.setattr(placement, "find_spec", lambda package: None)
    with pytest.raises(UsageError, match=r"^quantize 4bit: needs bitsandbytes; install with: pip install "):
        Checkpoint.open(folder, quantize="4bit")


@pytest.mark.parametrize(
    ("method", "command"),
    [
        ("gptq", "pip install gptqmodel optimum"),
        ("awq", "pip install gptqmodel"),
        ("bitsandbytes", "pip install bitsandbytes"),
    ],
)
def test_a_model_stored_rounded_says_what_to_install(method, command, folder, tmp_path, monkeypatch):
    """And is not rounded a second time."""
    shutil.copytree(folder, tmp_path / "rounded")
    file = tmp_path / "rounded" / "config.json"
    rounding = {"quant_method": method, "bits": 4, "group_size": 32, "load_in_4bit": True}
    file.write_text(json.dumps(json.loads(file.read_text()) | {"quantization_config": rounding}))
    monkeypatch.setattr("knowshift.models.placement.find_spec", lambda _: None)
    with pytest.raises(CheckpointError, match=rf"rounded: is stored quantised \({method}\), .*: {command}$"):
        Checkpoint.find(tmp_path / "rounded", device="cpu")
    monkeypatch.setattr("knowshift.models.placement.find_spec", lambda _: True)
    found = Checkpoint.find(tmp_path / "rounded", device="cpu")
    assert found.quantization == method
    with pytest.raises(UsageError, match="is stored quantised already"):
        Checkpoint.find(tmp_path / "rounded", device="cpu", quantize="8bit")


@pytest.mark.parametrize("options", [{"quantize": "3bit"}, {"device_map": "balanced"}])
def test_unknown_values_say_what_is_known(options, folder):
    with pytest.raises(UsageError, match=r"is unknown; expected none, "):
        Checkpoint.find(folder, **options)
