"""The model's own log-probabilities, which the readout is held against: the same with few positions as with all."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from knowshift.models.architecture import anatomy
from knowshift.models.scoring import plan_scoring
from knowshift.probes.runs import validity
from knowshift.probes.runs.forecast import _worked_with
from scored import ITEMS, as_checkpoint, tiny
from tiny import make_tokenizer, tiny_model

TARGETS = {"llama": ["q_proj", "down_proj"], "gpt2": ["c_attn"]}


def lora(arch):
    """The model with a LoRA on it, in peft's wrapper and out of it."""
    from peft import LoraConfig, get_peft_model

    model = tiny_model(arch, len(make_tokenizer("byte_bpe")))
    config = LoraConfig(r=4, target_modules=TARGETS[arch], init_lora_weights=False, fan_in_fan_out=arch == "gpt2")
    with torch.random.fork_rng():
        torch.manual_seed(3)
        wrapped = get_peft_model(model, config).eval().requires_grad_(False)
    plain = wrapped.get_base_model()
    return as_checkpoint(wrapped, parts=anatomy(plain)), as_checkpoint(plain)


@pytest.mark.parametrize("arch", TARGETS)
def test_the_head_is_applied_where_a_target_is_predicted_alone(arch):
    base = tiny(arch)
    sequences = plan_scoring(ITEMS, base).aligned.sequences
    bare = None
    for checkpoint in (base, *lora(arch)):
        assert validity.picks(checkpoint)
        rows = []
        handle = checkpoint.anatomy.head.register_forward_hook(
            lambda module, inputs, output, rows=rows: rows.append(output.shape[:-1].numel())
        )
        found = validity.own_logprobs(checkpoint, sequences)
        handle.remove()
        assert rows == [len(validity.predicting(sequence)) for sequence in sequences] == [len(each) for each in found]
        for sequence, each in zip(sequences, found, strict=True):
            whole = checkpoint.model(input_ids=torch.tensor([sequence.ids])).logits[0].log_softmax(-1)
            torch.testing.assert_close(each, whole[validity.predicting(sequence)], atol=1e-5, rtol=1e-5)
        bare = bare or found
    assert (bare[0] - found[0]).abs().max() > 0.1


def test_a_model_that_cannot_pick_is_read_whole():
    model = tiny_model("llama", len(make_tokenizer("byte_bpe")))
    real = model.forward
    model.forward = lambda input_ids, use_cache: real(input_ids=input_ids, use_cache=use_cache)
    checkpoint = as_checkpoint(model)
    assert not validity.picks(checkpoint)
    sequences = plan_scoring(ITEMS, checkpoint).aligned.sequences
    for ours, theirs in zip(
        validity.own_logprobs(checkpoint, sequences), validity.own_logprobs(tiny(), sequences), strict=True
    ):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_the_forecast_counts_the_logits_that_are_had():
    checkpoint = tiny()
    plan = plan_scoring(ITEMS, checkpoint)
    probed, vocabulary = validity.probed_sequences(plan), 10**7
    few, whole = (
        SimpleNamespace(
            anatomy=replace(checkpoint.anatomy, vocabulary=vocabulary, supports_logits_to_keep=picks),
            dtype=torch.float32,
            placement=SimpleNamespace(device=torch.device("cpu")),
        )
        for picks in (True, False)
    )
    rows = max(len(each.ids) for each in probed) - max(len(validity.predicting(each)) for each in probed)
    assert _worked_with(whole, plan, 3) - _worked_with(few, plan, 3) == rows * vocabulary * (4 + 4)


@pytest.mark.parametrize(
    ("before", "after", "passed"),
    [
        ([0.0, -torch.inf], [1e-6, -torch.inf], True),
        ([0.0, -torch.inf], [0.0, -5.0], False),
        ([0.0, 1.0], [0.0, torch.nan], False),
        ([torch.nan, 1.0], [torch.nan, 1.0], False),
    ],
)
def test_a_token_that_cannot_come_is_alike_and_what_is_no_number_is_not(before, after, passed):
    pair = [torch.zeros(3), torch.tensor(before)], [torch.zeros(3), torch.tensor(after)]
    assert validity.base_unchanged_check(*pair, 1e-4).passed == passed
