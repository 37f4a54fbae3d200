"""Engines by name, from the command down: their versions in the record, the cache and the run that they make."""

import json
from importlib.metadata import version

import pytest
from house import command
from knowshift.cli import main
from knowshift.errors import EngineError, UsageError
from knowshift.models import ndif
from knowshift.models.engines import select
from knowshift.models.engines.hooks import HooksEngine
from knowshift.models.engines.select import engine_names, open_engine
from knowshift.models.scoring import score
from knowshift.probes.runs.lens_reading import read_lens
from scored import ITEMS, tiny

pytestmark = pytest.mark.heavy

OTHERS = ("transformer-lens", "nnsight")


def test_names_and_versions():
    assert engine_names() == ["hooks", "transformer-lens", "nnsight", "nnsight-vllm"]
    for name in OTHERS:
        assert open_engine(name).name == name
        assert version(name) in open_engine(name).version
    assert open_engine().name == "hooks"
    assert version("transformers") in open_engine().version


def test_an_unknown_engine():
    with pytest.raises(UsageError, match=r"--engine warp: no such engine; the engines are hooks, .*nnsight-vllm$"):
        open_engine("warp")


@pytest.fixture
def registered(strange):
    """A package installed beside ours that offers three engines."""
    strange(
        "from knowshift.models.engines.hooks import HooksEngine\n\n"
        "class Echo(HooksEngine):\n    name = 'echo'\n\n"
        "class Broken:\n    def __init__(self):\n        raise OSError('no card')\n",
        f"[{select.GROUP}]\necho = strange:Echo\nbroken = strange:Broken\nhooks = strange:Broken\n",
    )


@pytest.mark.usefixtures("registered")
def test_engines_that_others_register():
    assert engine_names()[-2:] == ["broken", "echo"]
    table = score(ITEMS[:1], tiny(), engine=open_engine("echo"))
    assert table["engine"].unique().to_pylist() == ["echo"]
    assert type(open_engine("hooks")) is HooksEngine
    with pytest.raises(
        EngineError, match=r"--engine broken: cannot be loaded from strange:Broken of strange \(no card\)"
    ):
        open_engine("broken")


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_compare_with_each_engine(house, finished, name, tmp_path, monkeypatch, capsys):
    arguments = [*command(house, house / "neuro_lora", out=tmp_path / "run"), "--engine", name]
    with pytest.raises(SystemExit, match=r"^0$"):
        main(arguments)
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["engine"] == f"{name}, version {open_engine(name).version}"
    ours = json.loads((tmp_path / "run" / "comparison.json").read_text())["models"]["neuro_lora"]
    theirs = json.loads((finished / "comparison.json").read_text())["models"]["neuro_lora"]
    assert all(check["passed"] for check in ours["validity"])
    for rung, estimate in ours["rungs"].items():
        assert estimate["estimate"] == pytest.approx(theirs["rungs"][rung]["estimate"], abs=1e-4)

    def never(*_):
        raise AssertionError("scored again")

    # Again from the cache; with another engine in the same folder it is another run.
    monkeypatch.setattr(type(open_engine(name)), "residuals", never)
    again = [*command(house, house / "neuro_lora", out=tmp_path / "again"), "--engine", name, "--passages", "0"]
    with pytest.raises(SystemExit, match=r"^0$"):
        main(again)
    capsys.readouterr()
    with pytest.raises(SystemExit, match=r"^2$"):
        main(arguments[:-2])
    assert "it differs in: engine" in capsys.readouterr().err


@pytest.mark.parametrize("name", [*OTHERS, "remote"])
def test_lens_with_each_engine(house, name, monkeypatch):
    monkeypatch.setattr(ndif, "WHERE", "local")
    options = {"engine": "nnsight", "remote": True} if name == "remote" else {"engine": name}
    text = "For a child with absence seizures, give ethosuximide"
    ours, theirs = (read_lens(house / "base", [house / "neuro_lora"], text, **o) for o in (options, {}))
    assert ours.tokens == theirs.tokens
    for one, other in zip(ours.models, theirs.models, strict=True):
        assert one.name == other.name
        for layer, expected in zip(one.logprob, other.logprob, strict=True):
            assert layer[1:] == pytest.approx(expected[1:], abs=1e-4)


def test_errors_of_the_command_are_one_line(house, capsys):
    for options, text in (
        (["--engine", "warp"], "probe: --engine warp: no such engine"),
        (["--remote"], "probe: --remote: NDIF runs nnsight's traces alone"),
    ):
        with pytest.raises(SystemExit, match=r"^2$"):
            main([*command(house), *options])
        error = capsys.readouterr().err
        assert error.startswith(text)
        assert error.count("\n") == 1
