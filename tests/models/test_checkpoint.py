"""Opening: every form of a checkpoint gives the model it was; every fault gives one line."""

import hashlib
import json
import os
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from knowshift.errors import CheckpointError, UsageError
from knowshift.models.checkpoint import Checkpoint
from knowshift.models.sources import content_hash, label, locate, parent_label
from knowshift.models.weights import save_pt
from tiny import ARCHITECTURES, make_tokenizer, tiny_model

IDS = torch.tensor([[1, 5, 7, 9, 33, 250, 12]])


def save_folder(folder, arch="llama", family="byte_bpe", **options):
    model = tiny_model(arch, vocab_size=600, **options)
    model.save_pretrained(folder)
    if family:
        make_tokenizer(family).save_pretrained(folder)
    return folder, model


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_a_folder_gives_the_same_logits(arch, tmp_path):
    folder, model = save_folder(tmp_path / "tuned", arch)
    opened = Checkpoint.open(folder, device="cpu")
    assert (opened.name, opened.kind, opened.spec, opened.notes) == ("tuned", "base", str(folder), [])
    with opened.active() as running:
        assert torch.equal(running(IDS).logits, model(IDS).logits)
    assert not opened.model.training
    assert not any(weight.requires_grad for weight in opened.model.parameters())


def test_a_full_fine_tune_has_its_own_weights_and_may_borrow_the_tokenizer(tmp_path):
    base = Checkpoint.open(save_folder(tmp_path / "base")[0], device="cpu")
    folder, model = save_folder(tmp_path / "tuned", family=None, seed=5)
    tuned = Checkpoint.open(folder, base=base, device="cpu")
    assert tuned.kind == "full"
    assert tuned.model is not base.model
    assert tuned.tokenizer is base.tokenizer
    assert "tokenizer" in tuned.notes[0]
    assert torch.equal(tuned.model(IDS).logits, model(IDS).logits)
    with pytest.raises(CheckpointError, match="no tokenizer"):
        Checkpoint.open(folder, device="cpu")


@pytest.mark.parametrize("stored", [torch.float16, torch.bfloat16])
def test_auto_dtype_is_float32_on_the_cpu(stored, tmp_path):
    model = tiny_model("llama", vocab_size=600).to(stored)
    model.save_pretrained(tmp_path)
    make_tokenizer("byte_bpe").save_pretrained(tmp_path)
    assert Checkpoint.open(tmp_path, device="cpu").dtype == torch.float32
    opened = Checkpoint.open(tmp_path, device="cpu", dtype="bfloat16")
    assert opened.dtype == opened.model.dtype == torch.bfloat16


@pytest.mark.parametrize("options", [{"device": "warp9"}, {"device": "cpu", "dtype": "int3"}])
def test_unknown_device_or_dtype_says_what_is_known(options, tmp_path):
    with pytest.raises(UsageError, match="expected auto"):
        Checkpoint.open(tmp_path, **options)


def fault(spec, **options):
    """What is wrong with it, known before any weight is read."""
    with pytest.raises(CheckpointError) as error:
        Checkpoint.find(spec, device="cpu", **options)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.heavy
@pytest.mark.parametrize("arch", ARCHITECTURES)
@pytest.mark.parametrize("form", ["folder", "shards", "safetensors", "pt"])
def test_what_is_known_before_the_weights_are_read_is_what_is_loaded(arch, form, tmp_path):
    folder, model = save_folder(tmp_path / "m", arch)
    spec = folder / "model.safetensors" if form == "safetensors" else folder
    if form == "shards":
        model.save_pretrained(folder, max_shard_size="40KB")
        (folder / "model.safetensors").unlink()
    elif form == "pt":
        spec = tmp_path / "m.pt"
        save_pt(model, make_tokenizer("byte_bpe"), spec, dtype=torch.float16)
    found = Checkpoint.find(spec, device="cpu")
    with pytest.raises(RuntimeError, match="not in memory"):
        found.model  # noqa: B018
    known = (found.dtype, found.parameters, found.nbytes, found.anatomy.context, len(found.anatomy.layers))
    opened = found.load().model
    assert known == (
        opened.dtype,
        opened.num_parameters(),
        sum(weight.nbytes for weight in opened.parameters()),
        found.anatomy.context,
        len(found.anatomy.layers),
    )


def test_the_weights_are_in_memory_for_their_time(tmp_path):
    found = Checkpoint.find(save_folder(tmp_path / "m")[0], device="cpu")
    with found.active() as model:
        want = model(IDS).logits
        with found.active() as again:
            assert again is model
        gone = [weakref.ref(model), *(weakref.ref(weight) for weight in model.parameters())]
    del model, again
    assert not any(ref() is not None for ref in gone)
    with found.active() as model:
        assert torch.equal(model(IDS).logits, want)


def test_how_texts_were_cut_and_padded_in_training_is_no_other_tokenizer(tmp_path):
    hashes = []
    for name in ("as it is", "as trained"):
        tiny_model("llama", vocab_size=600).save_pretrained(tmp_path / name)
        make_tokenizer("byte_bpe").save_pretrained(tmp_path / name)
        if name == "as trained":
            file = tmp_path / name / "tokenizer.json"
            held = json.loads(file.read_text())
            held["truncation"] = {"direction": "Right", "max_length": 64, "strategy": "LongestFirst", "stride": 0}
            held["padding"] = {
                "strategy": {"Fixed": 64},
                "direction": "Right",
                "pad_to_multiple_of": None,
                "pad_id": 2,
                "pad_type_id": 0,
                "pad_token": "</s>",
            }
            file.write_text(json.dumps(held))
        checkpoint = Checkpoint.find(tmp_path / name)
        before = checkpoint.tokenizer.backend_tokenizer.to_str()
        hashes += [checkpoint.tokenizer_hash]
        checkpoint.tokenizer("some text")
        hashes += [checkpoint.tokenizer_hash]
        forgotten = checkpoint.tokenizer.backend_tokenizer.to_str() != before
        assert forgotten == (name == "as trained")
    assert len(set(hashes)) == 1


@pytest.mark.parametrize("spec", ["./gone", "/no/such/dir", "gone.pt", "a/b/c", "~/gone/x", "dir/gone.safetensors", ""])
def test_a_path_that_is_not_there_is_no_hub_id(spec):
    assert "no such file or directory" in fault(spec or "gone/")


@pytest.mark.parametrize("pickled", [False, True])
def test_of_a_repository_what_transformers_loads_is_fetched_alone(pickled, tmp_path, monkeypatch):
    """The hub's client is asked in earnest; where it would fetch, files are picked by its own rule."""
    import huggingface_hub
    from huggingface_hub.utils import filter_repo_objects

    weights = "pytorch_model.bin" if pickled else "model-00001-of-00002.safetensors"
    wanted = {"config.json", "tokenizer.json", "tokenizer.model", "chat_template.jinja", weights}
    others = {
        "consolidated.safetensors",
        "consolidated-00001-of-00003.safetensors",
        "README.md",
        "checkpoint-500/model.safetensors",
        "checkpoint-500/config.json",
        "original/consolidated.00.pth",
        "onnx/config.json",
        "checkpoint-500/pytorch_model.bin",
    }
    fetched = set()

    def download(spec, **patterns):
        fetched.update(filter_repo_objects(wanted | others, **patterns))
        for name in fetched:
            (tmp_path / name).touch()
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert locate("someone/something") == tmp_path
    assert fetched == wanted


@pytest.mark.parametrize("given", ["", "adapter_model.safetensors"])
def test_an_adapters_files_lie_in_its_folder(house, given):
    base = Checkpoint.find(house / "base", device="cpu")
    assert base.path == house / "base"
    assert Checkpoint.find(house / "neuro_lora" / given, base=base).path == house / "neuro_lora"


@pytest.mark.parametrize("spec", ["nobody/no-such-model-here", "no-such-model-here"])
def test_a_hub_id_that_cannot_be_had_is_one_line(spec):
    message = fault(spec)
    assert message.startswith(f"{spec}: no such path, and it cannot be had from the hub")


def test_faults_of_a_folder_are_named(tmp_path):
    (tmp_path / "empty").mkdir()
    assert "is empty" in fault(tmp_path / "empty")

    (tmp_path / "loose").mkdir()
    (tmp_path / "loose" / "step9.pt").write_bytes(b"x")
    assert "step9.pt" in fault(tmp_path / "loose")

    folder, _ = save_folder(tmp_path / "m")
    config = folder / "config.json"
    text = config.read_text()
    for change, expected in (
        ({"model_type": "llamma9"}, "llamma9"),
        ({"model_type": "bert"}, "bert"),
        ({"hidden_size": "wide"}, "hidden_size"),
        ({"hidden_size": 64}, "of another shape"),
        ({"num_hidden_layers": 5}, r"missing"),
    ):
        config.write_text(json.dumps(json.loads(text) | change))
        assert expected in fault(folder)
    config.write_text("{")
    assert "config.json" in fault(folder)
    config.write_text("{}")
    assert "model_type" in fault(folder)
    config.unlink()
    assert "neither config.json" in fault(folder)
    config.write_text(text)

    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    assert "damaged or cut short" in fault(folder)
    weights.unlink()
    assert "no weights" in fault(folder)
    weights.write_bytes(whole)

    tokenizer = folder / "tokenizer.json"
    tokenizer.write_text("{")
    assert "tokenizer" in fault(folder)

    (tmp_path / "notes.txt").write_text("hello")
    assert "not a checkpoint" in fault(tmp_path / "notes.txt")


def test_a_tokenizer_larger_than_the_embedding_is_refused(tmp_path):
    tiny_model("llama", vocab_size=300).save_pretrained(tmp_path)
    make_tokenizer("byte_bpe").save_pretrained(tmp_path)
    assert "480 tokens but its embedding 300 rows" in fault(tmp_path)


def test_tensors_that_the_model_has_no_use_for_are_noted(tmp_path):
    from safetensors.torch import load_file, save_file

    folder, model = save_folder(tmp_path / "m")
    tensors = load_file(folder / "model.safetensors") | {"v_head.weight": torch.ones(3)}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    opened = Checkpoint.open(folder, device="cpu")
    assert "v_head.weight" in opened.notes[0]
    assert torch.equal(opened.model(IDS).logits, model(IDS).logits)


def test_the_hash_is_of_the_content_not_of_the_place(tmp_path):
    first, _ = save_folder(tmp_path / "a")
    second, _ = save_folder(tmp_path / "b" / "c")
    keys = [Checkpoint.open(folder, device="cpu").content_key for folder in (first, second)]
    assert keys[0] == keys[1]
    (second / "README.md").write_text("a word")
    assert Checkpoint.open(second, device="cpu").content_key == keys[0]
    other, _ = save_folder(tmp_path / "d", seed=1)
    cut, _ = save_folder(tmp_path / "e", family="byte_crossing")
    for folder in (other, cut):
        assert Checkpoint.open(folder, device="cpu").content_key != keys[0]


def test_the_hash_of_a_self_contained_file_is_that_of_its_bytes(tmp_path):
    save_pt(tiny_model("llama", vocab_size=600), make_tokenizer("byte_bpe"), tmp_path / "base.pt")
    opened = Checkpoint.open(tmp_path / "base.pt", device="cpu")
    assert opened.weights_hash == hashlib.sha256((tmp_path / "base.pt").read_bytes()).hexdigest()


@settings(max_examples=30, deadline=None)
@given(parts=st.lists(st.text("0123456789abcdef", min_size=64, max_size=64), min_size=2, max_size=4, unique=True))
def test_content_hash_depends_on_every_part_and_on_order(parts):
    assert content_hash(parts) == content_hash(list(parts))
    assert content_hash(parts) != content_hash(parts[::-1])
    assert content_hash(parts) != content_hash(parts[:-1])


def test_importing_the_package_loads_neither_torch_nor_transformers():
    code = "import sys, knowshift; print([m for m in ('torch', 'transformers', 'peft', 'spacy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


MATERIALS = os.environ.get("KNOWSHIFT_MATERIALS")


@pytest.mark.skipif(not MATERIALS, reason="KNOWSHIFT_MATERIALS is not set")
def test_real_model_and_its_adapters():
    """The materials' table: each adapter is better on its own specialty's held-out notes than the base is."""
    materials = Path(MATERIALS or "")
    base = Checkpoint.open(materials / "models" / "stories260k", device="cpu")
    names = ["cardiovascular_pulmonary", "gastroenterology"]
    tuned = [Checkpoint.open(materials / "adapters" / name, base=base) for name in names]
    assert [checkpoint.name for checkpoint in tuned] == names
    assert all(checkpoint.notes == [] and checkpoint.adapter.landed for checkpoint in tuned)

    def loss(checkpoint, name):
        note = json.loads((materials / "corpora" / f"mtsamples_{name}_heldout.jsonl").read_text().splitlines()[0])
        ids = checkpoint.tokenizer(note["text"][:600], return_tensors="pt")["input_ids"][:, :512]
        with checkpoint.active() as model, torch.no_grad():
            return float(model(ids, labels=ids).loss)

    for checkpoint, name in zip(tuned, names, strict=True):
        assert loss(checkpoint, name) < loss(base, name) - 0.5
    alone = Checkpoint.open(materials / "adapters" / names[0], device="cpu")
    assert loss(alone, names[0]) == pytest.approx(loss(tuned[0], names[0]), abs=1e-5)


def test_a_model_is_not_named_by_a_commit(tmp_path):
    snapshot = tmp_path / "models--acme--base" / "snapshots" / ("0123456789abcdef" * 2 + "01234567")
    snapshot.mkdir(parents=True)
    (snapshot / "model.safetensors").touch()
    link = tmp_path / "link-to-base"
    link.symlink_to(snapshot)
    assert label(snapshot, snapshot) == "base"
    assert label(snapshot / "model.safetensors", snapshot / "model.safetensors") == "base"
    assert label(link, link) == "link-to-base"
    assert parent_label(snapshot) == "acme"
