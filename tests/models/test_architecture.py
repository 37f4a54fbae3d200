"""The architecture table: a residual read through it must give the model's own logits."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from knowshift.errors import CheckpointError
from knowshift.models.architecture import anatomy, final_logits
from tiny import ARCHITECTURES, CONTEXT, LAYERS, WIDTH, drawn, tiny_model

IDS = torch.tensor([[1, 5, 7, 9, 33, 250, 12], [1, 8, 8, 2, 90, 11, 4]])


def last_residual(parts, ids):
    kept = []
    handle = parts.layers[-1].register_forward_hook(
        lambda _m, _i, out: kept.append(out[0] if isinstance(out, tuple) else out)
    )
    parts.decoder(input_ids=ids, use_cache=False)
    handle.remove()
    return kept[0]


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_last_residual_gives_the_models_own_logits(arch):
    model = tiny_model(arch)
    parts = anatomy(model)
    torch.testing.assert_close(final_logits(parts, last_residual(parts, IDS)), model(IDS).logits, atol=1e-5, rtol=1e-5)
    assert (len(parts.layers), parts.width, parts.vocabulary, parts.context) == (LAYERS, WIDTH, 300, CONTEXT)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_every_layer_is_followed_by_the_next(arch):
    """The hooks see each layer once, and what leaves one layer enters the next."""
    parts = anatomy(tiny_model(arch))
    entered, left = [], []
    for layer in parts.layers:
        layer.register_forward_pre_hook(lambda _m, args: entered.append(args[0]))
        layer.register_forward_hook(lambda _m, _i, out: left.append(out[0] if isinstance(out, tuple) else out))
    parts.decoder(input_ids=IDS, use_cache=False)
    assert len(left) == len(parts.layers)
    for before, after in zip(left, entered[1:], strict=False):
        torch.testing.assert_close(before, after)


@settings(max_examples=15, deadline=None)
@given(scale=st.floats(0.1, 10), cap=st.floats(0.5, 50))
def test_scale_and_soft_cap_are_the_configs(scale, cap):
    granite = tiny_model("granite", logits_scaling=scale)
    gemma = tiny_model("gemma2", final_logit_softcapping=cap)
    for model in (granite, gemma):
        parts = anatomy(model)
        got = final_logits(parts, last_residual(parts, IDS))
        torch.testing.assert_close(got, model(IDS).logits, atol=1e-5, rtol=1e-5)
    assert final_logits(anatomy(gemma), torch.randn(4, WIDTH)).abs().max() <= cap


def test_cohere_multiplies():
    from transformers import CohereConfig, CohereForCausalLM

    torch.manual_seed(0)
    config = CohereConfig(
        vocab_size=300,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        num_key_value_heads=2,
        logit_scale=0.25,
        max_position_embeddings=64,
        pad_token_id=0,
        eos_token_id=2,
    )
    model = CohereForCausalLM(config).eval().requires_grad_(False)
    parts = anatomy(model)
    assert parts.logit_scale == 0.25
    torch.testing.assert_close(final_logits(parts, last_residual(parts, IDS)), model(IDS).logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("before", [True, False], ids=["norm", "no norm"])
def test_no_final_norm(before):
    """OPT-350m has none, and carries its residuals to the width of its embedding."""
    from transformers import OPTConfig

    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "ffn_dim": 40, "vocab_size": 300}
    model = drawn(OPTConfig(**sizes, do_layer_norm_before=before, word_embed_proj_dim=16), seed=0)
    parts = anatomy(model)
    assert (len(parts.ends), parts.width) == (2 + before, 32)
    torch.testing.assert_close(final_logits(parts, last_residual(parts, IDS)), model(IDS).logits, atol=1e-5, rtol=1e-5)


def test_multimodal_models_are_read_through_their_text_part():
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    text = tiny_model("gemma3").config.to_dict() | {"model_type": "gemma3_text"}
    vision = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 28,
        "patch_size": 14,
    }
    torch.manual_seed(0)
    config = Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=4)
    model = Gemma3ForConditionalGeneration(config).eval().requires_grad_(False)
    parts = anatomy(model)
    assert parts.width == WIDTH
    torch.testing.assert_close(final_logits(parts, last_residual(parts, IDS)), model(IDS).logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_reads_in_its_own_dtype_and_answers_in_float32(dtype):
    model = tiny_model("llama").to(dtype)
    parts = anatomy(model)
    logits = final_logits(parts, last_residual(parts, IDS))
    assert logits.dtype == torch.float32
    assert torch.equal(logits, model(IDS).logits.float())
    assert all(weight.dtype == dtype for weight in model.parameters())


def test_what_is_not_found_is_named_in_one_line():
    model = tiny_model("llama")
    del model.model.norm
    with pytest.raises(CheckpointError, match=r"LlamaForCausalLM: its final norm cannot be found") as error:
        anatomy(model)
    assert "\n" not in str(error.value)

    model = tiny_model("llama")
    model.config.max_position_embeddings = 0
    with pytest.raises(CheckpointError, match="max_position_embeddings"):
        anatomy(model)
