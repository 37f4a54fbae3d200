"""The tuned lens: at the identity it is the raw one, trained it predicts the last layer better, its file is whole."""

import json
import os
from pathlib import Path

import pytest
import torch
from knowshift.errors import DomainError, UsageError
from knowshift.models.architecture import final_logits
from knowshift.models.checkpoint import Checkpoint
from knowshift.models.engines import hooks
from knowshift.models.layers import Lens
from knowshift.models.lens_training import Schedule, TrainingData, train, windows_of
from knowshift.models.readout import read
from knowshift.models.scoring import score
from knowshift.models.translators import Translators
from knowshift.terms.items import Item
from tiny import ARCHITECTURES, CORPUS, LAYERS, WIDTH, make_tokenizer, tiny_model

pytestmark = pytest.mark.heavy

SHORT = Schedule(steps=60, tokens=256)
TEXTS = [f"{n}: {text}" for n in ("One", "Two", "Three") for text in CORPUS]
ITEMS = [
    Item(
        "f0",
        "fact",
        ("a",),
        "c",
        "ethosuximide",
        cues=("For absence seizures, give",),
        candidates=("ethosuximide", "bread", "a contract"),
    ),
    Item("t0", "term", ("a",), "c", "chest pain", text=CORPUS[1], start=19, end=29),
]


def write_base(folder, arch="llama", seed=0):
    tokenizer = make_tokenizer("byte_bpe")
    tiny_model(arch, vocab_size=len(tokenizer), seed=seed).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return Checkpoint.open(write_base(tmp_path_factory.mktemp("lens") / "base"), device="cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("texts") / "notes.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    return TrainingData.read(path)


@pytest.fixture(scope="module")
def trained(base, data):
    return train(base, data, schedule=SHORT)


def identity(layers=LAYERS, width=WIDTH):
    return Translators(torch.zeros(layers - 1, width, width), torch.zeros(layers - 1, width), {})


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_at_the_identity_it_is_the_raw_lens_to_the_bit(arch, tmp_path):
    checkpoint = Checkpoint.open(write_base(tmp_path, arch), device="cpu")
    raw = score(ITEMS, checkpoint)
    assert score(ITEMS, checkpoint, lens=Lens(tuple(range(LAYERS)), identity())).equals(raw)


def test_in_half_precision_too(tmp_path):
    checkpoint = Checkpoint.open(write_base(tmp_path), device="cpu", dtype="bfloat16")
    assert score(ITEMS, checkpoint, lens=Lens((0, 2), identity())).equals(score(ITEMS, checkpoint, lens=Lens((0, 2))))


def test_a_residual_is_carried_before_the_final_norm(base, trained):
    """Against the map written out, on residuals of chosen layers."""
    lens = Lens((1, 2), trained)
    residuals = torch.randn(2, 5, WIDTH)
    tokens = torch.arange(5)
    out = read(base.anatomy, residuals, tokens, through=lens.through)
    carried = residuals[0] + residuals[0] @ trained.weight[1].T + trained.bias[1]
    for row, residual in zip(out.lens, (carried, residuals[1]), strict=True):
        expected = final_logits(base.anatomy, residual).log_softmax(-1)[torch.arange(5), tokens]
        torch.testing.assert_close(row, expected, atol=1e-5, rtol=1e-5)
    assert out.lens.shape == (2, 5)


@pytest.mark.parametrize("layers", [(2,), (0, 2), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("tuned", [False, True])
def test_chosen_layers_are_columns_of_all(layers, tuned, base, trained):
    maps = trained if tuned else None
    every, some = (score(ITEMS, base, lens=Lens(chosen, maps)) for chosen in (range(LAYERS), layers))
    for name in ("lens", "rank"):
        for whole, part in zip(every[name].to_pylist(), some[name].to_pylist(), strict=True):
            assert part == pytest.approx([whole[layer] for layer in layers], abs=1e-5)
    unread = ["lens", "rank"]
    assert some.drop_columns(unread).equals(every.drop_columns(unread))


def test_the_last_layer_stays_the_models_own(base, trained):
    raw, tuned = score(ITEMS, base), score(ITEMS, base, lens=Lens(tuple(range(LAYERS)), trained))
    assert tuned["logprob"].equals(raw["logprob"])
    for row in tuned.to_pylist():
        assert row["lens"][-1] == pytest.approx(row["logprob"], abs=1e-5)
    assert not tuned["lens"].equals(raw["lens"])


def divergence(checkpoint, windows, maps):
    """Mean KL(last ‖ layer) in nats, by hand from the model's own hidden states."""
    total, places = torch.zeros(len(maps.weight)).double(), 0
    for window in windows:
        states = checkpoint.model(torch.tensor([window.ids]), output_hidden_states=True)
        wanted = states.logits[0, window.first :].log_softmax(-1).double()
        places += len(wanted)
        for layer in range(len(maps.weight)):
            residual = states.hidden_states[layer + 1][0, window.first :]
            carried = residual + residual @ maps.weight[layer].T + maps.bias[layer]
            found = checkpoint.model.lm_head(checkpoint.model.model.norm(carried)).log_softmax(-1).double()
            total[layer] += (wanted.exp() * (wanted - found)).sum()
    return (total / places).tolist()


def test_the_losses_are_the_divergence_on_texts_held_out_and_fall_at_every_layer(base, data, trained):
    training, held_out = windows_of(base, data, schedule=SHORT)
    assert not {tuple(window.ids) for window in held_out} & {tuple(window.ids) for window in training}
    losses = trained.record["losses"]
    with torch.no_grad():
        assert losses["tuned"] == pytest.approx(divergence(base, held_out, trained), rel=1e-4)
        assert losses["raw"] == pytest.approx(divergence(base, held_out, identity()), rel=1e-4)
    assert len(losses["raw"]) == LAYERS - 1
    assert all(tuned < 0.8 * raw for raw, tuned in zip(losses["raw"], losses["tuned"], strict=True))
    assert trained.record["tokens"] == sum(len(w.ids) - 1 for w in training)
    assert trained.record["held_out_tokens"] == sum(len(w.ids) - 1 for w in held_out)


MATERIALS = os.environ.get("KNOWSHIFT_MATERIALS")


@pytest.mark.skipif(not MATERIALS, reason="KNOWSHIFT_MATERIALS is not set")
def test_on_a_trained_model_texts_it_never_saw_are_predicted_better_at_every_layer():
    materials = Path(MATERIALS or "")
    real = Checkpoint.open(materials / "models" / "stories260k", device="cpu")
    notes = TrainingData.read(materials / "corpora" / "mtsamples_urology_heldout.jsonl")
    losses = train(real, notes, schedule=Schedule(steps=40)).record["losses"]
    assert losses["raw"] == sorted(losses["raw"], reverse=True)
    assert all(tuned < 0.6 * raw for raw, tuned in zip(losses["raw"], losses["tuned"], strict=True))


def test_windows_are_whole_texts_cut_at_the_context(base):
    texts = tuple(f"{text} {text} {n}" for n, text in enumerate(CORPUS))
    training, held_out = windows_of(base, TrainingData("x", "", texts), schedule=Schedule(window=16))
    encode = base.tokenizer
    joined = sorted(token for window in (*training, *held_out) for token in window.ids)
    # A last window of one token has nothing to learn from.
    whole = sorted(
        t for text in texts for ids in [encode(text)["input_ids"]] for t in ids[: len(ids) - (len(ids) % 16 == 1)]
    )
    assert joined == whole
    assert max(len(window.ids) for window in training) == 16
    assert len(held_out) == len([*training, *held_out]) // 10
    # No more than is trained on is read.
    few = Schedule(steps=1, tokens=64, window=16)
    many = TrainingData("x", "", texts * 1000)
    assert sum(w.places for w in windows_of(base, many, schedule=few)[0]) < 10_000


def test_the_same_seed_is_the_same_file_and_another_is_not(base, data, trained, tmp_path):
    again, other = (train(base, data, seed=seed, schedule=SHORT) for seed in (0, 1))
    for name, lens in {"one": trained, "two": again, "three": other}.items():
        lens.save(tmp_path / name)
    one, two, three = ((tmp_path / name).read_bytes() for name in ("one", "two", "three"))
    assert one == two
    assert one != three
    assert other.digest != trained.digest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "three", "two"]


def test_a_caller_in_inference_mode_can_train(base, data, trained):
    with torch.inference_mode():
        assert train(base, data, schedule=SHORT).digest == trained.digest


def test_training_leaves_the_model_alone(base, data):
    before = {name: weight.clone() for name, weight in base.model.state_dict().items()}
    train(base, data, schedule=Schedule(steps=2))
    assert all(torch.equal(weight, before[name]) for name, weight in base.model.state_dict().items())
    assert not any(weight.requires_grad or weight.grad is not None for weight in base.model.parameters())


def test_what_is_saved_is_opened(base, trained, tmp_path):
    trained.save(tmp_path / "lens.safetensors")
    back = Translators.open(tmp_path / "lens.safetensors", base)
    assert torch.equal(back.weight, trained.weight)
    assert torch.equal(back.bias, trained.bias)
    assert back.record == trained.record
    assert back.width == WIDTH


def refused(path, base, what):
    with pytest.raises(UsageError, match=rf"^[^\n]*{what}[^\n]*; [^\n]+$"):
        Translators.open(path, base)


def test_a_lens_that_cannot_serve_is_refused_in_one_line(base, trained, tmp_path):
    path = tmp_path / "lens.safetensors"
    refused(path, base, "no such file")
    path.write_text("no tensors")
    refused(path, base, "damaged or no safetensors file")
    refused(Path(base.spec) / "model.safetensors", base, "holds no tuned lens")
    trained.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    refused(path, base, "damaged")
    path.write_bytes(whole[:-4] + b"\0\0\x80\x3f")
    refused(path, base, "damaged .its maps are not those")
    path.write_bytes(whole.replace(b'\\"version\\": 1}', b'\\"version\\": 2}'))
    assert path.read_bytes() != whole
    refused(path, base, "another version")
    path.write_bytes(whole)
    other = Checkpoint.open(write_base(tmp_path / "other", seed=5), device="cpu")
    refused(path, other, "was trained on another base .base, ")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda held: "{",
        lambda held: "[1]",
        lambda held: "7",
        lambda held: json.dumps({}),
        lambda held: json.dumps({**held, "recipe": None}),
        lambda held: json.dumps({**held, "recipe": {**held["recipe"], "base": 7}}),
        *(
            lambda held, name=name: json.dumps({key: value for key, value in held.items() if key != name})
            for name in ("version", "format", "digest", "recipe", "base")
        ),
    ],
)
def test_a_damaged_record_is_one_line(spoil, base, trained, tmp_path):
    from safetensors import safe_open
    from safetensors.torch import save_file

    path = tmp_path / "lens.safetensors"
    trained.save(path)
    with safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["knowshift-lens"])
    tensors = {"weight": trained.weight, "bias": trained.bias}
    save_file(tensors, path, {"knowshift-lens": json.dumps(about)})
    assert Translators.open(path, base).record == trained.record
    save_file(tensors, path, {"knowshift-lens": spoil(about)})
    refused(path, base, "damaged .its record is not one of a lens")


def test_maps_of_another_dtype_are_damaged(base, trained, tmp_path):
    from safetensors import safe_open
    from safetensors.torch import save_file

    trained.save(tmp_path / "a")
    with safe_open(tmp_path / "a", "pt") as file:
        about = file.metadata()
    save_file({"weight": trained.weight.bfloat16(), "bias": trained.bias.bfloat16()}, tmp_path / "b", about)
    refused(tmp_path / "b", base, "damaged")


def test_training_tries_a_model_out_once(base, data, monkeypatch):
    tried, agrees = [], hooks._agrees
    monkeypatch.setattr(hooks, "_agrees", lambda *given: tried.append(1) or agrees(*given))
    train(base, data, schedule=Schedule(steps=3))
    assert len(tried) == 1


def test_texts_come_from_plain_text_and_records(tmp_path):
    (tmp_path / "a.txt").write_text("One text.\n\nStill the same.", encoding="utf-8")
    assert TrainingData.read(tmp_path / "a.txt").texts == ("One text.\n\nStill the same.",)
    (tmp_path / "a.jsonl").write_text('{"text": "One."}\n{"text": "Two.", "other": 3}\n')
    read = TrainingData.read(tmp_path / "a.jsonl")
    assert (read.name, read.texts) == ("a.jsonl", ("One.", "Two."))
    assert len(read.hash) == 64


def test_texts_that_cannot_be_trained_on_are_one_line(base, tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(UsageError, match=r"^--lens-data [^\n]*a\.txt: cannot be read [^\n]*; give [^\n]*$"):
        TrainingData.read(path)
    path.write_bytes(b"caf\xe9")
    with pytest.raises(UsageError, match=r"a\.txt, line 1: not UTF-8; save the file as UTF-8, or .*; give a text file"):
        TrainingData.read(path)
    path.write_text("Too short.")
    with pytest.raises(UsageError, match=r"^--lens-data a\.txt: holds \d tokens .* 32 wide; give at least 32, [^\n]*$"):
        train(base, TrainingData.read(path))
    broken = tmp_path / "b.jsonl"
    broken.write_text('{"text": "One."}\n{"words": "Two."}\n')
    with pytest.raises(DomainError, match=r'^[^\n]*b\.jsonl, line 2, field "text": missing; expected text$'):
        TrainingData.read(broken)


def test_a_model_of_one_layer_has_nothing_to_train(data, tmp_path):
    tokenizer = make_tokenizer("byte_bpe")
    tiny_model("llama", vocab_size=len(tokenizer), num_hidden_layers=1).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(UsageError, match=r"has one layer, .*; read it with --lens raw$"):
        train(Checkpoint.open(tmp_path, device="cpu"), data)
