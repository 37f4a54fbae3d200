"""The whole page in a real browser, from file:// with the network off: drawn, themed, printed, within its width."""

from __future__ import annotations

import time

import polars as pl
import pytest
from knowshift.reports.page import render, render_lens


@pytest.mark.parametrize("width", [1440, pytest.param(390, marks=pytest.mark.slow)])
def test_every_chart_is_drawn_and_nothing_runs_over(visit, report, width):
    page = visit(report, width=width, drawn=True)
    plots = page.locator(".plot")
    assert plots.count() > 10
    assert page.locator(".plot:has(svg.main-svg)").count() == plots.count()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # Plotly's own schema knows every property of the figures; colours of hidden lines are passed over.
    faults = page.evaluate(
        "[...document.querySelectorAll('.plot')].flatMap((p) => Plotly.validate(p.data, p.layout) ?? [])"
        ".filter((fault) => fault.code !== 'unused').map((fault) => fault.msg)"
    )
    assert not faults
    for chart in page.locator(".plot").all():
        assert chart.get_attribute("aria-label")


def test_colours_follow_the_readers_theme(visit, report):
    page = visit(report, drawn=True)
    fill = "document.querySelector('#ladder .barlayer .point path').style.fill"
    cell = "getComputedStyle(document.querySelector('.cell.gained a')).backgroundColor"
    light = page.evaluate(fill), page.evaluate(cell)
    page.emulate_media(color_scheme="dark")
    # The page's policy forbids evaluating strings, so wait by looking again.
    deadline = time.monotonic() + 20
    while (dark := page.evaluate(fill)) == light[0] and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert dark != light[0]
    assert page.evaluate(cell) != light[1]


def test_on_paper_there_are_no_controls_and_nothing_scrolls(visit, report):
    page = visit(report, drawn=True)
    page.emulate_media(media="print")
    for selector in ("nav", "#terms-records .bar", "#ladder-switches button", "#save-comparison"):
        assert not page.locator(selector).first.is_visible()
    assert page.locator("#verdict .badge").first.is_visible()
    assert page.locator("#contexts .token").first.is_visible()
    cut = page.evaluate(
        "[...document.querySelectorAll('.scroll')].filter((n) => n.offsetParent && "
        "getComputedStyle(n).overflowX !== 'visible').length"
    )
    assert cut == 0
    rows = page.locator("#terms-records tr[data-place]:visible")
    assert rows.count() == 25
    assert page.locator("#terms-records .paper").inner_text() == "On paper: rows 1 to 25 of 300, of 300 in all."
    assert page.locator("#terms-records + p").is_visible()


@pytest.mark.slow
def test_a_page_without_its_places_says_so(visit, fresh):
    for name in ("places", "readings"):
        (fresh / f"{name}.parquet").unlink()
    page = visit(render(fresh))
    assert "keeps no passages" in page.locator("#contexts").inner_text()
    page.locator("#terms-records tbody a").first.click()
    assert page.locator("#contexts-title").evaluate("(node) => node === document.activeElement")


def test_a_browser_that_cannot_open_the_data_says_so(browser, report):
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.add_init_script("delete globalThis.DecompressionStream")
    page.goto(report.as_uri())
    assert "could not be shown" in page.get_by_role("alert").inner_text()
    assert page.locator("#verdict .badge").first.is_visible()
    context.close()


@pytest.mark.slow
def test_hostile_text_runs_nowhere(visit, fresh, edit, reading):
    hostile = '<img src=x onerror="document.title=1"><a href="https://example.org">x</a>'

    def poison(held):
        held["models"] = {hostile: held["models"]["neuro_lora"]}
        held["specialties"]["neurology"] = hostile

    edit(fresh / "comparison.json", poison)
    for name, column in (("terms", "name"), ("facts", "cue"), ("places", "passage")):
        file = fresh / f"{name}.parquet"
        pl.read_parquet(file).with_columns(pl.lit(hostile).alias(column)).write_parquet(file)
    page = visit(render(fresh), drawn=True)
    assert page.locator("img").count() == 0
    assert page.locator("a[href^=http], svg a").count() == 0
    assert page.locator("#terms tbody th a").first.inner_text() == hostile
    assert any(hostile in text for text in page.locator("svg.main-svg").all_text_contents())

    reading.tokens[3] = reading.models[0].top[0][3] = hostile
    page = visit(render_lens(reading, fresh / "lens.html"), drawn=True)
    assert page.locator(".plot:has(svg.main-svg)").count() == 3
    assert page.locator("img, svg a").count() == 0
