"""Fixtures of the report: a finished run, its page, and a browser to open it in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from knowshift.probes.results.lens import LensLosses, LensReading, LensRecord
from knowshift.reports.page import render
from made_runs import NUMBERS, lens_reading, write_run
from pages import Page

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = "--no-sandbox --disable-gpu --disable-background-networking --disable-sync --no-first-run"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; not to be changed."""
    return write_run(tmp_path_factory.mktemp("report") / "run")


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A finished run of one's own."""
    return write_run(tmp_path / "run", terms=8, facts=8)


@pytest.fixture
def edit() -> Callable[[Path, Callable[[Any], None]], None]:
    """Changes a JSON file in place."""

    def change(file: Path, how: Callable[[Any], None]) -> None:
        held = json.loads(file.read_text(encoding="utf-8"))
        how(held)
        file.write_text(json.dumps(held), encoding="utf-8")

    return change


TUNED = LensRecord(
    kind="tuned",
    layers=NUMBERS,
    given="texts/notes.jsonl",
    recipe={"base": "3f" * 32, "data": "d4" * 32, "seed": 0, "steps": 250},
    base="base",
    data="notes.jsonl",
    tokens=36272,
    held_out_tokens=3716,
    losses=LensLosses(raw=[13.625, 6.375, 2.75], tuned=[1.25, 1.125, 2.875]),
)
"""What a run's record says of a tuned lens; the third layer's has learned too little."""


@pytest.fixture
def tuned_lens() -> LensRecord:
    return TUNED


@pytest.fixture
def reading() -> LensReading:
    return lens_reading()


@pytest.fixture(scope="session")
def report(finished, tmp_path_factory) -> Path:
    """The page of `finished`."""
    return render(finished, tmp_path_factory.mktemp("browser") / "report.html")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One Chromium for all tests of this folder."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"Chromium is missing at {CHROMIUM}")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS.split())
        yield browser
        browser.close()


class Visits:
    """Pages in a browser, what they complained of, and what they asked for."""

    def __init__(self, browser: Any) -> None:
        self.browser = browser
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.pages: list[Any] = []

    def open(self, file: Path, hash: str, width: int) -> Any:
        page = self.browser.new_context(viewport={"width": width, "height": 900}, offline=True).new_page()
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        self.pages.append(page)
        page.goto(file.as_uri() + hash)
        return page

    def check(self) -> None:
        """No complaint, no request beyond the file; forgets them."""
        complaints, requests = list(self.complaints), list(self.requests)
        self.complaints.clear()
        self.requests.clear()
        assert not complaints
        assert all(url.startswith(("file://", "data:", "blob:")) for url in requests), requests


UNTOUCHED = """async () => {
  // The page hears of its new address a task later.
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  document.activeElement?.blur();
  for (const each of document.querySelectorAll("details")) each.open = false;
  scrollTo(0, 0);
}"""
"""Undoes what a reader did that the address does not hold."""


@pytest.fixture(scope="session")
def standing(browser, report) -> Iterator[Any]:
    """The page of `report`, opened once for all tests that go by its address: it takes two seconds to open."""
    visits = Visits(browser)
    visits.open(report, "", 1440)
    yield visits
    visits.pages[0].context.close()


@pytest.fixture
def visit(browser, report, request) -> Iterator[Any]:
    """Opens a file and hands back the page, filled; at the end: no complaint, no request beyond the file.

    `fresh` opens `report` anew too, where a test hangs on what was drawn, pressed or visited before.
    """
    visits, used = Visits(browser), []

    def visit(file: Path, hash: str = "", *, width: int = 1440, drawn: bool = False, fresh: bool = False) -> Any:
        if fresh or file != report or width != 1440:
            used.append(visits)
            page = visits.open(file, hash, width)
        else:
            used.append(request.getfixturevalue("standing"))
            page = used[-1].pages[0]
            page.goto(report.as_uri() + (hash or "#"))
            page.emulate_media(media="screen", color_scheme="light")
            page.mouse.move(0, 0)
            page.evaluate(UNTOUCHED)
        page.wait_for_selector(f"html[data-{'drawn' if drawn else 'ready'}]", timeout=120_000)
        return page

    yield visit
    for page in visits.pages:
        page.context.close()
    for each in used:
        each.check()


@pytest.fixture(scope="session")
def written(report: Path) -> str:
    return report.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def page(written: str) -> Page:
    return Page(written)
