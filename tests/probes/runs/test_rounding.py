"""A model that was trained on a rounded base: the rung of rounding, or words that it is part of the drift."""

import json
from importlib.util import find_spec

import pytest
from house import command, write_adapter, write_domain
from knowshift.models.placement import PACKAGES
from markupsafe import escape
from tiny import make_tokenizer, tiny_model

SIZES = {"hidden_size": 64, "intermediate_size": 128}
"""4-bit weights are rounded in blocks of 64."""
TRAINED = "trained on a base rounded to 4 bits (adapter_config.json says so)"
QUICK = ("--no-lens", "--passages", 0)


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wide")
    tokenizer = make_tokenizer("byte_bpe")
    tiny_model("llama", len(tokenizer), **SIZES).save_pretrained(folder / "base")
    tokenizer.save_pretrained(folder / "base")
    for name, base in (("neuro_lora", "acme/base-bnb-4bit"), ("cardio_lora", "acme/base")):
        write_adapter(folder / name, tiny_model("llama", len(tokenizer), **SIZES), 1)
        file = folder / name / "adapter_config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"base_model_name_or_path": base}))
    write_domain(folder / "domain")
    return folder


def models(folder):
    return json.loads((folder / "comparison.json").read_text())["models"]


@pytest.mark.heavy
@pytest.mark.skipif(find_spec("bitsandbytes") is None, reason="bitsandbytes is not installed")
def test_the_rung_of_rounding_is_what_the_rounded_base_itself_gains(wide, probe, tmp_path):
    """As a comparison of the base with the rounded base, stored, says."""
    from knowshift.models.checkpoint import Checkpoint

    code, out, err = probe(*command(wide, wide / "neuro_lora", wide / "cardio_lora", out=tmp_path / "run"), *QUICK)
    assert code == 0, err
    assert f"neuro_lora: {TRAINED}; the base rounded so is scored too" in err
    assert "cardio_lora: trained on" not in err
    found = models(tmp_path / "run")
    part = found["neuro_lora"]["rounding"]
    assert found["cardio_lora"]["rounding"] is None
    assert (part["precision"], part["source"], part["scored"]) == ("4bit", "adapter_config.json", True)
    assert f"{part['total']['estimate']:+.3f}" in part["sentence"]
    assert part["sentence"] in " ".join(out.split())
    assert escape(part["sentence"]) in (tmp_path / "run" / "report.html").read_text()

    Checkpoint.open(wide / "base", device="cpu", quantize="4bit").model.save_pretrained(tmp_path / "neuro_rounded")
    make_tokenizer("byte_bpe").save_pretrained(tmp_path / "neuro_rounded")
    code, _, err = probe(*command(wide, tmp_path / "neuro_rounded", out=tmp_path / "alone"), *QUICK)
    assert code == 0, err
    alone = models(tmp_path / "alone")["neuro_rounded"]
    for name in ("rungs", "text_rungs"):
        for rung, estimate in alone[name].items():
            assert part[name][rung]["estimate"] == pytest.approx(estimate["estimate"], abs=1e-4), (name, rung)
    assert part["total"]["estimate"] == pytest.approx(alone["total"]["estimate"], abs=1e-4)
    assert abs(part["total"]["estimate"]) > 1e-3
    assert alone["rounding"]["scored"]


@pytest.mark.heavy
def test_without_the_rounded_base_the_card_says_that_rounding_is_drift(wide, probe, tmp_path, monkeypatch):
    monkeypatch.setitem(PACKAGES, "bitsandbytes", ("no_such_package",))
    code, out, err = probe(*command(wide, wide / "neuro_lora", out=tmp_path / "run"), *QUICK)
    assert code == 0, err
    assert "what rounding changed is part of its drift (quantize 4bit: needs no_such_package; install with" in err
    part = models(tmp_path / "run")["neuro_lora"]["rounding"]
    assert (part["scored"], part["rungs"], part["total"]) == (False, {}, None)
    sentence = (
        f"neuro_lora was {TRAINED}, and is compared with the base unrounded: what rounding changed is part of its "
        "drift and of its knowledge."
    )
    assert part["sentence"] == sentence
    assert sentence in " ".join(out.split())
    assert sentence in (tmp_path / "run" / "report.html").read_text()
    probe("report", tmp_path / "run", "--card")
    assert "rounding changed is part of its drift" in next((tmp_path / "run").glob("*.md")).read_text()


def test_the_option_decides_where_the_files_do_not(wide, probe):
    base = command(wide, wide / "neuro_lora", wide / "cardio_lora")
    code, _, err = probe(*base, "--plan", "--trained-on", "neuro_lora=full", "--trained-on", "cardio_lora=8bit")
    assert code == 0
    assert "neuro_lora: trained on" not in err
    assert "cardio_lora: trained on a base rounded to 8 bits (--trained-on says so)" in err
    code, _, err = probe(*base, "--plan", "--trained-on", "3bit")
    assert (code, err.splitlines()[-1]) == (
        2,
        "probe: --trained-on 3bit: no such value; give 4bit, 8bit, full, or MODEL=4bit",
    )
    if find_spec("bitsandbytes") is not None:
        code, _, err = probe(*base, "--plan", "--quantize", "4bit")
        assert code == 0
        assert "trained on" not in err
