"""The page as PDF, by a real Chromium; and what is said where there is none."""

from __future__ import annotations

import re
import stat
import zlib
from pathlib import Path

import pytest
from knowshift.errors import RunError, UsageError
from knowshift.reports import pdf
from knowshift.reports.page import render
from knowshift.reports.pdf import browser, write_pdf

pytestmark = pytest.mark.heavy

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(autouse=True)
def _no_choice(monkeypatch):
    monkeypatch.delenv("KNOWSHIFT_BROWSER", raising=False)


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"Chromium is missing at {CHROMIUM}")
def test_the_page_is_printed(fresh, tmp_path, probe):
    code, out, err = probe("report", fresh, "--pdf", "--browser", CHROMIUM, "--out", tmp_path / "neuro.pdf")
    assert (code, out) == (0, f"report: {tmp_path / 'neuro.html'}\npdf: {tmp_path / 'neuro.pdf'}\n"), err
    printed = (tmp_path / "neuro.pdf").read_bytes()
    assert printed.startswith(b"%PDF-")
    assert printed.rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) > 1
    assert {path.name for path in tmp_path.iterdir()} - {"cache"} == {"neuro.html", "neuro.pdf", "run"}


@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"Chromium is missing at {CHROMIUM}")
def test_charts_are_on_the_paper(fresh, tmp_path):
    """The colour of a rung is filled in, and is not where the page holds no charts: their drawing was waited for."""
    page = render(fresh, tmp_path / "page.html")
    bare = tmp_path / "bare.html"
    source = page.read_text(encoding="utf-8")
    bare.write_text(
        re.sub(r"<script[^>]*>.*?</script>", "", source, flags=re.DOTALL).replace("<html", "<html data-drawn"),
        encoding="utf-8",
    )
    red, green, blue = (
        int(part, 16) / 255 for part in re.findall("..", re.findall("--vocabulary: #(.{6})", source)[0])
    )
    with_charts, without = (fills(write_pdf(one, one.with_suffix(".pdf"), str(CHROMIUM))) for one in (page, bare))
    rung = pytest.approx((red, green, blue), abs=1e-4)
    assert [colour for colour in with_charts if colour == rung]
    assert not [colour for colour in without if colour == rung]


@pytest.mark.slow
def test_printed_from_the_dark_it_is_ink_on_white(visit, fresh, tmp_path):
    """As Ctrl+P prints: no media is set before, and nothing is waited for."""
    page = visit(render(fresh), drawn=True)
    page.emulate_media(color_scheme="dark")
    fill = "document.querySelector('#ladder .barlayer .point path').style.fill"
    page.wait_for_function(
        "() => document.querySelector('#ladder .barlayer .point path').style.fill.includes('141, 152')"
    )
    (tmp_path / "dark.pdf").write_bytes(page.pdf(print_background=True))
    found = fills(tmp_path / "dark.pdf")

    def holds(*colour: int) -> bool:
        return any(one == pytest.approx([part / 255 for part in colour], abs=1e-4) for one in found)

    assert holds(0x7C, 0x87, 0x91)  # the drift rung in light
    assert not holds(0x8D, 0x98, 0xA2)  # and in dark
    assert not holds(0xE4, 0xE7, 0xE9)  # dark's ink
    page.wait_for_function(
        "() => document.querySelector('#ladder .barlayer .point path').style.fill.includes('141, 152')"
    )
    assert "141" in page.evaluate(fill)


def fills(printed: Path) -> list[tuple[float, ...]]:
    """The colours that a PDF's content fills shapes with."""
    found = set()
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", printed.read_bytes(), re.DOTALL):
        try:
            content = zlib.decompress(stream)
        except zlib.error:
            continue  # a font, or an image
        found |= set(re.findall(rb"([\d.]+) ([\d.]+) ([\d.]+) rg\b", content))
    return [tuple(map(float, colour)) for colour in found]


def test_where_the_browser_is_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        UsageError, match=r"^--pdf: no Chromium or Chrome on PATH; install one, or give its path with --br"
    ):
        browser()
    found = program(tmp_path / "google-chrome", "exit 0")
    other = program(tmp_path / "mine", "exit 0")
    assert browser() == str(found)
    program(tmp_path / "chromium", "exit 0")
    assert browser() == str(tmp_path / "chromium")
    monkeypatch.setenv("KNOWSHIFT_BROWSER", str(other))
    assert browser() == str(other)
    assert browser(str(found)) == str(found)
    with pytest.raises(UsageError, match=r"^--browser gone: no such program; give the path of a Chromium or Chrome$"):
        browser("gone")
    monkeypatch.setenv("KNOWSHIFT_BROWSER", "gone")
    with pytest.raises(UsageError, match=r"^KNOWSHIFT_BROWSER gone: no such program"):
        browser()


def test_nothing_is_rendered_where_nothing_can_print(fresh, tmp_path, monkeypatch, probe):
    monkeypatch.setenv("PATH", str(tmp_path))
    code, out, err = probe("report", fresh, "--pdf")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert not (fresh / "report.html").exists()
    assert probe("report", fresh, "--browser", "x")[::2] == (
        2,
        "probe: --browser: says what prints the PDF, and none is asked for; give --pdf too\n",
    )


def test_a_browser_that_fails_is_named_with_what_it_said(tmp_path, monkeypatch):
    page = tmp_path / "page.html"
    page.write_text("<p>x", encoding="utf-8")
    failing = program(tmp_path / "browser", "echo fine >&2; echo cannot draw >&2; exit 1")
    with pytest.raises(
        RunError, match=r"browser: printed no PDF of .*page\.html \(cannot draw\); try another --browser"
    ):
        write_pdf(page, tmp_path / "page.pdf", str(failing))
    slow = program(tmp_path / "slow", "exec /bin/sleep 60")
    monkeypatch.setattr(pdf, "SECONDS", 0.2)
    with pytest.raises(RunError, match=r"not done after 0\.2 seconds"):
        write_pdf(page, tmp_path / "page.pdf", str(slow))
    assert not (tmp_path / "page.pdf").exists()


def test_the_page_is_opened(fresh, probe, monkeypatch):
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    assert probe("report", fresh, "--open")[0] == 0
    assert opened == [(fresh / "report.html").resolve().as_uri()]
    monkeypatch.setattr("webbrowser.open", lambda url: False)
    code, _, err = probe("report", fresh, "--open")
    assert code == 0
    assert err == f"no browser could be opened; open {(fresh / 'report.html').resolve()} in one\n"
