"""Fields of an adapter's config that this peft does not know: refused where they may act, named where they cannot."""

import json

import pytest
from house import command, copied
from knowshift.errors import AdapterError
from knowshift.models.checkpoint import Checkpoint


def with_fields(house, folder, **fields):
    adapter = copied(house, "neuro_lora", folder)
    file = adapter / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))
    return adapter


@pytest.fixture(scope="module")
def base(house):
    return Checkpoint.find(house / "base", device="cpu")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"use_future_scaling": True}, "use_future_scaling = true"),
        ({"future_pattern": {"q_proj": 2}}, 'future_pattern = {"q_proj": 2}'),
        ({"future_rank": 0, "future_alpha": 3}, "future_alpha = 3, future_rank = 0"),
        ({"use_future": True, "future_group_size": 16}, "future_group_size = 16, use_future = true"),
        ({"peft_type": "IA3", "alpha_pattern": {"q_proj": 2}}, 'alpha_pattern = {"q_proj": 2}'),
        ({"peft_type": "MAGIC"}, "the method MAGIC"),
    ],
)
def test_a_field_that_may_act_is_refused_by_name(fields, named, base, house, tmp_path):
    folder = with_fields(house, tmp_path, peft_version="99.1.0", **fields)
    with pytest.raises(AdapterError) as error:
        Checkpoint.find(folder, base=base)
    assert named in str(error.value)
    assert str(error.value).startswith(f"{folder}/adapter_config.json: peft ")
    assert "upgrade peft (pip install -U peft) to 99.1.0 or later" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_field_that_is_off_is_noted(base, house, tmp_path):
    off = {"use_a": False, "a_size": 16, "b_config": None, "c_pattern": {}, "d": [], "e": "none", "f_dropout": 0.1}
    assert Checkpoint.find(with_fields(house, tmp_path / "off", **off), base=base).notes == [
        "the installed peft does not know a_size, b_config, c_pattern, d, e, f_dropout, use_a of "
        "adapter_config.json; ignored, as off"
    ]
    assert Checkpoint.find(with_fields(house, tmp_path / "known"), base=base).notes == []


def test_a_broken_config_is_one_line(base, house, tmp_path):
    folder = with_fields(house, tmp_path, peft_type=None)
    with pytest.raises(AdapterError, match="names no peft_type; save the adapter again"):
        Checkpoint.find(folder, base=base)
    (folder / "adapter_config.json").write_text("[]")
    with pytest.raises(AdapterError, match="names no peft_type"):
        Checkpoint.find(folder, base=base)


def test_a_note_on_a_models_files_is_on_standard_error_and_on_the_page(house, probe, tmp_path):
    adapter = with_fields(house, tmp_path, use_future=False)
    note = "neuro_lora: the installed peft does not know use_future of adapter_config.json; ignored, as off"
    code, _, err = probe(*command(house, adapter, out=tmp_path / "run"), "--no-lens", "--passages", 0)
    assert code == 0, err
    assert note in err
    model = json.loads((tmp_path / "run" / "comparison.json").read_text())["models"]["neuro_lora"]
    noted = [check for check in model["validity"] if check["check"] == "files read as noted"]
    assert [(check["passed"], check["note"]) for check in noted] == [(True, note)]
    assert note in (tmp_path / "run" / "report.html").read_text()
    code, _, err = probe("lens", house / "base", adapter, "--text", "a word", "--out", tmp_path / "lens.html")
    assert code == 0
    assert err == f"{note}\n"
