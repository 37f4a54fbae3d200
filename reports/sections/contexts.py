"""Section: terms where they stand, token by token; shown by contexts.js."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from ..contexts import Budget
from ..contexts import contexts as chosen
from ..pack import packed
from ..registry import Section, section
from ..run_view import RunView

ABSENT = Markup(
    '<p class="none">This run keeps no passages, so no term can be shown where it stands: it has no places.parquet, or '
    "no scores beside it.</p>"
)


LARGEST = 2_100_000
"""Bytes of contexts on a page, which is to stay under 6.5 MB."""


def _within(run: RunView, largest: int) -> tuple[dict[str, Any], Markup]:
    """The contexts and their block: as many as the budget allows, or fewer where they pack badly."""
    budget = Budget()
    while True:
        held = chosen(run, budget)
        block = packed("contexts", held)
        if len(block) <= largest or not held["shown"]:
            return held, block
        budget = budget.times(0.9 * largest / len(block))


@section(order=70, title="Contexts", anchor="contexts")
def contexts(run: RunView) -> Section:
    held, block = _within(run, LARGEST)
    if not held["shown"]:
        return Section(block + ABSENT, "")
    said = (
        f"All {held['places']:,} places of terms in this run are on this page."
        if held["shown"] == held["places"]
        else f"{held['shown']:,} of {held['places']:,} places are on this page, drawn by the run's seed, a first one "
        "of each term before a second of any; all are in the run's places.parquet and scores."
    )
    read = len(held["readings"]["passages"])
    if read:
        said += f" {read:,} of their passages were read token by token; in the others the terms alone are coloured."
    return Section(
        block
        + Markup('<div id="contexts-bar"></div><div id="contexts-list"></div>')
        + Markup('<p class="quiet">{}</p>').format(said),
        "Under each token stand three strips on one scale, what the base gave it, what the tuned model gave it, and "
        "the difference (orange gained, blue lost); point at a token or move to it for its figures, and choose it to "
        "follow it through the layers.",
    )
