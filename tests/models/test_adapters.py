"""Adapters on a shared base: each fitting one acts as peft's own merge does; each that does not fit leaves no trace."""

import copy
import json
import weakref

import pytest
import torch
from adapters import IDS, METHODS, VOCABULARY, lora, merged_logits, save_adapter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from knowshift.errors import AdapterError
from knowshift.models.adapters import Adapter
from knowshift.models.architecture import final_logits
from knowshift.models.checkpoint import Checkpoint
from knowshift.models.methods import UNSUITED
from knowshift.models.weights import save_pt
from peft import PeftModel, PrefixTuningConfig, PromptTuningConfig
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING
from safetensors.torch import load_file, save_file
from tiny import make_tokenizer, tiny_model

pytestmark = pytest.mark.heavy


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


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """Every method's adapter, and what peft alone makes of it: made once, when first asked for."""
    folder, made = tmp_path_factory.mktemp("shelf"), {}

    def take(name):
        if name not in made:
            path = save_adapter(folder / name, METHODS[name], seed=len(made))
            made[name] = path, merged_logits(path)
        return made[name]

    return take


def storage(model):
    return {weight.data_ptr() for weight in model.parameters()}


def test_every_method_without_a_prompt_is_tried():
    """What a new peft brings is looked at before it is let in."""
    tried = {config.peft_type.value for config in METHODS.values()}
    prompts = {"PROMPT_TUNING", "MULTITASK_PROMPT_TUNING", "P_TUNING", "PREFIX_TUNING", "CPT", "CARTRIDGE"}
    assert {kind.value for kind in PEFT_TYPE_TO_CONFIG_MAPPING} - tried == prompts | (UNSUITED.keys() - {"CARTRIDGE"})


@pytest.mark.parametrize("method", METHODS)
def test_every_method_acts_as_peft_alone_and_leaves_the_base(method, base, shelf):
    before = logits(base)
    folder, want = shelf(method)
    tuned = Checkpoint.open(folder, base=base)
    assert tuned.adapter is not None
    assert tuned.adapter.landed
    torch.testing.assert_close(logits(tuned), want, atol=1e-5, rtol=1e-5)
    assert (logits(tuned) - before).abs().max() > 1e-3
    assert torch.equal(logits(base), before)
    assert not any(weight.requires_grad for weight in tuned.model.parameters())
    assert not any(module.training for module in tuned.model.modules())


def test_an_adapter_costs_its_own_weights_alone(base, shelf):
    held = storage(base.model)
    for method in ("lora", "dora", "ia3", "modules_to_save", "lora_embedding"):
        tuned = Checkpoint.open(shelf(method)[0], base=base)
        assert held <= storage(tuned.model)
        added = [weight for weight in tuned.model.parameters() if weight.data_ptr() not in held]
        assert sum(weight.nbytes for weight in added) == tuned.nbytes
        assert tuned.nbytes < 5 * tuned.parameters
        assert storage(base.model) == held


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


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(sorted(METHODS)), min_size=2, max_size=6))
def test_adapters_of_any_methods_in_any_order_do_not_mix(shelf, names):
    """Also two of one method, and those that replace a module which the other tunes."""
    model, skeleton = (tiny_model("llama", vocab_size=VOCABULARY).to(device) for device in ("cpu", "meta"))
    held, alone = storage(model), model(IDS).logits
    opened = [Adapter.fit(shelf(name)[0], name, "base", skeleton).put_on(model)[0] for name in names]
    for name, tuned in [*zip(names, opened, strict=True), *zip(names[::-1], opened[::-1], strict=True)]:
        torch.testing.assert_close(tuned(IDS).logits, shelf(name)[1], atol=1e-5, rtol=1e-5)
        assert torch.equal(model(IDS).logits, alone)
    assert storage(model) == held


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize("method", ["lora_embedding", "lora_head", "modules_to_save", "trainable_tokens", "bias"])
def test_the_ends_of_a_model_whose_embedding_is_its_head(method, tied, tmp_path):
    """qwen2 also has biases, which an adapter may train."""
    options = {"arch": "qwen2", "tie_word_embeddings": tied}
    arch, model = options["arch"], tiny_model("qwen2", vocab_size=VOCABULARY, tie_word_embeddings=tied)
    save_pt(model, make_tokenizer("byte_bpe"), tmp_path / "base.pt")
    base = Checkpoint.open(tmp_path / "base.pt", device="cpu")
    config = lora(bias="all") if method == "bias" else METHODS[method]
    folder = save_adapter(tmp_path / method, config, **options)
    before = logits(base)
    tuned = Checkpoint.open(folder, base=base)
    with torch.no_grad():
        want = PeftModel.from_pretrained(tiny_model(arch, vocab_size=VOCABULARY, tie_word_embeddings=tied), folder)
        torch.testing.assert_close(logits(tuned), want.eval()(IDS).logits, atol=1e-5, rtol=1e-5)
    assert (logits(tuned) - before).abs().max() > 1e-3
    assert torch.equal(logits(base), before)
    with tuned.active() as model:
        kept = []
        tuned.anatomy.layers[-1].register_forward_hook(lambda _m, _i, out: kept.append(out))
        torch.testing.assert_close(model(IDS).logits, final_logits(tuned.anatomy, kept[0]), atol=1e-5, rtol=1e-5)


def test_two_of_one_name_are_two_adapters(base, tmp_path):
    """The caller tells them apart."""
    folders = [
        save_adapter(tmp_path / place / "lora", METHODS[method])
        for place, method in (("a", "modules_to_save"), ("b", "lora"))
    ]
    opened = [Checkpoint.open(folder, base=base) for folder in folders]
    assert [tuned.name for tuned in opened] == ["lora", "lora"]
    for folder, tuned in zip(folders, opened, strict=True):
        torch.testing.assert_close(logits(tuned), merged_logits(folder), atol=1e-5, rtol=1e-5)
    assert len({tuned.content_key for tuned in [base, *opened]}) == 3


def test_layers_may_be_repeated(base, tmp_path):
    config = lora(layer_replication=[[0, 2], [1, 3]])
    folder, before = save_adapter(tmp_path / "taller", config), logits(base)
    tuned = Checkpoint.open(folder, base=base)
    torch.testing.assert_close(logits(tuned), merged_logits(folder), atol=1e-5, rtol=1e-5)
    assert (len(tuned.anatomy.layers), len(base.anatomy.layers)) == (4, 3)
    assert torch.equal(logits(base), before)


def test_active_nests(base, good, tmp_path):
    other = Checkpoint.open(save_adapter(tmp_path / "other", lora(), seed=3), base=base)
    tuned = Checkpoint.open(good, base=base)
    want = {checkpoint.name: logits(checkpoint) for checkpoint in (base, other, tuned)}

    def fail():
        with other.active() as model:
            assert torch.equal(model(IDS).logits, want["other"])
            raise RuntimeError("stop")

    with tuned.active() as model:
        with base.active() as plain:
            assert torch.equal(plain(IDS).logits, want["base"])
        with pytest.raises(RuntimeError, match="stop"):
            fail()
        assert torch.equal(model(IDS).logits, want["good.v1"])


def test_an_adapter_is_in_memory_for_its_time_and_its_base_stays(base, good):
    tuned = Checkpoint.find(good, base=base)
    assert tuned.adapter is None
    with tuned.active() as model:
        gone = weakref.ref(model), weakref.ref(next(w for n, w in model.named_parameters() if "lora_A" in n))
        kept = logits(base)
    del model
    assert [ref() for ref in gone] == [None, None]
    assert tuned.adapter.landed
    with pytest.raises(RuntimeError, match="not in memory"):
        tuned.model  # noqa: B018
    assert torch.equal(logits(base), kept)
    torch.testing.assert_close(logits(tuned), merged_logits(good), atol=1e-5, rtol=1e-5)


def test_an_adapter_brings_its_base_along_and_takes_it_away(good, tmp_path):
    save_pt(tiny_model("llama", vocab_size=VOCABULARY), make_tokenizer("byte_bpe"), tmp_path / "base.pt")
    base = Checkpoint.find(tmp_path / "base.pt", device="cpu")
    tuned = Checkpoint.find(good, base=base)
    torch.testing.assert_close(logits(tuned), merged_logits(good), atol=1e-5, rtol=1e-5)
    for checkpoint in (base, tuned):
        with pytest.raises(RuntimeError, match="not in memory"):
            checkpoint.model  # noqa: B018


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
    "not_finite": (lambda d: edit(save_adapter(d, lora()), poison), "contains NaN/Inf; training diverged"),
    "prompt": (
        lambda d: save_adapter(d, PromptTuningConfig(num_virtual_tokens=4, task_type="CAUSAL_LM")),
        "PROMPT_TUNING",
    ),
    "prefix": (
        lambda d: save_adapter(d, PrefixTuningConfig(num_virtual_tokens=4, task_type="CAUSAL_LM")),
        "PREFIX_TUNING",
    ),
    "chance": (lambda d: edit_config(save_adapter(d, lora()), init_lora_weights="pissa_niter_4"), "pissa_niter_4"),
    "activated": (lambda d: edit_config(save_adapter(d, lora()), alora_invocation_tokens=[5]), "after certain tokens"),
    "other_layers": (
        lambda d: edit_config(save_adapter(d, lora()), layer_replication=[[0, 2], [1, 3]]),
        r"missing for base base.*layers\.3",
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


def test_a_failure_inside_peft_leaves_no_trace(base, tmp_path, monkeypatch):
    """A refusal after the adapter is already in the model, which no known file causes."""
    import peft

    before, folder = logits(base), save_adapter(tmp_path / "late", lora(target_modules="all-linear"))
    load = peft.set_peft_model_state_dict

    def fail(*args, **kwargs):
        load(*args, **kwargs)
        raise RuntimeError("late")

    monkeypatch.setattr(peft, "set_peft_model_state_dict", fail)
    with pytest.raises(AdapterError, match="late"):
        Checkpoint.open(folder, base=base)
    monkeypatch.setattr(peft, "set_peft_model_state_dict", load)
    assert torch.equal(logits(base), before)
    torch.testing.assert_close(logits(Checkpoint.open(folder, base=base)), merged_logits(folder), atol=1e-5, rtol=1e-5)


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


def test_a_placeholder_is_no_recorded_base(base, good):
    edit_config(good, base_model_name_or_path="None")
    (note,) = Checkpoint.open(good, base=base).notes
    assert note == f"{good.name} records no base; whether it was trained on {base.name} cannot be checked"
    with pytest.raises(AdapterError, match="records no base; give the base it was trained on"):
        Checkpoint.open(good, device="cpu")


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
