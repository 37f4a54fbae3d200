"""The page's tables and switches in a real browser: searched, filtered, sorted, columns chosen, saved."""

from __future__ import annotations

import polars as pl
import pytest
from knowshift.reports.page import render


@pytest.fixture
def terms(visit, report):
    """The table of terms, of a page just opened."""
    return visit(report).locator("#terms-records")


def names(box) -> list[str]:
    """First cells of the rows that are there, top to bottom."""
    return box.locator("tbody tr[data-place] th a").all_inner_texts()


def count(box) -> str:
    return box.locator("output").inner_text()


@pytest.mark.slow
def test_terms_are_searched_filtered_and_sorted(terms, finished):
    frame = pl.read_parquet(finished / "terms.parquet")
    assert count(terms) == f"{frame.height} of {frame.height} rows"

    terms.locator("input[type=search]").fill("ATAXIA neuro_facts")
    wanted = frame.filter(pl.col("name").str.contains("ataxia"), pl.col("model").str.contains("neuro_facts"))
    assert count(terms) == f"{wanted.height} of {frame.height} rows"
    assert all("ataxia" in name for name in names(terms))

    terms.locator("input[type=search]").fill("")
    terms.page.locator("#model").select_option("neuro_lora")
    mine = frame.filter(pl.col("model") == "neuro_lora").sort("gain", descending=True)["name"].to_list()
    shown = names(terms)
    assert 10 < len(shown) < len(mine)
    assert shown == mine[: len(shown)]
    terms.get_by_role("button", name="gain", exact=True).click()
    assert names(terms) == mine[::-1][: len(shown)]
    assert terms.locator("th[aria-sort=ascending]").inner_text() == "gain"

    terms.locator(".bar > label", has_text="specialties").locator("select").select_option("Psychiatry")
    psychiatry = frame.filter(pl.col("model") == "neuro_lora", pl.col("specialties").list.contains("psychiatry"))
    assert count(terms) == f"{psychiatry.height} of {frame.height} rows"
    terms.get_by_role("button", name="Clear filters").click()
    assert count(terms) == f"{frame.height} of {frame.height} rows"


def test_what_has_no_value_comes_last_whichever_way(terms, finished):
    frame = pl.read_parquet(finished / "terms.parquet")
    without = set(frame.filter(pl.col("q").is_null())["name"])
    for _ in range(2):
        terms.get_by_role("button", name="q", exact=True).click()
        assert not set(names(terms)) & without


def test_rows_come_as_the_table_is_scrolled_and_walked(terms, finished):
    mine = pl.read_parquet(finished / "terms.parquet").sort("gain", descending=True)["name"].to_list()
    terms.locator(".scroll").evaluate("(node) => (node.scrollTop = 34 * 150)")
    terms.locator("tr[data-place='150']").wait_for()
    assert terms.locator("tbody tr").count() < 60
    first = int(terms.locator("tr[data-place]").first.get_attribute("data-place"))
    assert names(terms)[0] == mine[first]
    terms.locator("tr[data-place='150'] a").focus()
    for _ in range(30):
        terms.page.keyboard.press("ArrowDown")
    assert terms.page.evaluate("document.activeElement.closest('tr').dataset.place") == "180"
    terms.page.keyboard.press("End")
    assert terms.page.evaluate("document.activeElement.textContent") == mine[-1]
    assert terms.locator("tr:focus-within").get_attribute("aria-rowindex") == str(len(mine) + 1)
    assert terms.locator("table").get_attribute("aria-rowcount") == str(len(mine) + 1)


@pytest.mark.slow
def test_columns_are_chosen_and_kept_in_the_address(terms, visit, report):
    assert "concept" not in terms.locator("thead").inner_text()
    terms.locator("summary").click()
    terms.get_by_label("concept").check()
    terms.get_by_label("places").uncheck()
    heads = terms.locator("thead th").all_inner_texts()
    assert "concept" in heads
    assert "places" not in heads
    again = visit(report, terms.page.evaluate("location.hash"), fresh=True).locator("#terms-records")
    assert again.locator("thead th").all_inner_texts() == heads
    # The last column cannot be taken away.
    again.locator("summary").click()
    for _ in heads:
        again.locator(".columns input:checked").last.click()
    assert again.locator("thead th").all_inner_texts() == ["term"]


@pytest.fixture
def saved(terms, tmp_path):
    """What is saved now, as text columns."""

    def save() -> tuple[str, pl.DataFrame]:
        with terms.page.expect_download() as download:
            terms.get_by_role("button", name="Save as CSV").click()
        file = tmp_path / "saved.csv"
        download.value.save_as(file)
        return download.value.suggested_filename, pl.read_csv(file, infer_schema=False)

    return save


def test_what_is_shown_is_saved_as_csv(terms, saved, finished):
    terms.page.locator("#model").select_option("neuro_lora")
    terms.locator("input[type=search]").fill("ataxia")
    name, frame = saved()
    wanted = (
        pl.read_parquet(finished / "terms.parquet")
        .filter(pl.col("model") == "neuro_lora", pl.col("name").str.contains("ataxia"))
        .sort("gain", descending=True)
    )
    assert name == "terms-in-running-text.csv"
    assert frame.columns == terms.locator("thead th").all_inner_texts()
    assert frame["term"].to_list() == wanted["name"].to_list()
    assert frame["gain"].cast(float).to_list() == pytest.approx(wanted["gain"].to_list(), abs=5.1e-5)
    assert frame["specialties"].n_unique() > 1


def test_a_small_q_is_not_nought(terms, saved):
    terms.get_by_role("button", name="q", exact=True).click()
    terms.get_by_role("button", name="q", exact=True).click()
    assert terms.locator("tr[data-place] td", has_text="<0.001").count() > 5
    _, frame = saved()
    assert float(frame["q"][0]) == 3.22e-7


@pytest.mark.slow
def test_a_spreadsheet_runs_no_formula_of_a_text(visit, fresh, tmp_path):
    formulas = ["=1+1", "+SUM(A1)", "-2", "@x", "\\tx", 'plain, with "quotes"']
    file = fresh / "facts.parquet"
    frame = pl.read_parquet(file)
    some = [formulas[k % len(formulas)] for k in range(frame.height)]
    frame.with_columns(answer=pl.Series(some)).write_parquet(file)
    page = visit(render(fresh))
    with page.expect_download() as download:
        page.locator("#facts-records").get_by_role("button", name="Save as CSV").click()
    download.value.save_as(tmp_path / "facts.csv")
    cells = set(pl.read_csv(tmp_path / "facts.csv", infer_schema=False)["answer"])
    assert cells == {f"'{text}" if text[0] in "=+-@" else text for text in formulas}


def test_the_matrix_is_sorted_and_its_views_are_chosen(visit, report, finished):
    import json

    page = visit(report)
    models = json.loads((finished / "comparison.json").read_text())["models"]
    page.get_by_role("button", name="Facts' margin: true beyond wrong answers").click()
    table = page.locator("#matrix .scroll:visible")
    table.get_by_role("button", name="cardio_lora_rank16_epoch3").click()
    shown = [float(one.get_attribute("value")) for one in table.locator("tbody td:nth-child(4) a > data").all()]
    cells = {key: held["margin"] for key, held in models["cardio_lora_rank16_epoch3"]["matrix"].items()}
    assert shown == sorted((cell["estimate"] for cell in cells.values()), reverse=True)
    outlined = table.locator("tbody td:nth-child(4).sure").count()
    assert outlined == sum(cell["low"] > 0 or cell["high"] < 0 for cell in cells.values())
    own = table.locator("tbody tr:has(td:nth-child(4) .mark) th")
    assert own.all_inner_texts() == ["Cardiology"]
    table.get_by_role("button", name="specialty").click()
    assert table.locator("tbody th").first.inner_text() == "Cardiology"
    # A cell of facts leads to its facts.
    table.locator("tbody tr").nth(1).locator("td a").nth(2).click()
    wanted = pl.read_parquet(finished / "facts.parquet").filter(
        pl.col("model") == "cardio_lora_rank16_epoch3", pl.col("specialties").list.contains("dermatology")
    )
    assert count(page.locator("#facts-records")).startswith(f"{wanted.height} of")


def test_the_ladder_ends_at_its_total_in_every_unit(visit, report, finished):
    import json
    import math

    page = visit(report, drawn=True)
    model = json.loads((finished / "comparison.json").read_text())["models"]["neuro_lora"]

    def bars():
        page.wait_for_selector("#ladder-charts .plot svg.main-svg")
        [held] = page.evaluate(
            "[document.querySelector('#ladder-charts .plot').data[0]].map(({y, base}) => ({y, base}))"
        )
        return held["y"], held["base"]

    y, base = bars()
    assert y[:-1] == [rung["estimate"] for rung in model["rungs"].values()]
    assert base[0] == base[-1] == 0
    for k in range(1, len(y) - 1):
        assert base[k] == pytest.approx(base[k - 1] + y[k - 1], abs=1e-9)
    assert base[-2] + y[-2] == pytest.approx(y[-1], abs=1e-9)
    page.get_by_role("button", name="bits").click()
    page.wait_for_selector("#ladder-charts .plot svg.main-svg")
    assert bars()[0] == pytest.approx([value / math.log(2) for value in y])
    page.get_by_role("button", name="summed over the answer").click()
    summed = model["other_units"]["target"]
    wanted = [*(rung["estimate"] for rung in summed["rungs"].values()), summed["total"]["estimate"]]
    assert bars()[0] == pytest.approx([value / math.log(2) for value in wanted])
    page.get_by_role("button", name="from running text").click()
    wanted = [*(rung["estimate"] for rung in summed["text_rungs"].values()), summed["text_total"]["estimate"]]
    assert bars()[0] == pytest.approx([value / math.log(2) for value in wanted])
    page.locator("#model").select_option("neuro_facts_lora")
    assert page.locator("#ladder-charts .chart").count() == 1
