"""Tokens at every layer: what no model predicts is read as nothing, not refused by torch."""

import pytest
import torch
from knowshift.errors import UsageError
from knowshift.models.engines.select import open_engine
from knowshift.models.layers import Lens
from knowshift.models.reading import read_layers, read_passage
from knowshift.models.template import PLAIN
from knowshift.probes.runs.lens_reading import read_lens
from scored import as_checkpoint, long_rope_model, tiny
from tiny import CORPUS, LAYERS

EVERY = Lens(tuple(range(LAYERS)))


@pytest.mark.parametrize("name", ["hooks", "transformer-lens", "nnsight"])
def test_no_columns_are_nothing_at_every_layer(name):
    read = list(read_layers(tiny(), [5, 6, 7], [], open_engine(name), EVERY))
    assert [(len(logits), len(logprob), rank) for logits, logprob, rank in read] == [(0, 0, [])] * LAYERS


@pytest.mark.parametrize("text", ["a", CORPUS[0]])
@pytest.mark.parametrize("lens", [None, EVERY])
def test_a_leading_token_that_no_model_predicts(text, lens):
    read = read_passage(tiny(), text, 0, 1, PLAIN, open_engine(), lens)
    assert (read.starts, read.ends) == ([0], [1])
    assert (read.logprob, read.rank, read.top, read.top_logprob) == ([None], [None], [[]], [[]])
    assert read.lens == read.lens_rank == ([[None]] * LAYERS if lens else None)


def test_a_passage_that_no_token_holds():
    read = read_passage(tiny(), "", 0, 0, PLAIN, open_engine(), EVERY)
    assert all(getattr(read, name) == [] for name in ("starts", "ends", "logprob", "rank", "top", "top_logprob"))
    assert read.lens == read.lens_rank == [[]] * LAYERS


def test_a_leading_token_beside_others():
    whole = read_passage(tiny(), CORPUS[0], 0, 40, PLAIN, open_engine(), EVERY)
    assert whole.logprob[0] is None
    assert all(row[0] is None and None not in row[1:] for rows in (whole.lens, whole.lens_rank) for row in rows)
    assert [len(row) for row in whole.top] == [0] + [5] * (len(whole.starts) - 1)
    assert whole.lens[-1] == whole.logprob


def test_a_passage_at_the_beginning_of_a_text_beyond_the_boundary_of_long_rope():
    checkpoint = as_checkpoint(long_rope_model(16))
    ids = checkpoint.tokenizer(CORPUS[1])["input_ids"]
    own = checkpoint.model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
    read = read_passage(checkpoint, CORPUS[1], 0, 20, PLAIN, open_engine(), None)
    assert len(read.logprob) < 16 < len(ids)
    expected = [float(own[at - 1, ids[at]]) for at in range(1, len(read.logprob))]
    assert read.logprob[1:] == pytest.approx(expected, abs=1e-4)


def test_the_lens_of_one_token_is_refused_in_one_line(house):
    with pytest.raises(UsageError, match=r"^--text is one token, which no model predicts, .*; give a longer one$"):
        read_lens(house / "base", [house / "neuro_lora"], "a", device="cpu")
