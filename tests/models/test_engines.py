"""The engines against each other: the same residuals on every architecture, with adapters and without, and one line
where a backend cannot."""

import copy
import gc
import sys
import weakref
from collections import namedtuple
from dataclasses import replace
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace

import pytest
import torch
from house import write_adapter
from knowshift.errors import EngineError
from knowshift.models import ndif
from knowshift.models.architecture import anatomy, final_logits
from knowshift.models.checkpoint import Checkpoint
from knowshift.models.engines import nnsight_vllm, transformer_lens
from knowshift.models.engines.hooks import HooksEngine
from knowshift.models.engines.nnsight_vllm import NnsightVllmEngine, read_rows
from knowshift.models.engines.select import open_engine
from knowshift.models.merged import merged
from knowshift.models.plan import BatchPlan
from knowshift.models.readout import read
from knowshift.models.scoring import make_batch, plan_scoring, score, score_shards
from knowshift.models.sharing import clone_sharing_weights
from scored import ITEMS, as_checkpoint, tiny
from tiny import ARCHITECTURES, LAYERS, make_tokenizer, tiny_model

pytestmark = pytest.mark.heavy

OTHERS = ("transformer-lens", "nnsight")
TARGETS = {
    "gpt2": ["c_attn", "c_proj", "c_fc"],  # fused query-key-value layers
    "gpt_neox": ["query_key_value", "dense", "dense_h_to_4h"],
    "phi3": ["qkv_proj", "down_proj"],
}
LINEAR = ["q_proj", "v_proj", "down_proj"]


def adapted(model, config, seed=1):
    """The model with an adapter on a twin of it, every tensor drawn at random."""
    from peft import get_peft_model

    peft = get_peft_model(clone_sharing_weights(model), copy.deepcopy(config)).eval()
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        for weight in peft.parameters():
            if weight.requires_grad:
                weight.add_(0.1 * torch.randn_like(weight))
    return as_checkpoint(peft.requires_grad_(False).get_base_model())


def batch_of(checkpoint, items=ITEMS):
    return make_batch(plan_scoring(items, checkpoint).aligned.sequences, "cpu")


def readings(checkpoint, engine, batch, wanted):
    """Residuals of every layer, and what is read out of them."""
    with checkpoint.active():
        residuals = engine.residuals(checkpoint, batch, list(range(LAYERS)))
        engine.release()
        return residuals, read(checkpoint.anatomy, residuals, wanted.target, wanted.place)


def assert_agree(checkpoint, names=OTHERS, limit=1e-4):
    """Log-probabilities, lens values and, but for ties, ranks of the engines `names` are those of rows and of trees."""
    batch, wanted = batch_of(checkpoint)
    assert batch.shared.any()
    assert not batch.shared.all()
    rows = HooksEngine()
    rows.reads_trees = lambda anatomy: False
    residuals, truth = readings(checkpoint, rows, batch, wanted)
    with checkpoint.active():
        logits = torch.stack([final_logits(checkpoint.anatomy, layer) for layer in residuals])[:, wanted.place]
    chosen = logits.gather(2, wanted.target.expand(LAYERS, -1)[..., None])
    near = ((logits - chosen).abs() < limit).sum(2) - 1
    for engine in (HooksEngine(), *map(open_engine, names)):
        _, reading = readings(checkpoint, engine, batch, wanted)
        for name in ("logprob", "tempered", "lens"):
            apart = (getattr(reading, name) - getattr(truth, name)).abs().max()
            # At the temperature of one half, logits and their differences are twice as large.
            most = 2 * limit if name == "tempered" else limit
            assert apart < most, f"{engine.name}: {name} differs by {apart:.1e}"
        assert ((reading.rank - truth.rank).abs() <= near).all(), engine.name
    return truth


@pytest.fixture(scope="module", params=ARCHITECTURES)
def pair(request, tmp_path_factory):
    """A base and an adapter of one architecture, from files."""
    folder, tokenizer = tmp_path_factory.mktemp(request.param), make_tokenizer("byte_bpe")
    model = tiny_model(request.param, len(tokenizer))
    model.save_pretrained(folder / "base")
    tokenizer.save_pretrained(folder / "base")
    targets = TARGETS.get(request.param, LINEAR)
    write_adapter(folder / "lora", copy.deepcopy(model), 1, target_modules=targets, fan_in_fan_out="c_fc" in targets)
    base = Checkpoint.open(folder / "base")
    return base, Checkpoint.open(folder / "lora", base=base)


def test_the_engines_agree_on_every_architecture(pair):
    base, tuned = pair
    off = assert_agree(base)
    on = assert_agree(tuned)
    assert (on.logprob - off.logprob).abs().max() > 0.1
    # And nothing that a backend did to the modules stays.
    assert torch.equal(assert_agree(base, ()).logprob, off.logprob)


def configs():
    import peft

    lora = {"r": 4, "target_modules": LINEAR}
    return {
        "dora": peft.LoraConfig(**lora, use_dora=True),
        "rslora": peft.LoraConfig(**lora, use_rslora=True),
        "tied embedding": peft.LoraConfig(r=4, target_modules=["embed_tokens"]),
        "tied head": peft.LoraConfig(r=4, target_modules=["lm_head"]),
        "modules_to_save": peft.LoraConfig(**lora, modules_to_save=["lm_head", "norm"]),
        "trainable tokens": peft.LoraConfig(**lora, trainable_token_indices=[5, 6, 70]),
        "ia3": peft.IA3Config(target_modules=LINEAR, feedforward_modules=["down_proj"]),
        "loha": peft.LoHaConfig(**lora),
        "oft": peft.OFTConfig(r=0, oft_block_size=4, target_modules=LINEAR),
        "vera": peft.VeraConfig(r=8, target_modules=["q_proj", "v_proj"]),
        "ln tuning": peft.LNTuningConfig(target_modules=["input_layernorm"]),
    }


@pytest.mark.parametrize("method", configs())
def test_adapters_of_every_kind(method):
    base = tiny("qwen2")  # its head is its embedding
    before = assert_agree(base, ())
    truth = assert_agree(adapted(base.model, configs()[method]))
    assert (truth.logprob - before.logprob).abs().max() > 0.05
    assert torch.equal(assert_agree(base, ()).logprob, before.logprob), "merging has written into the base"


def test_merging_copies_only_what_the_adapter_changes():
    base = tiny("llama")
    model = merged(adapted(base.model, configs()["dora"]))
    theirs = {weight.data_ptr() for weight in base.model.parameters()}
    own = {name for name, weight in model.named_parameters() if weight.data_ptr() not in theirs}
    assert own == {
        f"model.layers.{n}.{part}.weight"
        for n in range(LAYERS)
        for part in ("self_attn.q_proj", "self_attn.v_proj", "mlp.down_proj")
    }


@pytest.mark.parametrize("name", OTHERS)
def test_in_bfloat16(name):
    model = tiny_model("llama", len(make_tokenizer("byte_bpe"))).to(torch.bfloat16)
    assert_agree(as_checkpoint(model), [name], limit=5e-2)


@pytest.mark.parametrize("name", ["hooks", *OTHERS])
def test_some_layers_alone(name):
    engine, (batch, _) = open_engine(name), batch_of(tiny())
    every = engine.residuals(tiny(), batch, list(range(LAYERS)))
    assert torch.equal(engine.residuals(tiny(), batch, [0, LAYERS - 1]), every[[0, -1]])
    assert torch.equal(engine.residuals(tiny(), batch, [LAYERS - 1]), every[[-1]])


@pytest.mark.parametrize("name", OTHERS)
def test_scores_are_the_same_table(name):
    table, truth = score(ITEMS, tiny(), engine=open_engine(name)), score(ITEMS, tiny())
    assert table["engine"].unique().to_pylist() == [name]
    assert table["item"].equals(truth["item"])
    assert table["logprob"].to_pylist() == pytest.approx(truth["logprob"].to_pylist(), abs=1e-3)


@pytest.mark.parametrize("name", OTHERS)
def test_a_run_that_goes_on_is_the_same_to_the_byte(name):
    plan = plan_scoring(ITEMS, tiny())
    sequences = plan.aligned.sequences
    plan.batches = BatchPlan.of([s.length for s in sequences], [s.ids[: s.shared] for s in sequences], 60, 60)
    whole = dict(score_shards(plan, tiny(), engine=open_engine(name)))
    rest = dict(score_shards(plan, tiny(), engine=open_engine(name), done=frozenset([0])))
    assert len(rest) == len(whole) - 1 > 1
    assert all(table.equals(whole[shard]) for shard, table in rest.items())


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("error", [torch.OutOfMemoryError, MemoryError, RuntimeError])
def test_a_batch_that_does_not_fit_is_halved(name, error):
    checkpoint, refused = as_checkpoint(tiny_model("llama", len(make_tokenizer("byte_bpe")))), []

    def short(module, inputs, output):
        if len(output) > 3:
            refused.append(len(output))
            raise error("out of memory")

    truth = score(ITEMS, checkpoint)
    handle = checkpoint.model.model.layers[1].mlp.register_forward_hook(short)
    table = score(ITEMS, checkpoint, engine=open_engine(name))
    handle.remove()
    assert refused
    assert table["logprob"].to_pylist() == pytest.approx(truth["logprob"].to_pylist(), abs=1e-3)


@pytest.mark.parametrize("name", ["hooks", *OTHERS])
def test_nothing_is_held_when_scoring_is_done(name):
    engine = open_engine(name)
    checkpoint = as_checkpoint(tiny_model("gpt2", len(make_tokenizer("byte_bpe"))))
    held = weakref.ref(checkpoint.model)
    score(ITEMS, checkpoint, engine=engine)
    del checkpoint
    gc.collect()
    assert held() is None


def test_one_bridge_at_a_time(monkeypatch):
    bridges, make = [], transformer_lens._bridge

    def made(checkpoint, probe):
        gc.collect()
        assert not [bridge for bridge in bridges if bridge() is not None]
        bridge = make(checkpoint, probe)
        bridges.append(weakref.ref(bridge))
        return bridge

    monkeypatch.setattr(transformer_lens, "_bridge", made)
    engine = open_engine("transformer-lens")
    for checkpoint in (tiny("llama"), tiny("gpt2")):
        for _ in range(2):
            engine.residuals(checkpoint, batch_of(checkpoint)[0], [LAYERS - 1])
    assert len(bridges) == 2


# Weights elsewhere


@pytest.mark.parametrize("name", ["hooks", *OTHERS])
def test_weights_that_accelerate_keeps_elsewhere(name):
    from accelerate import cpu_offload

    truth = score(ITEMS, tiny())
    away = cpu_offload(copy.deepcopy(tiny().model), execution_device=torch.device("cpu"))
    assert next(away.parameters()).is_meta
    table = score(ITEMS, as_checkpoint(away), engine=open_engine(name))
    assert table["logprob"].to_pylist() == pytest.approx(truth["logprob"].to_pylist(), abs=1e-3)


# What a backend cannot serve


def refusal(error, text):
    assert text in str(error.value)
    assert "--engine" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_bridge_that_drops_the_adapter_is_found_out(monkeypatch):
    """What transformer-lens 4.3 does on fused query-key-value layers with an adapter that is not merged."""
    from peft import LoraConfig

    checkpoint = adapted(tiny("gpt2").model, LoraConfig(r=4, target_modules=["c_attn"], fan_in_fan_out=True))
    monkeypatch.setattr(transformer_lens, "merged", lambda checkpoint: clone_sharing_weights(checkpoint.model))
    with pytest.raises(EngineError) as error:
        score(ITEMS, checkpoint, engine=open_engine("transformer-lens"))
    refusal(error, "logits are not the model's own")


def test_an_architecture_without_a_bridge():
    from transformers import HeliumConfig, HeliumForCausalLM

    config = HeliumConfig(
        vocab_size=480,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=LAYERS,
        head_dim=8,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        checkpoint = as_checkpoint(HeliumForCausalLM(config).eval().requires_grad_(False))
    with pytest.raises(EngineError) as error:
        score(ITEMS, checkpoint, engine=open_engine("transformer-lens"))
    refusal(error, "transformer-lens cannot serve HeliumForCausalLM")
    assert_agree(checkpoint, ["nnsight"])


def test_a_recurrent_model():
    from transformers import MambaConfig, MambaForCausalLM

    config = MambaConfig(
        vocab_size=480, hidden_size=32, num_hidden_layers=LAYERS, state_size=8, max_position_embeddings=128
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        assert_agree(as_checkpoint(MambaForCausalLM(config).eval().requires_grad_(False)))


def test_an_adapter_that_cannot_be_merged():
    from peft import LoraConfig

    config = LoraConfig(r=4, target_modules=LINEAR, lora_bias=True)
    checkpoint = adapted(tiny().model, config)
    with pytest.raises(EngineError) as error:
        score(ITEMS, checkpoint, engine=open_engine("transformer-lens"))
    refusal(error, "cannot be merged")
    assert_agree(checkpoint, ["nnsight"])


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [("is_quantized", True, "quantised"), ("hf_device_map", {"a": 0, "b": "cpu"}, "several devices (0, cpu)")],
)
def test_models_that_transformer_lens_cannot_read(name, value, text):
    checkpoint = as_checkpoint(clone_sharing_weights(tiny().model))
    setattr(checkpoint.model, name, value)
    with pytest.raises(EngineError) as error:
        score(ITEMS, checkpoint, engine=open_engine("transformer-lens"))
    refusal(error, text)


def test_what_nnsight_meets_at_a_call_is_one_line(monkeypatch):
    checkpoint = as_checkpoint(tiny_model("llama", len(make_tokenizer("byte_bpe"))))

    def broken(*_):
        raise ValueError("this layer is broken\nand says so at length")

    handle = checkpoint.model.model.layers[1].register_forward_hook(broken)
    with pytest.raises(EngineError) as error:
        score(ITEMS, checkpoint, engine=open_engine("nnsight"))
    handle.remove()
    refusal(error, "tiny: nnsight cannot read it (this layer is broken)")
    monkeypatch.setattr(ndif, "path_of", lambda model, module: "no.such")
    with pytest.raises(EngineError) as error:
        score(ITEMS, checkpoint, engine=open_engine("nnsight"))
    refusal(error, "tiny: nnsight cannot read it (")


# vLLM


@pytest.fixture
def vllm(monkeypatch):
    """The engine as far as this process goes: nnsight's own model stands where vLLM's would."""
    from nnsight.modeling.transformers import TransformersModel

    def opened(base, rank):
        return TransformersModel(clone_sharing_weights(base.model), tokenizer=copy.deepcopy(base.tokenizer))

    request = ModuleType("vllm.lora.request")
    request.LoRARequest = namedtuple("LoRARequest", "name number path")
    for name in ("vllm", "vllm.lora"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, request.__name__, request)
    monkeypatch.setattr(nnsight_vllm, "find_spec", lambda name: name)
    monkeypatch.setattr(nnsight_vllm, "metadata", SimpleNamespace(version=lambda name: "0"))
    monkeypatch.setattr(nnsight_vllm, "_open", opened)
    return NnsightVllmEngine()


@pytest.mark.parametrize("spec", ["neuro_lora", "neuro_lora/adapter_model.safetensors"])
def test_vllm_is_told_the_adapters_folder(house, vllm, spec):
    base = Checkpoint.open(house / "base", device="cpu")
    tuned = Checkpoint.find(house / spec, base=base)
    assert vllm._boot(tuned)["lora_request"].path == str(house / "neuro_lora")


@pytest.mark.parametrize(
    ("text", "raised"),
    [("vllm does not yet support DoRA.\nSo.", EngineError), ("CUDA out of memory. Tried", RuntimeError)],
)
def test_what_vllm_refuses_at_a_request_is_one_line(house, vllm, monkeypatch, text, raised):
    def refused(*_):
        raise RuntimeError(text)

    monkeypatch.setattr(nnsight_vllm, "read_rows", refused)
    base = Checkpoint.open(house / "base", device="cpu")
    with pytest.raises(raised) as error:
        vllm.residuals(base, batch_of(base)[0], [LAYERS - 1])
    if raised is EngineError:
        refusal(error, "base: nnsight-vllm cannot read it (vllm does not yet support DoRA); use --engine nnsight")


def test_vllm_reads_no_rounded_weights(house):
    base = Checkpoint.find(house / "base")
    rounded = replace(base, placement=replace(base.placement, quantize="4bit"))
    with pytest.raises(EngineError) as error:
        nnsight_vllm._open(rounded, 0)
    refusal(error, "base: vllm reads the weights as they are stored; drop --quantize, or use --engine nnsight")


@pytest.mark.skipif(find_spec("vllm") is not None, reason="vllm is installed")
def test_vllm_that_is_not_installed():
    with pytest.raises(EngineError) as error:
        open_engine("nnsight-vllm")
    refusal(error, "pip install 'nnsight[vllm]'")


@pytest.mark.skipif(find_spec("vllm") is None or not torch.cuda.is_available(), reason="needs vllm and a GPU")
def test_vllm_agrees(house):
    base = Checkpoint.open(house / "base", device="cpu")
    assert_agree(base, [NnsightVllmEngine.name], limit=5e-2)
    assert_agree(Checkpoint.open(house / "neuro_lora", base=base), [NnsightVllmEngine.name], limit=5e-2)


@pytest.mark.parametrize("arch", ["llama", "gpt2"])
def test_rows_as_requests_of_their_own(arch):
    """The trace that travels to vLLM, run by nnsight's own model."""
    from nnsight.modeling.transformers import TransformersModel

    checkpoint = tiny(arch)
    served = TransformersModel(clone_sharing_weights(checkpoint.model), tokenizer=copy.deepcopy(checkpoint.tokenizer))
    names = [name for name, module in served._module.named_modules() if module in list(anatomy(served._module).layers)]
    batch, _ = batch_of(checkpoint)
    with torch.inference_mode():
        got = read_rows(served, [served.get(name) for name in names], batch, {})
    truth = HooksEngine().residuals(checkpoint, batch, list(range(LAYERS)))
    assert torch.allclose(got, truth, atol=1e-4)
