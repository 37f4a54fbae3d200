"""Reading a finished run: what is there is typed, what is not is one clear line."""

from __future__ import annotations

import json
import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowshift.errors import RunError
from knowshift.probes.results.estimate import Estimate
from knowshift.reports.numbers import Number
from knowshift.reports.run_view import RunView

floats = st.one_of(st.none(), st.floats())


def line(path) -> str:
    """The one line that reading `path` gives."""
    with pytest.raises(RunError) as caught:
        RunView.read(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


@given(floats, floats, floats, st.integers(0, 10**6), floats, st.text())
def test_what_an_estimate_writes_is_read_back(value, low, high, n, p, note):
    written = json.loads(json.dumps(Estimate(value, low, high, n=n, p=p, note=note).json(), allow_nan=False))
    number = Number.read(written, "x")

    def finite(x):
        return x if x is not None and math.isfinite(x) else None

    assert (number.estimate, number.low, number.high, number.p) == tuple(map(finite, (value, low, high, p)))
    assert (number.n, number.note, number.unit) == (n, note, "nats/token")


@pytest.mark.parametrize("raw", [3, "many", [1], {"estimate": "0.3"}, {"estimate": True}])
def test_what_is_no_estimate_is_named(raw):
    with pytest.raises(RunError, match=r"models\.neuro_lora\.total"):
        Number.read(raw, "models.neuro_lora.total")


def test_reads_a_whole_run(finished):
    view = RunView.read(finished)
    assert [model.name for model in view.models] == list(
        json.loads((finished / "comparison.json").read_text())["models"]
    )
    assert view.unit == "nats/token"
    assert view.specialty("obstetrics_gynecology") == "Obstetrics and gynaecology"
    assert view.specialty(None) == "whole domain"
    assert view.models[0].ledger.groups["own"] == {"facts": 40, "unknown": 31, "learned": 2, "known": 9, "lost": 1}
    assert view.models[2].text_total.estimate is None
    assert "general targets" in view.models[2].text_total.why


def test_layers_have_the_numbers_they_have_in_the_model(finished):
    view = RunView.read(finished)
    assert (view.lens["kind"], view.layers) == ("raw", (2, 5, 8, 11))


def test_an_older_run_read_every_layer_raw_or_none(fresh, edit):
    edit(fresh / "run.json", lambda held: held.pop("lens"))
    edit(fresh / "comparison.json", lambda held: [held.pop(key) for key in ("lens", "layer_numbers")])
    view = RunView.read(fresh)
    assert (view.lens, view.layers) == ({"kind": "raw"}, (0, 1, 2, 3))

    def without_lens(held):
        held.update(layers=0)
        for model in held["models"].values():
            model.update(by_layer={})

    edit(fresh / "comparison.json", without_lens)
    view = RunView.read(fresh)
    assert (view.lens, view.layers) == ({"kind": "none"}, ())


@pytest.mark.parametrize("numbers", [[2, 5, 8], "all", [2, 5, 8, "11"], None])
def test_layers_that_do_not_fit_are_one_line(fresh, edit, numbers):
    edit(fresh / "comparison.json", lambda held: held.update(layer_numbers=numbers))
    assert "`layer_numbers` is not a list of 4 layers" in line(fresh)


def test_a_rung_of_other_layers_is_one_line(fresh, edit):
    edit(fresh / "comparison.json", lambda held: held["models"]["neuro_lora"]["by_layer"]["fact"]["knowledge"].pop())
    assert "models.neuro_lora.by_layer.fact.knowledge: holds 3 numbers, expected one for each of 4" in line(fresh)


@pytest.mark.parametrize("name", ["run.json", "comparison.json", "terms.parquet", "facts.parquet"])
def test_a_missing_file_is_named(fresh, name):
    (fresh / name).unlink()
    assert name in line(fresh)


def test_an_unfinished_run_says_how_to_go_on(fresh):
    (fresh / "comparison.json").unlink()
    message = line(fresh)
    assert "not finished" in message
    assert "probe compare" in message


def test_no_such_folder(tmp_path):
    assert "no such run directory" in line(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["run.json", "comparison.json"])
def test_a_newer_schema_asks_for_an_upgrade(fresh, edit, name):
    edit(fresh / name, lambda held: held.update(schema=2))
    message = line(fresh)
    assert name in message
    assert "upgrade" in message


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 1}', '{"schema": "one"}', '{"schema": 1, "models": {}}'])
def test_a_damaged_comparison_is_one_line(fresh, text):
    (fresh / "comparison.json").write_text(text)
    assert "comparison.json" in line(fresh)


@pytest.mark.parametrize("key", ["verdict", "knowledge", "shift", "rungs"])
def test_a_model_without_a_verdict_part_is_named(fresh, edit, key):
    edit(fresh / "comparison.json", lambda held: held["models"]["neuro_lora"].pop(key))
    message = line(fresh)
    assert "neuro_lora" in message
    assert f"`{key}`" in message


def test_a_damaged_table_is_one_line(fresh):
    (fresh / "terms.parquet").write_bytes(b"PAR1 and then nothing")
    assert "terms.parquet" in line(fresh)


def test_a_lacking_column_is_named(fresh):
    pl.read_parquet(fresh / "facts.parquet").drop("state").write_parquet(fresh / "facts.parquet")
    assert "state" in line(fresh)


def test_a_domain_without_facts_needs_no_facts_table(fresh, edit):
    (fresh / "facts.parquet").unlink()
    edit(fresh / "comparison.json", lambda held: held["counts"].update(facts=0))
    assert RunView.read(fresh).facts.height == 0


def test_the_ledgers_p_is_read_where_either_form_puts_it(fresh, edit):
    def move(held):
        ledger = held["models"]["neuro_lora"]["ledger"]
        ledger["own"]["p"] = ledger.pop("p_learned")

    before = RunView.read(fresh).models[0].ledger.p_learned
    edit(fresh / "comparison.json", move)
    assert RunView.read(fresh).models[0].ledger.p_learned == before == 0.7
