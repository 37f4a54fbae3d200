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
from knowshift.reports.run_view import RunView

floats = st.one_of(st.none(), st.floats())


def line(path) -> str:
    """The one line that reading `path` gives."""
    with pytest.raises(RunError) as caught:
        RunView.read(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


@given(floats, floats, floats, st.integers(0, 10**6), floats, st.text(alphabet=st.characters(codec="utf-8")))
def test_what_an_estimate_writes_is_read_back(value, low, high, n, p, note):
    estimate = Estimate(value, low, high, n=n, p=p, note=note)
    written = json.loads(json.dumps(estimate.json(), allow_nan=False))

    def finite(x):
        return x if x is not None and math.isfinite(x) else None

    read = Estimate(**written)
    assert read == estimate
    assert (read.value, read.low, read.high, read.p) == tuple(map(finite, (value, low, high, p)))
    assert (read.n, read.note, read.unit) == (n, note, "nats/token")


@pytest.mark.parametrize("raw", [3, "many", [1], {"estimate": "0.3"}, {"estimate": True}, {"estimate": 0.3, "mean": 1}])
def test_what_is_no_estimate_is_named(fresh, edit, raw):
    edit(fresh / "comparison.json", lambda held: held["models"]["neuro_lora"].update(total=raw))
    message = line(fresh)
    assert f"{fresh / 'comparison.json'}: models.neuro_lora.total" in message
    assert message.endswith("run probe compare again")


def test_reads_a_whole_run(finished):
    view = RunView.read(finished)
    assert list(view.models) == list(json.loads((finished / "comparison.json").read_text())["models"])
    assert view.unit == "nats/token"
    assert view.specialty("obstetrics_gynecology") == "Obstetrics and gynaecology"
    assert view.specialty(None) == "whole domain"
    own = view.models["neuro_lora"].ledger.own
    assert (own.facts, own.unknown, own.learned, own.known, own.lost) == (40, 31, 2, 9, 1)
    text_total = view.models["cardio_lora_rank16_epoch3"].text_total
    assert text_total.value is None
    assert "general targets" in text_total.note


def test_layers_have_the_numbers_they_have_in_the_model(finished):
    view = RunView.read(finished)
    assert (view.lens.kind, view.result.layer_numbers) == ("raw", (2, 5, 8, 11))


@pytest.mark.parametrize("key", ["lens", "layer_numbers", "counts", "diagonal"])
def test_a_run_without_a_part_of_its_layout_is_refused_in_one_line(fresh, edit, key):
    edit(fresh / "comparison.json", lambda held: held.pop(key))
    assert f"comparison.json: {key}: field required; run probe compare again" in line(fresh)


def test_a_record_without_lens_was_read_through_the_comparisons(fresh, edit):
    edit(fresh / "run.json", lambda held: held.pop("lens"))
    assert RunView.read(fresh).lens.kind == "raw"


@pytest.mark.parametrize("numbers", [[2, 5, 8], "all", [2, 5, 8, "eleven"], None])
def test_layers_that_do_not_fit_are_one_line(fresh, edit, numbers):
    edit(fresh / "comparison.json", lambda held: held.update(layer_numbers=numbers))
    assert "layer_numbers" in line(fresh)


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
def test_a_newer_schema_asks_for_a_newer_version(fresh, edit, name):
    edit(fresh / name, lambda held: held.update(schema=2))
    message = line(fresh)
    assert name in message
    assert "install a newer knowshift" in message


DAMAGED = ["", "{", "[]", '{"schema": "one"}', '{"schema": 0}']


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *((name, text) for name in ("run.json", "comparison.json") for text in DAMAGED),
        ("run.json", '{"schema": 1, "versions": "1.0"}'),
        ("comparison.json", '{"schema": 1}'),
        ("comparison.json", '{"schema": 1, "models": {}}'),
    ],
)
def test_a_damaged_file_is_one_line(fresh, name, text):
    (fresh / name).write_text(text)
    message = line(fresh)
    assert str(fresh / name) in message
    assert "run probe compare again" in message


def test_a_comparison_without_models_is_one_line(fresh, edit):
    edit(fresh / "comparison.json", lambda held: held.update(models={}))
    assert "`models` is empty" in line(fresh)


@pytest.mark.parametrize("key", ["verdict", "knowledge", "shift", "rungs"])
def test_a_model_without_a_verdict_part_is_named(fresh, edit, key):
    edit(fresh / "comparison.json", lambda held: held["models"]["neuro_lora"].pop(key))
    assert f"models.neuro_lora.{key}: field required" in line(fresh)


def test_a_key_cannot_break_the_line(fresh, edit):
    edit(fresh / "comparison.json", lambda held: held["models"].update({"a\n\x1b[31mb": {}}))
    assert "models.a��[31mb." in line(fresh)


def test_a_further_analysis_is_kept_and_its_text_is_inert(fresh, edit):
    """Another package may add one under a name of its own."""
    edit(fresh / "comparison.json", lambda held: held["models"]["neuro_lora"].update(mine={"no\u202ete": [1, "\0"]}))
    assert RunView.read(fresh).models["neuro_lora"].part("mine", dict) == {"no\ufffdte": [1, "\u2400"]}


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
