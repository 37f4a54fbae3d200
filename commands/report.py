"""`probe report`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError
from .options import Debug

EPILOG = "Example:  probe report runs/base-neuro_lora-2026-11-21 --open"


def report(
    run: Annotated[Path, typer.Argument(help="A finished run directory.")],
    out: Annotated[
        Path | None, typer.Option(help="The page (default: report.html in the run), or what --pdf, --card write.")
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Show the page in the browser.")] = False,
    text: Annotated[
        bool | None,
        typer.Option(
            "--text/--no-text",
            help="Show texts of the corpus and the facts, or leave every one out (confidential data); default: as the "
            "comparison was made.",
            show_default=False,
        ),
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Print it too, to a .pdf beside the page.")] = False,
    browser: Annotated[
        str | None, typer.Option(help="What prints: a Chromium or Chrome (default: KNOWSHIFT_BROWSER, else on PATH).")
    ] = None,
    card: Annotated[
        bool, typer.Option("--card", help="Write a card too, for a model's README on a hub, to a .md beside the page.")
    ] = False,
    model: Annotated[str | None, typer.Option(help="With --card: of this tuned model alone.")] = None,
    debug: Debug = False,
) -> None:
    """Render a finished run's page again."""
    from ..reports.page import render

    if browser and not pdf:
        raise UsageError("--browser: says what prints the PDF, and none is asked for; give --pdf too")
    if model is not None and not card:
        raise UsageError("--model: says whose card is written, and none is asked for; give --card too")
    if pdf:
        from ..reports.pdf import browser as find

        find(browser)  # before the page is rendered for nothing
    if out and {".pdf": pdf, ".md": card}.get(out.suffix):
        out = out.with_suffix(".html")
    page = render(run, out, text=text)
    print(f"report: {page}")
    if pdf:
        from ..reports.pdf import write_pdf

        print(f"pdf: {write_pdf(page, page.with_suffix('.pdf'), browser)}")
    if card:
        from ..reports.card import write_card

        print(f"card: {write_card(run, page.with_suffix('.md'), model)}")
    if open_it:
        import webbrowser

        if not webbrowser.open(page.resolve().as_uri()):
            print(f"no browser could be opened; open {page.resolve()} in one", file=sys.stderr)
