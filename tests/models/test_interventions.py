"""Interventions against forward hooks written by hand, and against each other on every engine that makes them."""

import copy
from types import SimpleNamespace

import pytest
import torch
from knowshift.errors import EngineError, UsageError
from knowshift.models import ndif
from knowshift.models.engines.changes import check_support
from knowshift.models.engines.nnsight import NnsightEngine
from knowshift.models.engines.nnsight_vllm import NnsightVllmEngine
from knowshift.models.engines.protocol import Batch
from knowshift.models.engines.select import open_engine
from knowshift.models.interventions import (
    EMBEDDING,
    Intervention,
    add_vector,
    remove_direction,
    replace_residuals,
)
from knowshift.models.scoring import make_batch, plan_scoring
from scored import ITEMS, as_checkpoint, tiny
from tiny import ARCHITECTURES, LAYERS, WIDTH, make_tokenizer, tiny_model

EVERY = list(range(LAYERS))
ABLE = ("hooks", "transformer-lens", "nnsight")


def batch_of(checkpoint):
    batch, _ = make_batch(plan_scoring(ITEMS, checkpoint).aligned.sequences, "cpu")
    assert batch.shared.any(), "facts share their cue"
    return batch


def one_row(ids, columns):
    column = torch.tensor(columns)
    alone = torch.zeros(1, dtype=torch.long)
    return Batch(torch.tensor([ids]), torch.zeros_like(column), column, alone, alone)


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def by_hand(model, ids, hooks):
    """Hidden states that leave each layer, `hooks` (layer → function on [rows, length, width]) registered by hand."""
    layers = model.base_model.layers if hasattr(model.base_model, "layers") else model.base_model.h
    kept, handles = {}, []
    for index, layer in enumerate(layers):

        def hook(module, inputs, output, index=index):
            hidden = output[0] if isinstance(output, tuple) else output
            kept[index] = hooks.get(index, lambda same: same)(hidden)
            return (kept[index], *output[1:]) if isinstance(output, tuple) else kept[index]

        handles.append(layer.register_forward_hook(hook))
    with torch.no_grad():
        model(input_ids=ids, use_cache=False)
    for handle in handles:
        handle.remove()
    return torch.stack([kept[index] for index in range(len(layers))])


def at_places(hidden, batch):
    return hidden[:, batch.row, batch.column]


def close(got, truth):
    return torch.allclose(got, truth, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ABLE)
def test_an_intervention_that_changes_nothing_changes_no_number(name):
    checkpoint, engine = tiny(), open_engine(name)
    batch = batch_of(checkpoint)
    nothing = [Intervention(layer, lambda residuals: residuals) for layer in (EMBEDDING, *EVERY)]
    truth = engine.residuals(checkpoint, batch, EVERY)
    assert close(engine.residuals(checkpoint, batch, EVERY, nothing), truth)
    assert torch.equal(engine.residuals(checkpoint, batch, EVERY), truth), "an intervention outlived its pass"


@pytest.mark.parametrize("arch", ["llama", "gpt2"])
@pytest.mark.parametrize("name", ABLE)
def test_replacing_a_layers_residuals_by_another_texts(name, arch):
    checkpoint = tiny(arch)
    source, target = torch.tensor([[5, 9, 40, 7, 11]]), torch.tensor([[5, 9, 61, 7, 30]])
    values = by_hand(checkpoint.model, source, {})[1, 0, 1:4]
    batch = one_row(target[0].tolist(), [1, 2, 3, 4])
    tokens = torch.tensor([[False, True, True, True, False]])

    def patched(hidden):
        return torch.cat([hidden[:, :1], values[None], hidden[:, 4:]], 1)

    truth = at_places(by_hand(checkpoint.model, target, {1: patched}), batch)
    got = open_engine(name).residuals(checkpoint, batch, EVERY, [replace_residuals(1, values, tokens)])
    assert close(got, truth)
    plain = at_places(by_hand(checkpoint.model, target, {}), batch)
    assert close(got[0], plain[0]), "the layer before reads what it always read"
    assert (got[2, 3] - plain[2, 3]).abs().max() > 1e-2, "a later token reads the change"


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_adding_a_vector_on_every_architecture(arch):
    checkpoint = tiny(arch)
    batch, vector = batch_of(checkpoint), drawn(WIDTH)
    truth = at_places(by_hand(checkpoint.model, batch.ids, {0: lambda hidden: hidden + vector}), batch)
    for name in ABLE:
        got = open_engine(name).residuals(checkpoint, batch, EVERY, [add_vector(0, vector)])
        assert close(got, truth), name
    assert not close(truth, open_engine("hooks").residuals(checkpoint, batch, EVERY))


@pytest.mark.parametrize("name", ABLE)
@pytest.mark.parametrize("arch", ["llama", "gpt2", "gemma3"])
def test_the_embedding_is_what_enters_the_first_layer(name, arch):
    checkpoint = tiny(arch)
    batch, vector = batch_of(checkpoint), drawn(WIDTH)
    model = copy.deepcopy(checkpoint.model)
    blocks = model.base_model.layers if hasattr(model.base_model, "layers") else model.base_model.h
    blocks[0].register_forward_pre_hook(lambda module, inputs: (inputs[0] + vector, *inputs[1:]))
    truth = at_places(by_hand(model, batch.ids, {}), batch)
    assert close(open_engine(name).residuals(checkpoint, batch, EVERY, [add_vector(EMBEDDING, vector)]), truth)


@pytest.mark.parametrize("name", ABLE)
def test_interventions_of_one_layer_are_made_in_order(name):
    checkpoint, engine = tiny(), open_engine(name)
    batch, vector = batch_of(checkpoint), drawn(WIDTH)
    add, ablate = add_vector(1, vector), remove_direction(1, vector)
    first, last = (engine.residuals(checkpoint, batch, EVERY, each) for each in ([add, ablate], [ablate, add]))
    along = vector / vector.norm()
    assert (first[1] @ along).abs().max() < 1e-4, "nothing of the direction is left"
    assert torch.allclose(last[1] @ along, vector.norm(), atol=1e-4), "what was added after stays"
    later = [remove_direction(2, vector), add]
    got = engine.residuals(checkpoint, batch, EVERY, later)
    steered = engine.residuals(checkpoint, batch, EVERY, [add])
    assert torch.equal(got[1], steered[1]), "a later layer's comes later, however they are listed"
    assert (got[2] @ along).abs().max() < 1e-4


@pytest.mark.parametrize("name", ABLE)
def test_the_last_layer_at_the_places_and_between(name):
    """The default engine skips the last feed-forward part between the places; a change must see it all the same."""
    checkpoint, seen = tiny(), []
    batch = one_row([5, 9, 40, 7, 11], [3])
    truth = by_hand(checkpoint.model, batch.ids, {})

    def look(residuals):
        seen.append(residuals.clone())
        return residuals.mean(0).expand_as(residuals)

    got = open_engine(name).residuals(checkpoint, batch, EVERY, [Intervention(LAYERS - 1, look)])
    assert len(seen) == 1
    assert close(seen[0], truth[-1, 0, :4]), "tokens up to the last place, no padding"
    assert close(got[-1, 0], truth[-1, 0, :4].mean(0))


def test_rows_that_share_their_cue_are_changed_as_each_alone():
    """A cue's candidates, read with the cue's tokens changed: as when each row is a batch of its own."""
    checkpoint, engine = tiny(), open_engine("hooks")
    batch, vector = batch_of(checkpoint), drawn(WIDTH)
    got = engine.residuals(checkpoint, batch, EVERY, [add_vector(0, vector)])
    for row in range(len(batch.ids)):
        places = (batch.row == row).nonzero()[:, 0]
        if len(places):
            end = int(batch.column[places].max()) + 1
            alone = one_row(batch.ids[row, :end].tolist(), batch.column[places].tolist())
            assert close(engine.residuals(checkpoint, alone, EVERY, [add_vector(0, vector)]), got[:, places])


@pytest.mark.parametrize("name", ABLE)
def test_shared_tokens_changed_in_some_rows_only_are_refused(name):
    checkpoint = tiny()
    batch = batch_of(checkpoint)
    row = int((batch.shared > 0).nonzero()[0])
    tokens = torch.zeros_like(batch.ids, dtype=torch.bool)
    tokens[row, 0] = True
    with pytest.raises(UsageError, match="shared token in some rows only; select it in every row that begins"):
        open_engine(name).residuals(checkpoint, batch, EVERY, [add_vector(0, drawn(WIDTH), tokens)])
    tokens[batch.stem == batch.stem[row], 0] = True
    open_engine(name).residuals(checkpoint, batch, EVERY, [add_vector(0, drawn(WIDTH), tokens)])


def test_what_candidates_begin_with_alike_is_shared_too():
    """Beyond their cue: a token that two candidates have in common is read at one place for both."""
    ids = torch.tensor([[1, 2, 3, 4], [1, 2, 3, 5], [1, 2, 6, 4]])
    alike, row = torch.zeros(3, dtype=torch.long), torch.tensor([0, 0, 2])
    batch = Batch(ids, row, torch.tensor([1, 2, 2]), alike, alike + 2)
    engine = open_engine("hooks")
    for column, refused in ((2, True), (3, False)):
        tokens = torch.zeros_like(ids, dtype=torch.bool)
        tokens[0, column] = True
        change = [add_vector(0, drawn(WIDTH), tokens)]
        if refused:
            with pytest.raises(UsageError, match="some rows only"):
                engine.residuals(tiny(), batch, EVERY, change)
            tokens[1, column] = True
        engine.residuals(tiny(), batch, EVERY, change)


@pytest.mark.parametrize(
    ("intervention", "text"),
    [
        (Intervention(LAYERS, lambda residuals: residuals), "the model has 3 layers; give a number from 0 to 2"),
        (Intervention(-2, lambda residuals: residuals), "or -1 for the embedding"),
        (Intervention(0, lambda residuals: residuals[:1]), "return one residual for each"),
        (add_vector(0, torch.zeros(WIDTH), torch.ones(1, 2, dtype=torch.bool)), "give booleans of the batch's shape"),
        (add_vector(0, torch.zeros(WIDTH), torch.ones(1, 5)), "give booleans of the batch's shape"),
    ],
)
@pytest.mark.parametrize("name", ABLE)
def test_what_does_not_fit_is_one_line(name, intervention, text):
    checkpoint = tiny()
    with pytest.raises(UsageError) as error:
        open_engine(name).residuals(checkpoint, one_row([5, 9, 40, 7, 11], [3]), EVERY, [intervention])
    assert text in str(error.value)
    assert "\n" not in str(error.value)
    batch = batch_of(checkpoint)
    again = open_engine(name).residuals(checkpoint, batch, EVERY)
    assert close(again, open_engine("hooks").residuals(tiny(), batch, EVERY)), "no hook stays behind"


def test_in_bfloat16_a_change_is_made_in_the_models_dtype():
    checkpoint = as_checkpoint(tiny_model("llama", len(make_tokenizer("byte_bpe"))).to(torch.bfloat16))
    batch, vector = one_row([5, 9, 40, 7, 11], [1, 3]), drawn(WIDTH)
    got = open_engine("hooks").residuals(checkpoint, batch, EVERY, [remove_direction(1, vector)])
    assert got.dtype == torch.bfloat16
    assert (got[1].float() @ (vector / vector.norm())).abs().max() < 0.1


@pytest.mark.parametrize("name", ["nnsight", "nnsight-vllm"])
def test_engines_that_cannot_refuse_in_one_line(name, monkeypatch):
    monkeypatch.setattr(ndif, "check_key", lambda: None)
    engine = NnsightEngine(remote=True) if name == "nnsight" else object.__new__(NnsightVllmEngine)
    assert not engine.supports_interventions
    with pytest.raises(EngineError, match=f"^engine {name}: cannot change residuals; use --engine hooks$"):
        engine.residuals(tiny(), batch_of(tiny()), EVERY, [add_vector(0, torch.zeros(WIDTH))])


def test_a_plugins_engine_that_knows_no_interventions_does_not_support_them():
    plugin = SimpleNamespace(name="timed")
    check_support(plugin, [])
    with pytest.raises(EngineError, match=r"^engine timed: cannot change residuals; use --engine hooks$"):
        check_support(plugin, [add_vector(0, torch.zeros(WIDTH))])
