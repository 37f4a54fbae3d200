"""Layers on the page of a run, and the page of a text: which lens, which layers, both models and their difference."""

from __future__ import annotations

import pytest
from knowshift.errors import RunError
from knowshift.probes.results.estimate import Estimate
from knowshift.probes.results.lens import LensReading
from knowshift.reports.figures import STEP_LABELS, layer_areas
from knowshift.reports.page import render_lens
from pages import Page, shown


def test_layers_are_stacked_by_sign_and_sum_to_the_line():
    rungs = {"generic_drift": [Estimate(-0.5), Estimate(0.25)], "knowledge": [Estimate(1.0), Estimate(-2.0)]}
    traces = layer_areas(rungs, [3, 7], "nats", STEP_LABELS["fact"])["data"]
    up = [trace["y"] for trace in traces if trace.get("stackgroup") == "max"]
    down = [trace["y"] for trace in traces if trace.get("stackgroup") == "min"]
    assert [sum(column) for column in zip(*up, strict=True)] == [1.0, 0.25]
    assert [sum(column) for column in zip(*down, strict=True)] == [-0.5, -2.0]
    assert traces[-1]["y"] == [0.5, -1.75]


def test_layers_are_shown_by_their_own_numbers(page):
    for number in (2, 5, 8, 11):
        assert f" layer {number} " in page.text
    assert " layer 4 " not in page.text
    lines = [figure for figure in page.figures if figure["layout"]["xaxis"].get("title", {}).get("text") == "layer"]
    assert lines
    for figure in lines:
        assert {tuple(trace["x"]) for trace in figure["data"]} == {(2, 5, 8, 11)}
        assert figure["layout"]["xaxis"]["tickvals"] == [2, 5, 8, 11]
        low, high = figure["layout"]["xaxis"]["range"]
        assert low < 2
        assert high > 11


def test_a_deep_model_names_a_dozen_layers_the_last_among_them():
    layers = list(range(3, 83))
    figure = layer_areas({"knowledge": [Estimate(0.0)] * len(layers)}, layers, "nats", STEP_LABELS["fact"])
    ticks = figure["layout"]["xaxis"]["tickvals"]
    assert ticks == sorted(ticks)
    assert ticks[-1] == 82
    assert len(ticks) <= 12


def test_the_raw_lens_is_said(page):
    assert "Read through the raw logit lens" in page.text
    assert "Read through a tuned lens" not in page.text


def test_a_tuned_lens_is_said_with_what_it_was_trained_on(fresh, edit, tuned_lens):
    edit(fresh / "run.json", lambda held: held.update(lens=tuned_lens.model_dump()))
    edit(fresh / "comparison.json", lambda held: held.update(lens="tuned"))
    page = shown(fresh)
    assert "Read through a tuned lens (Belrose et al. 2023)" in page.text
    assert "Read through the raw logit lens" not in page.text
    assert "trained on base with 36,272 tokens of notes.jsonl." in page.text
    assert "They do worse than the raw lens at layer 2: there were too few texts." in page.text
    assert {13.625, 6.375, 2.75, 1.25, 1.125, 2.875} <= page.values
    for words in ("texts/notes.jsonl", "d4" * 32, "held_out_tokens"):
        assert words in page.text


def test_a_model_whose_layers_were_not_read_is_named(fresh, edit):
    def deeper(held):
        held["models"]["neuro_lora"].update(
            unread_layers="has 6 layers, the base 12", by_layer={"fact": {}, "text": {}}
        )

    edit(fresh / "comparison.json", deeper)
    assert "neuro_lora has 6 layers, the base 12; no layers are read of it." in shown(fresh).text


def test_a_run_without_lens_says_nothing_of_one(fresh, edit):
    def without(held):
        held.update(lens="none", layers=0, layer_numbers=[])
        for model in held["models"].values():
            model.update(by_layer={})

    edit(fresh / "comparison.json", without)
    page = shown(fresh)
    assert "Read through" not in page.text
    assert "Not estimated: the run holds no layer-by-layer scores for this view." in page.text


def test_the_lens_page_says_which_lens_it_was(reading, tuned_lens, tmp_path):
    raw = Page(render_lens(reading, tmp_path / "raw.html").read_text(encoding="utf-8"))
    tuned = Page(
        render_lens(reading.model_copy(update={"lens": tuned_lens}), tmp_path / "tuned.html").read_text(
            encoding="utf-8"
        )
    )
    assert "Read through the raw logit lens" in raw.text
    assert "Read through a tuned lens" in tuned.text
    assert "trained on base with 36,272 tokens of notes.jsonl." in tuned.text
    assert " layer 0 " in raw.text


def test_the_lens_shows_both_models_and_their_difference(reading, tmp_path):
    page = Page(render_lens(reading, tmp_path / "lens.html").read_text(encoding="utf-8"))
    assert [attrs["id"] for tag, attrs in page.tags if tag == "section"] == [
        "text",
        "model-0",
        "model-1",
        "difference-1",
    ]
    base, tuned, difference = (figure["data"][0] for figure in page.figures)
    grids = [model.logprob for model in reading.models]
    assert base["z"] == grids[0][::-1]
    assert tuned["z"] == grids[1][::-1]
    for row, a, b in zip(difference["z"], base["z"], tuned["z"], strict=True):
        assert row == [None if x is None else y - x for x, y in zip(a, b, strict=True)]
    assert difference["zmin"] == -difference["zmax"]
    assert (base["zmin"], base["zmax"]) == (tuned["zmin"], tuned["zmax"])
    assert "<b>" not in "".join(page.figures[0]["layout"]["xaxis"]["ticktext"])
    assert reading.text.strip() in " ".join(page.seen)


def test_a_lens_of_other_shape_is_refused(reading, tmp_path):
    reading.models[1].rank.pop()
    with pytest.raises(RunError, match="neuro_lora: `rank`"):
        render_lens(reading, tmp_path / "lens.html")


def test_a_lone_surrogate_does_not_stop_the_page(reading, tmp_path):
    reading.tokens[2] = "\ud83d"
    assert render_lens(reading, tmp_path / "lens.html").stat().st_size > 10**6


def test_an_overflowed_log_probability_is_left_out(reading, tmp_path):
    read = reading.model_dump()
    read["models"][1]["logprob"][0][3] = float("-inf")
    page = Page(render_lens(LensReading.model_validate(read), tmp_path / "lens.html").read_text(encoding="utf-8"))
    assert page.figures[1]["data"][0]["z"][-1][3] is None
    assert page.figures[2]["data"][0]["z"][-1][3] is None
