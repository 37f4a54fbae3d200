"""A folder that holds a full model and an adapter: what is read of it, and who says so."""

import json
import shutil

import pytest
import torch
from house import command, copied
from knowshift.errors import AdapterError, CheckpointError, UsageError
from knowshift.models.checkpoint import Checkpoint
from knowshift.models.options import forms_of

BOTH = "the folder holds a full model and an adapter;"
FULL = f"{BOTH} the full model is used (--as both=adapter takes the other)"
ADAPTER = f"{BOTH} the adapter is used, on the given base (--as both=full takes the other)"
ASKED = f"{BOTH} the full model is used (as --as full asks)"
IDS = torch.tensor([[1, 5, 7, 9, 33, 250, 12]])


@pytest.fixture(scope="module")
def both(house, tmp_path_factory):
    """The adapter of `neuro_lora` in the folder of `cardio_full`, as where a merged model is saved beside it."""
    folder = copied(house, "cardio_full", tmp_path_factory.mktemp("forms"))
    folder = folder.rename(folder.with_name("both"))
    for file in (house / "neuro_lora").glob("adapter_*"):
        shutil.copy(file, folder)
    return folder


def logits(spec, **options):
    checkpoint = Checkpoint.find(spec, device="cpu", **options)
    with checkpoint.active() as model:
        return model(IDS).logits, checkpoint


def test_a_base_is_the_full_model_without_the_adapter(both, house):
    read, checkpoint = logits(both)
    assert torch.equal(read, logits(house / "cardio_full")[0])
    assert (checkpoint.kind, checkpoint.notes) == ("base", [FULL])


def test_a_tuned_model_is_the_adapter_on_the_given_base(both, house):
    base = Checkpoint.open(house / "base", device="cpu")
    read, checkpoint = logits(both, base=base)
    assert torch.equal(read, logits(house / "neuro_lora", base=base)[0])
    assert (checkpoint.kind, checkpoint.notes) == ("adapter", [ADAPTER])
    read, checkpoint = logits(both, base=base, form="full")
    assert torch.equal(read, logits(house / "cardio_full")[0])
    assert (checkpoint.kind, checkpoint.notes) == ("full", [ASKED])


def test_an_adapter_in_the_folder_of_its_base(both):
    base = Checkpoint.open(both, device="cpu")
    read, checkpoint = logits(both, base=base)
    assert checkpoint.base is base
    assert (read - logits(both)[0]).abs().max() > 1e-3


def test_a_form_that_is_not_there_is_refused(house):
    base = Checkpoint.find(house / "base", device="cpu")
    with pytest.raises(AdapterError, match="holds an adapter and no full model; drop --as"):
        Checkpoint.find(house / "neuro_lora", base=base, form="full")
    with pytest.raises(CheckpointError, match=r"has no adapter_config.json, so it is no adapter; drop --as"):
        Checkpoint.find(house / "cardio_full", base=base, form="adapter")


def test_a_config_without_an_adapters_weights_hides_no_model(both, house, tmp_path):
    folder = copied(both.parent, "both", tmp_path)
    (folder / "adapter_model.safetensors").unlink()
    base = Checkpoint.find(house / "base", device="cpu")
    read, checkpoint = logits(folder, base=base)
    assert torch.equal(read, logits(house / "cardio_full")[0])
    assert "without an adapter's weights" in checkpoint.notes[0]
    with pytest.raises(AdapterError, match=r"no adapter_model.safetensors"):
        Checkpoint.find(folder, base=base, form="adapter")


def test_where_the_adapter_does_not_fit_the_full_model_is_offered(both, house, tmp_path):
    folder = copied(both.parent, "both", tmp_path)
    file = folder / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"r": 64}))
    with pytest.raises(AdapterError, match="or take the folder's full model with --as both=full"):
        Checkpoint.find(folder, base=Checkpoint.find(house / "base", device="cpu"))


@pytest.mark.parametrize(
    ("given", "base", "a", "b"),
    [
        ([], "auto", "auto", "auto"),
        (["full"], "auto", "full", "full"),
        (["b=full", "m=adapter"], "adapter", "auto", "full"),
        (["adapter", "a=full"], "auto", "full", "adapter"),
    ],
)
def test_forms_are_given_for_all_or_by_name(given, base, a, b):
    assert forms_of(given, "m", ["a", "b"]) == {"": base, "a": a, "b": b}


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (["merged"], "no such value; give full, adapter"),
        (["a=merged"], "no such value"),
        (["c=full"], "no such model; the models are m, a"),
        (["full", "adapter"], "give one, or MODEL=full for each model"),
    ],
)
def test_what_is_no_form_or_model_is_refused(given, fault):
    with pytest.raises(UsageError, match=fault):
        forms_of(given, "m", ["a"])


def test_the_command_says_which_is_used(both, house, probe, tmp_path):
    text = ("--text", "a word", "--out", tmp_path / "lens.html")
    code, _, err = probe("lens", both, both, *text)
    assert code == 0
    assert err.splitlines() == [f"both: {FULL}", f"both: {ADAPTER}"]
    code, _, err = probe("lens", house / "base", both, "--as", "both=full", *text)
    assert (code, err) == (0, f"both: {ASKED}\n")
    code, _, err = probe("lens", house / "base", both, "--as", "other=full", *text)
    assert (code, err) == (2, "probe: --as other=full: no such model; the models are base, both\n")


def test_a_run_keeps_which_is_used(both, house, probe, tmp_path):
    kinds = {}
    for form in ("full", "adapter"):
        out = tmp_path / form
        code, _, err = probe(
            *command(house, both, own="both=cardiology", out=out), "--as", form, "--no-lens", "--passages", 0
        )
        assert code == 0, err
        model = json.loads((out / "comparison.json").read_text())["models"]["both"]
        notes = [check["note"] for check in model["validity"] if check["check"] == "files read as noted"]
        assert len(notes) == 1
        assert f"--as {form} asks" in notes[0]
        kinds[form] = any(check["check"] == "adapter landed" for check in model["validity"])
    assert kinds == {"full": False, "adapter": True}
