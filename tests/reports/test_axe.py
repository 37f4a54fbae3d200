"""axe-core finds nothing serious or critical on the pages, in light and in dark, with every part in use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from knowshift.reports.page import render_lens

pytestmark = pytest.mark.slow

SERIOUS = ("serious", "critical")
STILL = """() => new Promise((done) => {
  let at;
  const look = () => (at === scrollY ? done() : ((at = scrollY), setTimeout(look, 300)));
  look();
})"""
"""Waits until the page has scrolled to where it was sent."""

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")


@pytest.fixture
def page(browser) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, offline=True)
    yield context.new_page()
    context.close()


def findings(page: Any) -> list[str]:
    """What axe-core holds to be serious or critical: rule, how often, the first place and what is amiss there."""
    found = [one for one in axe.Axe().run(page).response["violations"] if one["impact"] in SERIOUS]
    first = [one["nodes"][0] for one in found]
    return [
        f"{one['impact']} {one['id']} ×{len(one['nodes'])}: {node['target']} {node['failureSummary']}"
        for one, node in zip(found, first, strict=True)
    ]


def visit(page: Any, file: Path) -> None:
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-drawn]", timeout=60_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_in_use(page, report, scheme):
    """What is folded is opened, a term is chosen and its token pointed at: that is looked at too."""
    page.emulate_media(color_scheme=scheme)
    visit(page, report)
    page.evaluate("for (const box of document.querySelectorAll('details')) box.open = true")
    page.locator("#terms-records tr[data-place] a").first.click()
    page.evaluate(STILL)
    page.locator("#contexts-list .token.target").first.evaluate("(node) => node.focus({ preventScroll: true })")
    assert page.locator("#tip:visible").count() == 1
    assert findings(page) == []


def test_a_lens_page(page, reading, tmp_path):
    visit(page, render_lens(reading, tmp_path / "lens.html"))
    assert findings(page) == []


def test_it_would_be_found(page, tmp_path):
    """A page with known faults: axe-core runs, and is read as it should be."""
    faulty = tmp_path / "faulty.html"
    faulty.write_text('<html data-drawn><title>x</title><img src="data:,"><button></button>', encoding="utf-8")
    visit(page, faulty)
    assert {finding.split()[1] for finding in findings(page)} >= {"image-alt", "button-name", "html-has-lang"}
