"""Models that NDIF holds: the way there and back inside this process, and what stands before it."""

import json

import pytest
import torch
from house import command
from knowshift.errors import CheckpointError, EngineError, UsageError
from knowshift.models import ndif
from knowshift.models.checkpoint import Checkpoint
from knowshift.models.engines.select import open_engine
from knowshift.models.scoring import score
from scored import ITEMS

pytestmark = pytest.mark.slow


@pytest.fixture
def near(monkeypatch):
    monkeypatch.setattr(ndif, "WHERE", "local")


@pytest.mark.usefixtures("near")
def test_models_that_ndif_holds(house):
    for spec, under in (("base", None), ("neuro_lora", "base"), ("cardio_full", "base")):
        away = ndif.find_remote(house / spec, base=under and ndif.find_remote(house / under))
        here = Checkpoint.open(house / spec, base=under and Checkpoint.open(house / under))
        assert (away.kind, away.name) == (here.kind, here.name)
        inside = {name for name, weight in away.model.named_parameters() if not weight.is_meta}
        assert inside == {"lm_head.weight", "model.norm.weight"}
        table = score(ITEMS, away, engine=open_engine("nnsight", remote=True))
        assert table["lens"].equals(score(ITEMS, here, engine=open_engine("nnsight"))["lens"])
        with away.active() as model, here.active() as own:
            ids = torch.arange(3, 20)[None]
            assert torch.equal(model(input_ids=ids, use_cache=False).logits, own(ids).logits)
        with pytest.raises(EngineError, match="NDIF holds its weights"):
            score(ITEMS, away)


@pytest.mark.usefixtures("near")
def test_a_comparison_on_ndif_is_the_one_made_here(house, probe, tmp_path):
    found = []
    for place in ((), ("--remote",)):
        out = tmp_path / f"run{len(place)}"
        code, _, err = probe(
            *command(house, house / "neuro_lora", out=out), "--engine", "nnsight", "--limit", 20, *place
        )
        assert code == 0, err
        found.append(json.loads((out / "comparison.json").read_text())["models"]["neuro_lora"])
    here, there = found
    assert there["verdict"] == here["verdict"]
    assert there["total"]["estimate"] == pytest.approx(here["total"]["estimate"], abs=1e-4)
    assert there["rungs"]["domain_shift"] == pytest.approx(here["rungs"]["domain_shift"], abs=1e-4)


@pytest.mark.usefixtures("near")
@pytest.mark.parametrize(
    ("options", "text"),
    [({"dtype": "float16"}, "leave --dtype out"), ({"quantize": "4bit"}, "--quantize"), ({"config": "x"}, "--config")],
)
def test_what_ndif_decides(house, options, text):
    with pytest.raises(UsageError, match=text):
        ndif.find_remote(house / "base", **options)


@pytest.mark.usefixtures("near")
def test_an_adapter_on_ndif_needs_its_base(house):
    with pytest.raises(UsageError, match="give its base too"):
        ndif.find_remote(house / "neuro_lora")


def test_what_stands_before_ndif(house, monkeypatch):
    from nnsight.schema.config import CONFIG

    with pytest.raises(UsageError, match=r"--remote: NDIF runs nnsight's traces alone, not those of hooks"):
        open_engine("hooks", remote=True)
    monkeypatch.setattr(CONFIG.API, "APIKEY", None)
    with pytest.raises(EngineError, match=r"--remote: NDIF asks for a key; .*NDIF_API_KEY"):
        open_engine("nnsight", remote=True)
    monkeypatch.setattr(CONFIG.API, "APIKEY", "a key")
    assert "NDIF" in open_engine("nnsight", remote=True).version
    with pytest.raises(UsageError, match="lies on this machine"):
        ndif.find_remote(house / "base")
    with pytest.raises(CheckpointError, match=r"^no-one/nothing: cannot be had from the hub"):
        ndif.find_remote("no-one/nothing")


def test_ndif_that_cannot_be_reached(house, monkeypatch):
    """The real call, to a port where nobody listens."""
    from nnsight.modeling import huggingface

    monkeypatch.setattr(ndif, "WHERE", "http://127.0.0.1:9")
    monkeypatch.setitem(huggingface._ID_CACHE, str(house / "base"), "some/base")
    with pytest.raises(EngineError, match=r"^base: NDIF .* did not run it \(.*refused.*\)") as error:
        ndif.find_remote(house / "base")
    assert "\n" not in str(error.value)
