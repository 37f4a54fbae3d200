"""A comparison in a notebook: the table it shows, and its charts as plotly figures."""

from __future__ import annotations

import json
import subprocess
import sys
from html.parser import HTMLParser

import knowshift
import plotly.graph_objects as go
import pytest
from knowshift.errors import RunError

HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(1)>\0&amp;"


class Table(HTMLParser):
    """Rows of cell texts, and every tag."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.caption = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        assert not attrs
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.rows:
            self.rows[-1][-1] += data
        else:
            self.caption += data


def test_the_table_says_each_verdict(finished):
    run = knowshift.open_run(finished)
    table = Table(run._repr_html_())
    assert table.caption == "base on medicine, nats/token"
    head, *rows = table.rows
    assert head == [
        *("model", "verdict", "knowledge", "acquired", "learned, of those clearly unknown: own / other"),
        *("shift", "shift beyond the contrast", "shift in absolute terms"),
    ]
    for row, (name, model) in zip(rows, run.models.items(), strict=True):
        own, reference = model.knowledge.learned.own, model.knowledge.learned.reference
        assert row[:3] == [name, model.verdict, model.knowledge.label]
        assert row[5] == model.shift.label
        for cell, number in ((3, model.acquired), (6, model.shift.over_contrast), (7, model.shift.absolute)):
            assert row[cell] == f"{number.value:+.3f} [{number.low:+.3f}, {number.high:+.3f}]"
        assert row[4] == f"{own.hits} of {own.n} / {reference.hits} of {reference.n}"
        assert f"{name}: {model.verdict}" in repr(run)
    assert len(repr(run)) < 400


def test_what_was_not_estimated_is_a_dash(fresh, edit):
    def take(held):
        held["models"]["neuro_lora"]["acquired"] |= {"estimate": None, "low": None, "high": None}
        for side in ("own", "reference"):
            none = {"hits": 0, "n": 0, "rate": None, "low": None, "high": None}
            held["models"]["neuro_lora"]["knowledge"]["learned"][side] = none

    edit(fresh / "comparison.json", take)
    row = Table(knowshift.open_run(fresh)._repr_html_()).rows[1]
    assert (row[3], row[4]) == ("–", "– / –")


def test_the_frame_holds_both_halves(finished):
    run = knowshift.open_run(finished)
    for row in run.frame().iter_rows(named=True):
        model = run.models[row["model"]]
        halves = (model.knowledge.state, model.knowledge.kind, model.shift.state, model.shift.kind)
        assert tuple(row[key] for key in ("knowledge_state", "knowledge_kind", "shift_state", "shift_kind")) == halves
        assert (row["over_contrast"], row["absolute_low"]) == (
            model.shift.over_contrast.value,
            model.shift.absolute.low,
        )
        assert row["general_high"] == model.shift.general.high
        assert row["learned_own"] == model.knowledge.learned.own.rate
        assert row["learned_other_low"] == model.knowledge.learned.reference.low


def test_names_are_inert(fresh, edit):
    def poison(held):
        held["models"] = {HOSTILE: held["models"]["neuro_lora"]}
        held |= {"base": HOSTILE, "domain": HOSTILE}

    edit(fresh / "comparison.json", poison)
    run = knowshift.open_run(fresh)
    table = Table(run._repr_html_())
    assert table.tags == {"table", "caption", "thead", "tbody", "tr", "th", "td", "bdi"}
    assert table.rows[1][0] == HOSTILE.replace("\0", "�")
    for figure in knowshift.figures(run).values():
        assert "<script" not in figure.layout.title.text


def test_figures_hold_the_runs_numbers_and_can_be_restyled(finished):
    run = knowshift.open_run(finished)
    figures = knowshift.figures(run)
    assert all(isinstance(figure, go.Figure) for figure in figures.values())
    wanted = {"acquired", "matrix: margin", "matrix: answers", "matrix: terms"}
    assert wanted | {f"{what}: {name}" for what in ("ladder", "layers") for name in run.models} <= set(figures)
    # Its running text could not be estimated.
    assert "text ladder: cardio_lora_rank16_epoch3" not in figures
    for name, model in run.models.items():
        bars = figures[f"ladder: {name}"].data[0]
        assert list(bars.y) == [*(rung.value for rung in model.rungs.values()), model.total.value]
    points = figures["acquired"].data[0]
    assert list(points.x) == [model.acquired.value for model in run.models.values()]
    figure = figures["ladder: neuro_lora"].update_traces(marker_color="black").update_layout(title_text="mine")
    assert figure.layout.title.text == "mine"


def test_no_colour_is_left_a_variables_name(finished):
    for figure in knowshift.figures(finished).values():
        assert '"--' not in json.dumps(figure.to_plotly_json(), default=list)


def test_figures_of_no_run(tmp_path):
    with pytest.raises(RunError, match="no such run directory"):
        knowshift.figures(tmp_path / "gone")


def test_a_table_needs_no_plotly(finished):
    code = f"import knowshift, sys; knowshift.open_run({str(finished)!r})._repr_html_(); print('plotly' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
