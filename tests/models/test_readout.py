"""The readout against a plain log-softmax and a plain sort."""

from dataclasses import replace
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from knowshift.models import unembedding
from knowshift.models.architecture import anatomy, final_logits
from knowshift.models.readout import read
from knowshift.models.table import TEMPERATURES
from tiny import ARCHITECTURES, WIDTH, tiny_model

VOCABULARY = 300


tiny_parts = cache(lambda arch: anatomy(tiny_model(arch, VOCABULARY)))


def drawn(seed, layers=2, places=7, targets=20, scale=3.0):
    random = torch.Generator().manual_seed(seed)
    residuals = scale * torch.randn(layers, places, WIDTH, generator=random)
    place = torch.randint(places, (targets,), generator=random)
    return residuals, torch.randint(VOCABULARY, (targets,), generator=random), place


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(ARCHITECTURES)), st.integers(0, 1000), st.integers(1, 12), st.integers(1, 40))
def test_every_value_is_a_plain_log_softmax(arch, seed, places, targets):
    parts = tiny_parts(arch)
    residuals, tokens, place = drawn(seed, places=places, targets=targets)
    out = read(parts, residuals, tokens, place)
    logits = torch.stack([final_logits(parts, layer) for layer in residuals])[:, place].double()
    each = torch.arange(targets)
    lens = logits.log_softmax(-1)[:, each, tokens].float()
    torch.testing.assert_close(out.lens, lens, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(out.logprob, out.lens[-1])
    for index, temperature in enumerate(TEMPERATURES):
        expected = (logits[-1] / temperature).log_softmax(-1)[each, tokens].float()
        torch.testing.assert_close(out.tempered[:, index], expected, atol=1e-5, rtol=1e-5)
    descending = logits.sort(-1, descending=True).values
    chosen = logits[:, each, tokens]
    assert torch.equal(out.rank.long(), (descending == chosen[..., None]).int().argmax(-1))


@pytest.mark.parametrize("elements", [1, 10**6])
def test_what_stands_before_the_final_norm_is_put_to_every_row_of_its_layer(elements, monkeypatch):
    parts = tiny_parts("llama")
    monkeypatch.setattr(unembedding, "ROWS", elements)
    residuals, tokens, place = drawn(5, layers=3)
    moved = read(parts, residuals, tokens, place, through=lambda index, rows: rows * (3 - index) + index)
    by_hand = read(
        parts, torch.stack([rows * (3 - index) + index for index, rows in enumerate(residuals)]), tokens, place
    )
    assert torch.equal(moved.lens, by_hand.lens)
    assert torch.equal(moved.rank, by_hand.rank)
    assert torch.equal(moved.tempered, by_hand.tempered)


def test_targets_whose_rows_of_the_head_are_the_same_have_one_rank():
    parts = anatomy(tiny_model("llama", VOCABULARY))
    parts.head.weight.data[10:20] = parts.head.weight.data[10]
    out = read(parts, torch.randn(1, 1, WIDTH), torch.arange(10, 20), torch.zeros(10, dtype=torch.long))
    assert out.rank.unique().numel() == 1


@pytest.mark.parametrize("elements", [VOCABULARY // 7, 10**6])
def test_a_tie_is_not_above(elements, monkeypatch):
    monkeypatch.setattr(unembedding, "BLOCK_ELEMENTS", {"cpu": elements})
    head = torch.nn.Linear(WIDTH, VOCABULARY).requires_grad_(False)
    head.weight.zero_()
    head.bias.copy_(torch.arange(VOCABULARY) // 10)  # ten tokens share each logit
    parts = replace(tiny_parts("llama"), head=head)
    tokens = torch.arange(VOCABULARY)
    out = read(parts, torch.randn(1, 1, WIDTH), tokens, torch.zeros_like(tokens))
    assert torch.equal(out.rank[0].long(), VOCABULARY - 10 * (tokens // 10 + 1))


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("rows", [1, 3, 10**6])
@pytest.mark.parametrize("elements", [1, VOCABULARY - 1, 7 * VOCABULARY, 10**7])
def test_the_size_of_a_chunk_changes_nothing(rows, elements, plain, monkeypatch):
    parts = anatomy(tiny_model("gemma2", VOCABULARY))
    residuals, tokens, place = drawn(1)
    whole = read(parts, residuals, tokens, place)
    monkeypatch.setattr(unembedding, "ROWS", rows)
    monkeypatch.setattr(unembedding, "BLOCK_ELEMENTS", {"cpu": elements})
    monkeypatch.setattr(unembedding, "WHOLE_ELEMENTS", {"cpu": rows * VOCABULARY})
    if not plain:
        parts.head.register_forward_hook(lambda *_: None)
    part = read(parts, residuals, tokens, place)
    torch.testing.assert_close(part.lens, whole.lens, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(part.tempered, whole.tempered, atol=1e-5, rtol=1e-5)
    assert torch.equal(part.rank, whole.rank)


def test_ranks_only_where_asked_for():
    parts = anatomy(tiny_model("llama", VOCABULARY))
    residuals, tokens, place = drawn(2)
    every = read(parts, residuals, tokens, place)
    ranked = torch.arange(len(tokens)) % 3 == 0
    some = read(parts, residuals, tokens, place, ranked)
    assert torch.equal(some.rank[:, ranked], every.rank[:, ranked])
    assert (some.rank[:, ~ranked] == -1).all()
    assert torch.equal(some.lens, every.lens)


def test_by_default_the_nth_residual_predicts_the_nth_target():
    parts = anatomy(tiny_model("llama", VOCABULARY))
    residuals, tokens, _ = drawn(3, targets=7)
    assert torch.equal(read(parts, residuals, tokens).lens, read(parts, residuals, tokens, torch.arange(7)).lens)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rows", [VOCABULARY, VOCABULARY + 37])
def test_heads_with_a_bias_a_cap_and_rows_beyond_the_vocabulary(dtype, rows, monkeypatch):
    monkeypatch.setattr(unembedding, "BLOCK_ELEMENTS", {"cpu": 64})
    torch.manual_seed(0)
    head = torch.nn.Linear(WIDTH, rows).requires_grad_(False)
    parts = anatomy(tiny_model("llama", VOCABULARY).to(dtype))
    parts = replace(parts, head=head.to(dtype), soft_cap=5.0, logit_scale=0.5)
    residuals, tokens, place = drawn(6)
    logits = torch.stack([final_logits(parts, layer) for layer in residuals])[:, place].double()
    out = read(parts, residuals, tokens, place)
    lens = logits.log_softmax(-1)[:, torch.arange(len(tokens)), tokens].float()
    torch.testing.assert_close(out.lens, lens, atol=1e-5 if dtype == torch.float32 else 2e-2, rtol=1e-5)


@pytest.mark.parametrize("never", [-torch.inf, -1e9])
@pytest.mark.parametrize("elements", [VOCABULARY // 7, 10**6])
def test_tokens_that_cannot_come_take_nothing(elements, never, monkeypatch):
    monkeypatch.setattr(unembedding, "BLOCK_ELEMENTS", {"cpu": elements})
    head = torch.nn.Linear(WIDTH, VOCABULARY).requires_grad_(False)
    head.bias[::64] = never  # the first of every block
    parts = replace(tiny_parts("llama"), head=head)
    residuals, tokens, place = drawn(7)
    tokens = tokens + (tokens % 64 == 0)
    logits = final_logits(parts, residuals[-1])[place].double()
    expected = logits.log_softmax(-1)[torch.arange(len(tokens)), tokens].float()
    torch.testing.assert_close(read(parts, residuals, tokens, place).logprob, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("shift", [-1e4, 1e4])
def test_large_logits_keep_their_precision(shift):
    """A bias common to all logits must not eat the float32 digits of a log-probability beyond its own size."""
    parts = anatomy(tiny_model("llama", VOCABULARY))
    head = torch.nn.Linear(WIDTH, VOCABULARY).requires_grad_(False)
    head.bias.fill_(shift)
    moved = replace(parts, head=head)
    residuals, tokens, place = drawn(4)
    logits = final_logits(moved, residuals[-1])[place].double()
    expected = logits.log_softmax(-1)[torch.arange(len(tokens)), tokens].float()
    torch.testing.assert_close(read(moved, residuals, tokens, place).logprob, expected, atol=4e-3, rtol=1e-5)
