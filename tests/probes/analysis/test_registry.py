"""An analysis is one module: found without a list, kept in comparison.json, refused in one line where it cannot be."""

import sys
from importlib.metadata import EntryPoint

import pytest
from knowshift.errors import UsageError
from knowshift.probes import analysis as package
from knowshift.probes.analysis import registry
from knowshift.probes.analysis.analyze import analyze
from knowshift.probes.results.base import ResultModel
from knowshift.probes.results.estimate import Estimate
from knowshift.probes.results.model import ModelResult, ModelVerdict
from synthetic import fewer_draws, world

WORLD = world(specialties=2, facts=10, controls=10, distractors=4)
MODULE = '''
"""The widest gain of an own fact."""

from ..results.base import ResultModel
from ..results.estimate import Estimate
from .registry import analysis


class Spread(ResultModel):
    widest: Estimate
    facts: int


@analysis("spread")
def spread(model):
    return Spread(widest=Estimate(float(model.gains.true[:, 0].max()), unit=model.facts.unit), facts=len(model.items))
'''


class Spread(ResultModel):
    """The same layout, as a reader of the file knows it."""

    widest: Estimate
    facts: int


@pytest.fixture(autouse=True)
def _scratch_registry(monkeypatch):
    fewer_draws(monkeypatch)
    registry.analyses()
    monkeypatch.setattr(registry, "_ANALYSES", dict(registry._ANALYSES))


def results():
    return analyze(WORLD.material(m=WORLD.model(0.25))).models["m"]


def plugin(monkeypatch, name, function):
    """Have another package offer `function` as the analysis `name`."""
    point = EntryPoint(name, f"{__name__}:offered", registry.GROUP)
    monkeypatch.setattr(sys.modules[__name__], "offered", function, raising=False)
    monkeypatch.setattr(registry, "registered", lambda group: {name: point})


def test_every_field_but_the_verdicts_has_its_analysis():
    names = [analysis.name for analysis in registry.analyses()]
    assert len(names) == len(set(names))
    assert set(names) >= ModelResult.model_fields.keys() - ModelVerdict.model_fields.keys()


def test_a_new_module_is_in_the_result_and_survives_json(monkeypatch, tmp_path):
    (tmp_path / "scratch_spread.py").write_text(MODULE)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    try:
        model = results()
    finally:
        sys.modules.pop(f"{package.__name__}.scratch_spread", None)
    text = model.model_dump_json()
    assert '"spread":{"widest":{"estimate":0.25,' in text
    again = ModelResult.model_validate_json(text)
    spread = again.part("spread", Spread)
    assert (spread.widest.value, spread.widest.unit, spread.facts) == (pytest.approx(0.25), "nats/token", 30)
    assert again.model_dump_json() == text
    assert again.part("nothing", Spread) is None


def test_another_packages_analysis_is_there_without_a_word(monkeypatch):
    plugin(monkeypatch, "facts_asked", lambda model: {"facts": len(model.items)})
    assert results().part("facts_asked", dict) == {"facts": 30}


@pytest.mark.parametrize("name", ["ledger", "verdict", "part", "model_copy", "two words"])
def test_a_name_that_is_taken_is_refused_in_one_line(monkeypatch, name):
    plugin(monkeypatch, name, lambda model: 1)
    with pytest.raises(UsageError, match=f"analysis '?{name}'? of .*; choose another") as error:
        results()
    assert "\n" not in str(error.value)
    with pytest.raises(UsageError, match="choose another"):
        registry.analysis(name)(lambda model: 1)


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda model: object(), "returns a object that cannot be written as JSON"),
        (lambda model: float("nan"), "returns a float that cannot be written as JSON"),
        (lambda model: model.nothing, "fails on m (AttributeError"),
        ("no function", "cannot be loaded"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_one_line(monkeypatch, function, why):
    plugin(monkeypatch, "odd", function)
    with pytest.raises(UsageError, match=r"^analysis odd") as error:
        results()
    assert why in str(error.value)
    assert "\n" not in str(error.value)
