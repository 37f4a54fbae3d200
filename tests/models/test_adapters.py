"""Adapters on a shared base: each fitting one acts as peft's own merge does; each that does not fit leaves no trace."""

import copy
import json

import pytest
import torch
from knowshift.errors import AdapterError
from knowshift.models.architecture import final_logits
from knowshift.models.checkpoint import Checkpoint
from knowshift.models.weights import save_pt
from peft import (
    BOFTConfig,
    IA3Config,
    LoHaConfig,
    LoKrConfig,
    LoraConfig,
    OFTConfig,
    PeftModel,
    PrefixTuningConfig,
    PromptTuningConfig,
    VeraConfig,
    get_peft_model,
)
from safetensors.torch import load_file, save_file
from tiny import make_tokenizer, tiny_model

IDS = torch.tensor([[1, 5, 7, 9, 33, 250, 12], [4, 8, 8, 2, 90, 11, 4]])
VOCABULARY = 600
ATTENTION = ["q_proj", "v_proj"]


def lora(**options):
    return LoraConfig(**{"r": 4, "lora_alpha": 8, "target_modules": ATTENTION, "task_type": "CAUSAL_LM", **options})


def save_adapter(folder, config, *, arch="llama", seed=1, **overrides):
    """Trains nothing, but draws every adapter tensor at random, so that it moves the logits."""
    model = get_peft_model(tiny_model(arch, **{"vocab_size": VOCABULARY, **overrides}), copy.deepcopy(config))
    torch.manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight.add_(0.1 * torch.randn_like(weight))
    model.save_pretrained(folder)
    return folder


def merged_logits(folder, arch="llama"):
    """The oracle: peft alone, on a base of its own."""
    model = PeftModel.from_pretrained(tiny_model(arch, vocab_size=VOCABULARY), folder).eval()
    with torch.no_grad():
        return model(IDS).logits


def edit(folder, change):
    file = folder / "adapter_model.safetensors"
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file)
    return folder


def edit_config(folder, **values):
    file = folder / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))
    return folder


@pytest.fixture
def base(tmp_path):
    save_pt(tiny_model("llama", vocab_size=VOCABULARY), make_tokenizer("byte_bpe"), tmp_path / "base.pt")
    return Checkpoint.open(tmp_path / "base.pt", device="cpu")


@pytest.fixture
def good(tmp_path):
    return save_adapter(tmp_path / "good.v1", lora(), seed=9)  # a dot, which a module's name may not have


def logits(checkpoint):
    with checkpoint.active() as model:
        return model(IDS).logits


METHODS = {
    "lora": lora(),
    "rslora_patterns": lora(use_rslora=True, rank_pattern={"q_proj": 2}, alpha_pattern={"v_proj": 16}),
    "dora": lora(use_dora=True),
    "lora_all_linear": lora(target_modules="all-linear"),
    "lora_embedding": lora(target_modules=["embed_tokens", "q_proj"]),
    "lora_head": lora(target_modules=["lm_head", "q_proj"]),
    "modules_to_save": lora(modules_to_save=["lm_head", "embed_tokens"]),
    "norm_to_save": lora(modules_to_save=["norm"]),
    "lora_mlp": lora(target_modules=["up_proj", "down_proj"]),
    "mlp_to_save": lora(modules_to_save=["mlp"]),
    "trainable_tokens": lora(trainable_token_indices=[5, 7]),
    "ia3": IA3Config(target_modules=["k_proj", "v_proj", "down_proj"], feedforward_modules=["down_proj"]),
    "loha": LoHaConfig(r=2, target_modules=ATTENTION),
    "lokr": LoKrConfig(r=2, target_modules=ATTENTION),
    "vera": VeraConfig(r=8, target_modules=["q_proj", "o_proj"]),
    "oft": OFTConfig(oft_block_size=8, r=0, target_modules=ATTENTION),
}


@pytest.mark.parametrize("method", METHODS)
def test_every_method_acts_as_peft_alone_and_leaves_the_base(method, base, tmp_path):
    before = logits(base)
    folder = save_adapter(tmp_path / "tuned", METHODS[method])
    tuned = Checkpoint.open(folder, base=base)
    assert tuned.adapter is not None
    assert tuned.adapter.landed
    torch.testing.assert_close(logits(tuned), merged_logits(folder), atol=1e-5, rtol=1e-5)
    assert (logits(tuned) - before).abs().max() > 1e-3
    assert torch.equal(logits(base), before)
    assert tuned.model is base.model
    assert not any(weight.requires_grad for weight in base.model.parameters())
    assert not any(module.training for module in base.model.modules())


@pytest.mark.parametrize("method", ["lora_head", "modules_to_save", "norm_to_save", "lora_embedding"])
def test_anatomy_reads_the_adapters_own_norm_and_head(method, base, tmp_path):
    early = base.anatomy
    tuned = Checkpoint.open(save_adapter(tmp_path / "tuned", METHODS[method]), base=base)
    for checkpoint, parts in ((tuned, tuned.anatomy), (base, base.anatomy), (base, early)):
        with checkpoint.active() as model:
            kept = []
            handle = parts.layers[-1].register_forward_hook(lambda _m, _i, out, kept=kept: kept.append(out))
            want = model(IDS).logits
            handle.remove()
            torch.testing.assert_close(final_logits(parts, kept[0]), want, atol=1e-5, rtol=1e-5)


def test_many_adapters_share_one_base_and_do_not_mix(base, tmp_path):
    """Also adapters that wrap other modules than their neighbours."""
    before = logits(base)
    methods = ["lora", "modules_to_save", "dora", "lora_all_linear", "lora", "norm_to_save", "rslora_patterns"]
    folders = [save_adapter(tmp_path / f"a{i}", METHODS[method], seed=i) for i, method in enumerate(methods)]
    opened = [Checkpoint.open(folder, base=base) for folder in folders]
    for _ in range(2):
        for folder, tuned in zip(folders, opened, strict=True):
            torch.testing.assert_close(logits(tuned), merged_logits(folder), atol=1e-5, rtol=1e-5)
            assert torch.equal(logits(base), before)
    assert len({tuned.content_key for tuned in [base, *opened]}) == len(opened) + 1
    storage = {weight.data_ptr() for name, weight in base.model.named_parameters() if "q_proj.base_layer" in name}
    assert len(storage) == len(base.anatomy.layers)


TOGETHER = [("lora_head", "lora_embedding"), ("lora", "lora_head"), ("modules_to_save", "norm_to_save")]
APART = [
    ("modules_to_save", "lora_head"),
    ("modules_to_save", "lora_embedding"),
    ("modules_to_save", "trainable_tokens"),
    ("dora", "trainable_tokens"),
    ("lora_mlp", "mlp_to_save"),
]
BOTH_WAYS = [(*pair, pairs is TOGETHER) for pairs in (TOGETHER, APART) for two in pairs for pair in (two, two[::-1])]


@pytest.mark.parametrize(("one", "two", "together"), BOTH_WAYS)
def test_two_that_change_the_same_module_are_right_or_refused(one, two, together, base, tmp_path):
    """peft cannot keep apart every pair of adapters on one base; such a pair is refused, and the first still works."""
    before = logits(base)
    folders = [save_adapter(tmp_path / name, METHODS[name], seed=i) for i, name in enumerate((one, two))]
    first = Checkpoint.open(folders[0], base=base)
    if together:
        second = Checkpoint.open(folders[1], base=base)
        torch.testing.assert_close(logits(second), merged_logits(folders[1]), atol=1e-5, rtol=1e-5)
    else:
        with pytest.raises(AdapterError, match=f"{two}: cannot share base base with {one}"):
            Checkpoint.open(folders[1], base=base)
    torch.testing.assert_close(logits(first), merged_logits(folders[0]), atol=1e-5, rtol=1e-5)
    assert torch.equal(logits(base), before)


def test_two_of_one_name_are_two_adapters(base, tmp_path):
    """The caller tells them apart; a third is still held against both."""
    folders = [save_adapter(tmp_path / place / "lora", METHODS[method]) for place, method in
               (("a", "modules_to_save"), ("b", "lora"))]  # fmt: skip
    opened = [Checkpoint.open(folder, base=base) for folder in folders]
    assert [tuned.name for tuned in opened] == ["lora", "lora"]
    for folder, tuned in zip(folders, opened, strict=True):
        torch.testing.assert_close(logits(tuned), merged_logits(folder), atol=1e-5, rtol=1e-5)
    with pytest.raises(AdapterError, match="cannot share base base with lora"):
        Checkpoint.open(save_adapter(tmp_path / "c", METHODS["lora_head"]), base=base)


def test_active_nests_and_ends_as_it_began(base, good, tmp_path):
    other = Checkpoint.open(save_adapter(tmp_path / "other", lora(), seed=3), base=base)
    tuned = Checkpoint.open(good, base=base)
    want = {checkpoint.name: logits(checkpoint) for checkpoint in (base, other, tuned)}

    def fail():
        with other.active() as model:
            assert torch.equal(model(IDS).logits, want["other"])
            raise RuntimeError("stop")

    with tuned.active() as model:
        with base.active():
            assert torch.equal(model(IDS).logits, want["base"])
        with pytest.raises(RuntimeError, match="stop"):
            fail()
        third = Checkpoint.open(save_adapter(tmp_path / "third", lora(), seed=4), base=base)
        assert torch.equal(model(IDS).logits, want["good.v1"])
    assert torch.equal(base.model(IDS).logits, want["base"])
    assert not torch.equal(logits(third), want["base"])


@pytest.mark.parametrize("arch", ["gpt2", "gpt_neox", "qwen3", "gemma2", "phi3", "granite"])
def test_other_architectures(arch, tmp_path):
    save_pt(tiny_model(arch, vocab_size=VOCABULARY), make_tokenizer("byte_bpe"), tmp_path / "base.pt")
    base = Checkpoint.open(tmp_path / "base.pt", device="cpu")
    before = logits(base)
    folder = save_adapter(tmp_path / "tuned", lora(target_modules="all-linear"), arch=arch)
    torch.testing.assert_close(
        logits(Checkpoint.open(folder, base=base)), merged_logits(folder, arch), atol=1e-5, rtol=1e-5
    )
    assert torch.equal(logits(base), before)


def rename_part(tensors):
    for name in [name for name in tensors if "layers.1" in name]:
        tensors[name.replace("layers.1", "layers.11")] = tensors.pop(name)


def rename_all(tensors):
    for name in list(tensors):
        tensors[name.replace("self_attn", "attention")] = tensors.pop(name)


def poison(tensors):
    next(iter(tensors.values()))[0] = torch.nan


REFUSED = {
    "keys_in_part": (lambda d: edit(save_adapter(d, lora()), rename_part), r"layers\.11"),
    "no_key": (lambda d: edit(save_adapter(d, lora()), rename_all), "none of its 12 tensors"),
    "missing_keys": (lambda d: edit(save_adapter(d, lora()), lambda t: t.pop(sorted(t)[0])), "missing for base base"),
    "extra_keys": (
        lambda d: edit(save_adapter(d, lora()), lambda t: t.update(odd=torch.ones(2))),
        "unknown to base base",
    ),
    "no_tensors": (lambda d: edit(save_adapter(d, lora()), lambda t: t.clear()), "none of its 0 tensors"),
    "other_width": (
        lambda d: save_adapter(d, lora(), hidden_size=48),
        r"other shapes.*lora_A.weight is \[4, 48\], expected \[4, 32\]",
    ),
    "other_rank": (lambda d: edit_config(save_adapter(d, lora()), r=8), r"is \[4, 32\], expected \[8, 32\]"),
    "more_layers": (lambda d: save_adapter(d, lora(), num_hidden_layers=5), r"unknown to base base.*layers\.3"),
    "fewer_layers": (lambda d: save_adapter(d, lora(), num_hidden_layers=2), r"missing for base base.*layers\.2"),
    "other_architecture": (
        lambda d: save_adapter(d, lora(target_modules=["c_attn"]), arch="gpt2"),
        "does not fit base base .*c_attn",
    ),
    "neox_all_linear": (
        lambda d: save_adapter(d, lora(target_modules="all-linear"), arch="gpt_neox"),
        "trained on",
    ),
    "vocabulary_in_saved_modules": (
        lambda d: save_adapter(d, lora(modules_to_save=["embed_tokens", "lm_head"]), vocab_size=640),
        r"another vocabulary.*\[640, 32\], expected \[600, 32\]",
    ),
    "vocabulary_in_embedding_lora": (
        lambda d: save_adapter(d, lora(target_modules=["embed_tokens"]), vocab_size=640),
        r"another vocabulary",
    ),
    "not_finite": (lambda d: edit(save_adapter(d, lora()), poison), "not finite"),
    "prompt": (
        lambda d: save_adapter(d, PromptTuningConfig(num_virtual_tokens=4, task_type="CAUSAL_LM")),
        "PROMPT_TUNING",
    ),
    "prefix": (
        lambda d: save_adapter(d, PrefixTuningConfig(num_virtual_tokens=4, task_type="CAUSAL_LM")),
        "PREFIX_TUNING",
    ),
    "bias": (lambda d: save_adapter(d, lora(bias="all")), "biases"),
    "pissa": (lambda d: edit_config(save_adapter(d, lora()), init_lora_weights="pissa"), "pissa"),
    "replicated": (
        lambda d: edit_config(save_adapter(d, lora()), layer_replication=[[0, 2], [1, 3]]),
        "layer_replication",
    ),
    "unknown_method": (lambda d: edit_config(save_adapter(d, lora()), peft_type="MAGIC"), "adapter_config.json"),
}


@pytest.mark.parametrize("fault", REFUSED)
@pytest.mark.parametrize("first", [True, False], ids=["alone", "beside_another"])
def test_what_does_not_fit_is_refused_by_name_and_leaves_no_trace(fault, first, base, good, tmp_path):
    make, expected = REFUSED[fault]
    folder = make(tmp_path / "misfit")
    before = logits(base)
    tuned = None if first else Checkpoint.open(good, base=base)
    modules = [name for name, _ in base.model.named_modules()]
    with pytest.raises(AdapterError, match=expected) as error:
        Checkpoint.open(folder, base=base)
    assert "\n" not in str(error.value)
    assert "misfit" in str(error.value)
    assert [name for name, _ in base.model.named_modules()] == modules
    assert torch.equal(logits(base), before)
    tuned = tuned or Checkpoint.open(good, base=base)
    torch.testing.assert_close(logits(tuned), merged_logits(good), atol=1e-5, rtol=1e-5)
    assert torch.equal(logits(base), before)


def test_a_failure_inside_peft_leaves_no_trace(base, good, tmp_path, monkeypatch):
    """A refusal after the adapter is already in the model, which no known file causes."""
    import peft

    before, folder = logits(base), save_adapter(tmp_path / "late", lora(target_modules="all-linear"))
    load = peft.set_peft_model_state_dict

    def fail(*args, **kwargs):
        load(*args, **kwargs)
        raise RuntimeError("late")

    for tuned in (None, good):
        if tuned is not None:
            Checkpoint.open(tuned, base=base)
        modules = [name for name, _ in base.model.named_modules()]
        monkeypatch.setattr(peft, "set_peft_model_state_dict", fail)
        with pytest.raises(AdapterError, match="late"):
            Checkpoint.open(folder, base=base)
        monkeypatch.setattr(peft, "set_peft_model_state_dict", load)
        left = {name for name, _ in base.model.named_modules()} - set(modules)
        assert not any("adapter" in name for name in left)
        assert torch.equal(logits(base), before)
    torch.testing.assert_close(logits(Checkpoint.open(folder, base=base)), merged_logits(folder), atol=1e-5, rtol=1e-5)


def test_two_methods_do_not_share_a_base(base, good, tmp_path):
    Checkpoint.open(good, base=base)
    with pytest.raises(AdapterError, match="separate runs"):
        Checkpoint.open(
            save_adapter(tmp_path / "boft", BOFTConfig(boft_block_size=4, target_modules=ATTENTION)), base=base
        )


def test_an_adapter_is_no_base(base, good, tmp_path):
    tuned = Checkpoint.open(good, base=base)
    with pytest.raises(AdapterError, match="itself an adapter"):
        Checkpoint.open(save_adapter(tmp_path / "second", lora()), base=tuned)


def test_a_copy_of_the_embeddings_must_be_the_bases(base, tmp_path):
    """peft writes whole embeddings beside an adapter on them; loading others would alter the base for all."""
    before = logits(base)
    config = METHODS["lora_embedding"]
    name = "base_model.model.model.embed_tokens.base_layer.weight"
    own = base.model.get_input_embeddings().weight.clone()
    same = edit(save_adapter(tmp_path / "same", config), lambda t: t.update({name: own}))
    Checkpoint.open(same, base=base)
    other = edit(save_adapter(tmp_path / "other", config), lambda t: t.update({name: own + 1}))
    longer = edit(save_adapter(tmp_path / "longer", config), lambda t: t.update({name: torch.ones(640, 32)}))
    for folder, expected in ((other, "differs from base base"), (longer, "another vocabulary")):
        with pytest.raises(AdapterError, match=expected):
            Checkpoint.open(folder, base=base)
    assert torch.equal(logits(base), before)


def test_the_tokenizer_beside_an_adapter_must_be_the_bases(base, good, tmp_path):
    make_tokenizer("byte_bpe").save_pretrained(good)
    assert Checkpoint.open(good, base=base).notes == []

    padded = save_adapter(tmp_path / "padded", lora())
    tokenizer = copy.deepcopy(make_tokenizer("byte_bpe"))
    tokenizer.add_special_tokens({"pad_token": "<pad>"})
    tokenizer.save_pretrained(padded)
    assert "<pad>" in Checkpoint.open(padded, base=base).notes[0]

    for family in ("byte_crossing", "metaspace_plain"):
        folder = save_adapter(tmp_path / family, lora())
        make_tokenizer(family).save_pretrained(folder)
        with pytest.raises(AdapterError, match=f"{family}: was trained with another vocabulary"):
            Checkpoint.open(folder, base=base)


@pytest.mark.parametrize("recorded", ["elsewhere/other-llama", "someone/else"])
def test_another_recorded_base_is_said_not_refused(recorded, base, good):
    edit_config(good, base_model_name_or_path=recorded)
    assert recorded in Checkpoint.open(good, base=base).notes[0]


@pytest.mark.parametrize("recorded", ["../base.pt", "/their/machine/base", "base", None])
def test_the_same_recorded_base_needs_no_word(recorded, base, good):
    edit_config(good, base_model_name_or_path=recorded)
    assert Checkpoint.open(good, base=base).notes == []


def test_the_recorded_base_is_opened_where_none_is_given(base, good):
    edit_config(good, base_model_name_or_path="../base.pt")
    tuned = Checkpoint.open(good, device="cpu")
    assert tuned.base is not None
    assert tuned.base.weights_hash == base.weights_hash
    torch.testing.assert_close(logits(tuned), merged_logits(good), atol=1e-5, rtol=1e-5)
    for gone in ("../gone.pt", None):
        edit_config(good, base_model_name_or_path=gone)
        with pytest.raises(AdapterError, match="base"):
            Checkpoint.open(good, device="cpu")


def test_broken_adapter_folders(base, good, tmp_path):
    file = good / "adapter_model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AdapterError, match="damaged or cut short"):
        Checkpoint.open(good, base=base)
    file.unlink()
    with pytest.raises(AdapterError, match=r"no adapter_model.safetensors"):
        Checkpoint.open(good, base=base)
    (good / "adapter_config.json").write_text("{")
    with pytest.raises(AdapterError, match=r"adapter_config.json"):
        Checkpoint.open(good, base=base)


def test_older_adapters_are_bin_files(base, good):
    want = logits(Checkpoint.open(good, base=base))
    torch.save(load_file(good / "adapter_model.safetensors"), good / "adapter_model.bin")
    (good / "adapter_model.safetensors").unlink()
    assert torch.equal(logits(Checkpoint.open(good, base=base)), want)
