"""Section: terms where they stand, token by token; shown by contexts.js."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from ..contexts import Budget, choose_contexts
from ..evaluation import FILE
from ..pack import packed
from ..registry import Section, section
from ..run_view import RunView
from . import facts, terms
from .answers import FOLDER

ABSENT = Markup(
    '<p class="none">This run keeps no passages, so no term can be shown where it stands: it has no places.parquet, or '
    "no scores beside it.</p>"
)
NO_ROOM = Markup(
    '<p class="none">The terms and facts of this run fill the page, so no term can be shown where it stands; all its '
    "{:,} places are in the run's places.parquet and scores.</p>"
)
PAGE = 6_500_000
"""Bytes that a page is to stay under."""
ALWAYS = 2_150_000
"""Bytes of what is on every page, Plotly above all."""
DRAWN = 2.5
"""Bytes that the other sections take for a byte of the run's JSON, which they show."""
LARGEST = 2_100_000
"""Bytes of contexts, however much is left."""


def bytes_left(run: RunView, page: int) -> int:
    """Return the bytes left for contexts on a page of `page` bytes, beside its terms, facts and other sections."""
    read = [*run.path.glob("*.json"), *run.path.glob(f"{FOLDER}/*/{FILE}")]
    others = ALWAYS + int(DRAWN * sum(file.stat().st_size for file in read))
    tables = sum(len(block) for block, _ in (terms.rows_block(run), facts.rows_block(run)))
    return min(LARGEST, max(0, page - others - tables))


def _fit(run: RunView, largest: int) -> tuple[dict[str, Any], Markup]:
    """Return the contexts and their block: as many as the budget allows, or fewer where they pack badly."""
    budget = Budget()
    while True:
        chosen = choose_contexts(run, budget)
        block = packed("contexts", chosen)
        if len(block) <= largest or not chosen["shown"]:
            return chosen, block
        budget = budget.times(0.9 * largest / len(block))


@section(order=70, title="Contexts", anchor="contexts")
def contexts(run: RunView) -> Section:
    chosen, block = _fit(run, bytes_left(run, PAGE))
    if not chosen["shown"]:
        return Section(block + (NO_ROOM.format(chosen["places"]) if chosen["places"] else ABSENT), "")
    count, places = chosen["shown"], chosen["places"]
    note = (
        f"All {places:,} places of terms in this run are on this page."
        if count == places
        else f"{count:,} of {places:,} places are on this page, drawn by the run's seed, a first one of each term "
        "before a second of any; all are in the run's places.parquet and scores."
    )
    read = len(chosen["readings"]["passages"])
    if read:
        note += f" {read:,} of their passages were read token by token; in the others the terms alone are coloured."
    return Section(
        block
        + Markup('<div id="contexts-bar"></div><div id="contexts-list"></div>')
        + Markup('<p class="quiet">{}</p>').format(note),
        "Under each token stand three strips on one scale, what the base gave it, what the tuned model gave it, and "
        "the difference (orange gained, blue lost); point at a token or move to it for its figures, and choose it to "
        "follow it through the layers.",
    )
