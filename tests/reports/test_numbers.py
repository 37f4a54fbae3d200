"""Numbers read back from the page as a person sees it are those of comparison.json and the run's tables.

Each is looked up by where it stands: model, specialty or item, and column.
"""

from __future__ import annotations

import json
import random
from typing import Any
from urllib.parse import parse_qs

import polars as pl
import pytest

READ = 30
TERMS = {
    "places": "count",
    "base": "base_logprob",
    "tuned": "tuned_logprob",
    "gain": "gain",
    "low": "low",
    "high": "high",
    "q": "q",
}
FACTS = {"margin gain": "margin_gain", "rank, base": "base_rank", "rank, tuned": "tuned_rank"}
TABLE = """(selector) => [...document.querySelectorAll(selector)].map((table) => ({
  caption: table.caption?.textContent ?? "",
  heads: [...table.tHead.querySelectorAll("th")].map((th) => th.textContent),
  rows: [...table.tBodies[0].rows].filter((row) => !row.matches(".space")).map((row) => ({
    href: row.querySelector("a")?.getAttribute("href") ?? "",
    cells: [...row.cells].map((cell) => cell.textContent),
    data: [...row.cells].map((cell) => [...cell.querySelectorAll("data")].map((n) => [Number(n.value), n.textContent])),
  })),
}))"""


@pytest.fixture
def page(visit, report):
    return visit(report)


@pytest.fixture(scope="module")
def comparison(finished) -> dict[str, Any]:
    return json.loads((finished / "comparison.json").read_text())


@pytest.fixture(scope="module")
def models(comparison) -> dict[str, Any]:
    return comparison["models"]


def ends(number: dict[str, Any]) -> list[float]:
    """What a cell holds of an estimate."""
    return [number[key] for key in ("estimate", "low", "high") if number[key] is not None]


def holds(cell: list[tuple[float, str]], wanted: list[float]) -> None:
    """The exact values are these, in their order, and what is shown is these, rounded."""
    assert [value for value, _ in cell] == wanted
    for value, shown in cell:
        text = shown.replace("−", "-").replace(",", "").split()[-1]
        assert abs(float(text) - value) <= 0.5000001 * 10 ** -len(text.partition(".")[2])


@pytest.mark.parametrize("name", ["terms", "facts"])
def test_thirty_cells_of_a_table_are_their_rows(page, finished, name):
    frame = pl.read_parquet(finished / f"{name}.parquet")
    titles = TERMS if name == "terms" else FACTS
    [table] = page.evaluate(TABLE, f"#{name}-records table")
    seen = []
    for row in table["rows"]:
        keys = {key: value[0] for key, value in parse_qs(row["href"].partition("?")[2]).items()}
        who = (
            {"model": keys["model"], "concept": keys["concept"]}
            if name == "terms"
            else {"model": keys["fact-of"], "item": keys["fact"]}
        )
        [held] = frame.filter(**who).iter_rows(named=True)
        cells = dict(zip(table["heads"], row["cells"], strict=True))
        seen += [(who, title, cells[title], held[key]) for title, key in titles.items()]
        if name == "facts":
            sides = (("answer, base", "base_logprobs"), ("answer, tuned", "tuned_logprobs"))
            seen += [(who, title, cells[title], held[key][0]) for title, key in sides]
    for who, title, shown, value in random.Random(0).sample(seen, min(READ, len(seen))):
        if value is None or (title == "q" and value < 0.0005):
            assert shown == ("–" if value is None else "<0.001"), (who, title)
        else:  # kept to four decimals, shown to three
            assert float(shown.replace("−", "-")) == pytest.approx(value, abs=0.00056), (who, title)


ENTRIES = """(dl) => Object.fromEntries([...dl.querySelectorAll('dt')].map((dt) => [dt.textContent,
[...dt.nextElementSibling.querySelectorAll('data')].map((n) => [Number(n.value), n.textContent])]))"""


def test_the_verdicts_are_their_models(page, models):
    for name, model in models.items():
        card = page.locator("#verdict article", has=page.locator("h3", has_text=name)).first
        found = card.locator("dl").first.evaluate(ENTRIES)
        knowledge, shift = model["knowledge"], model["shift"]
        holds(found["Acquired"], ends(model["acquired"]))
        holds(found["Shift beyond the contrast"], ends(shift["over_contrast"]))
        holds(found["Shift in absolute terms"], ends(shift["absolute"]))
        holds(found["Based on"], [model["ledger"]["own"]["facts"], model["acquired"]["n"]])
        learned = found["Learned, of those clearly unknown"]
        wanted = [
            rate[key]
            for rate in (knowledge["learned"]["own"], knowledge["learned"]["reference"])
            for key in ("hits", "n", "rate", "low", "high")
        ]
        assert [value for value, _ in learned] == wanted
        assert [shown for _, shown in learned] == [
            f"{value:.0%}" if place % 5 > 1 else str(value) for place, value in enumerate(wanted)
        ]


def test_the_further_figures_are_their_models(page, models):
    for name, model in models.items():
        card = page.locator("#verdict article", has=page.locator("h3", has_text=name)).first
        found = card.locator("dl").nth(1).evaluate(ENTRIES)
        holds(found["General language"], ends(model["shift"]["general"]))
        holds(found["Towards its specialty"], ends(model["shift"]["towards_own"]))
        parts = {"Reinforced": "difference", "Known own facts gained": "own", "Known other facts gained": "reference"}
        for title, part in parts.items():
            holds(found[title], ends(model["reinforced"][part]))
        pairs = model["right_wrong_pairs"]
        wanted = [pairs[side][key] for side in pairs for key in ("base", "tuned", "facts")]
        assert [value for value, _ in found["Right-wrong pairs (K)"]] == wanted
        counts = model["categories"]
        assert [value for value, _ in found["Known, maybe known, unknown"]] == [
            counts[side][when][category]
            for side in counts
            for when in ("base", "tuned")
            for category in ("known", "maybe known", "unknown")
        ]


def test_the_evidence_is_by_model(page, comparison):
    models, specialties = comparison["models"], comparison["specialties"]
    tables = {table["caption"]: table for table in page.evaluate(TABLE, "#evidence table")}
    groups = ("general", "contrast", "other", "own")
    gradient = next(table for caption, table in tables.items() if caption.startswith("Gains of targets by group"))
    assert gradient["heads"][1:5] == list(groups)
    for row in gradient["rows"]:
        shift = models[row["cells"][0]]["shift"]
        numbers = [*(shift["gradient"][group] for group in groups), shift["over_contrast"], shift["absolute"]]
        for cell, number in zip(row["data"][1:], numbers, strict=True):
            holds(cell, ends(number))
    for name, model in models.items():
        own, *placebos = tables[f"{name}: acquired by specialty"]["rows"]
        holds(own["data"][1], ends(model["acquired"]))
        for row, placebo in zip(placebos, model["placebos"], strict=True):
            assert row["cells"][0] == specialties[placebo["specialty"]]
            holds(row["data"][1], [placebo["acquired"]])
            assert [cell[0][0] for cell in row["data"][2:]] == [placebo["learned"]["hits"], placebo["learned"]["n"]]
        wrong = next(table for caption, table in tables.items() if caption.startswith(f"{name}: own facts that"))
        assert len(wrong["rows"]) == 10
        for row, answer in zip(wrong["rows"], model["wrong_answers"], strict=False):
            assert row["cells"][:2] == [f"{answer['cue']} … {answer['answer']}", answer["given"]]
            holds(row["data"][2], [answer["base_lead"]])
            holds(row["data"][3], [answer["tuned_lead"]])


def test_the_matrix_is_by_specialty_and_model(page, comparison):
    models, specialties = comparison["models"], comparison["specialties"]
    views = [
        (node.get_attribute("data-choice") or "").partition("=")[2]
        for node in page.locator("#matrix [data-choice]").all()
    ]
    read = 0
    for view in views:
        [table] = page.evaluate(TABLE, f"#matrix [data-choice='matrix.view={view}'] table")
        assert table["heads"][1:] == list(models)
        assert len(table["rows"]) == len(specialties)
        for key, row in zip(specialties, table["rows"], strict=True):
            assert row["cells"][0] == specialties[key]
            for model, cell in zip(models, row["data"][1:], strict=True):
                holds(cell, ends(models[model]["matrix"][key][view]))
                read += len(cell)
    assert read > READ


def test_the_ledger_is_by_model_and_group(page, models):
    [table] = [one for one in page.evaluate(TABLE, "#facts table") if one["caption"] == "Facts ledger"]
    assert len(table["rows"]) == 3 * len(models)
    for row in table["rows"]:
        counts = models[row["cells"][0]]["ledger"][row["cells"][1]]
        data = dict(zip(table["heads"], row["data"], strict=True))
        holds(data["facts"], [counts["facts"]])
        holds(data["learned"], [counts["learned"]])
        holds(data["kept"], [counts["known"] - counts["lost"]])
        holds(data["learned, of those unknown"], [counts["learned"], counts["unknown"]])
        holds(data["lost, of those known"], [counts["lost"], counts["known"]])


def test_rungs_are_by_model_and_layer(page, models):
    from knowshift.probes.results.rungs import RUNG_LABELS

    tables = page.evaluate(TABLE, "#layers table")
    [table] = [one for one in tables if one["caption"].startswith("Rungs by layer with 95% intervals, from facts")]
    names = {name: key for key, name in RUNG_LABELS.items()}
    assert len(table["rows"]) == 4 * len(models)
    for row in table["rows"]:
        model, rung = row["cells"][:2]
        for cell, number in zip(row["data"][2:], models[model]["by_layer"]["fact"][names[rung]], strict=True):
            holds(cell, ends(number))
