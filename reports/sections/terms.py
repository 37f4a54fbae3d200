"""Section: the concepts found in running text, with their gains; a table of table.js."""

from __future__ import annotations

import polars as pl
from markupsafe import Markup

from ..markup import NOTHING, records
from ..pack import Column, memoize, packed, table
from ..registry import Section, section
from ..run_view import RunView
from .facts import fit_rows, with_display_names

ROWS = 80_000
"""Most rows the page carries, over all models."""
LARGEST = 1_700_000
"""Bytes of them."""


@section(order=60, title="Terms", anchor="terms")
def terms(run: RunView) -> Section:
    if not run.terms.height:
        return Section(Markup('<p class="none">This run has no terms in running text.</p>'), "")
    note = f"Mentions are found by {run.result.mentions}. " if run.result.mentions else ""
    block, rows = rows_block(run)
    return Section(
        block + records("terms", "Terms in running text", note + rows),
        f"One row a model and concept: the mean log-probability of its places before and after, in {run.unit}, and "
        "the gain with its 95% interval; choose a term to see it where it stands.",
    )


def rows_block(run: RunView) -> tuple[Markup, str]:
    """Return the block of the rows that are on the page, and which these are."""
    return memoize("terms", run.terms, lambda: _rows_block(run)) if run.terms.height else (NOTHING, "")


def _rows_block(run: RunView) -> tuple[Markup, str]:
    columns = [
        Column("name", "term", "text"),
        Column("model", "model", "filter"),
        Column("specialties", "specialties", "set"),
        Column("count", "places", "count", about="places in the texts where the term was scored"),
        Column("base_logprob", "base", "number", about=f"mean log-probability in the base, {run.unit}"),
        Column("tuned_logprob", "tuned", "number", about=f"mean log-probability in the tuned model, {run.unit}"),
        Column("gain", "gain", "number", about="tuned less base"),
        Column("low", "low", "number", about="lower end of the gain's 95% interval, over places"),
        Column("high", "high", "number", about="upper end of the gain's 95% interval, over places"),
        Column(
            "q", "q", "probability", about="corrected over all terms of all models (Benjamini–Hochberg), three digits"
        ),
        Column("concept", "concept", "text", shown=False),
        Column("types", "semantic types", "set", shown=False),
        Column("tokens", "tokens", "number", shown=False, about="mean number of tokens"),
    ]
    frame = with_display_names(run, run.terms)
    if frame["seen"].count():
        frame = frame.with_columns(pl.col("seen").fill_null("not known"))
        columns.append(Column("seen", "seen in training", "filter"))

    def block(rows: pl.DataFrame) -> Markup:
        return packed("terms", table(rows.sort("concept", maintain_order=True), columns))

    return fit_rows(frame, "gain", ROWS, LARGEST, block)
