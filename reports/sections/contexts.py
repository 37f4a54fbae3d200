"""Section: terms where they stand, token by token; shown by contexts.js."""

from __future__ import annotations

from markupsafe import Markup

from ..contexts import contexts as chosen
from ..pack import packed
from ..registry import Section, section
from ..run_view import RunView

ABSENT = Markup(
    '<p class="none">This run keeps no passages, so no term can be shown where it stands: it has no places.parquet, or '
    "no scores beside it.</p>"
)


@section(order=70, title="Contexts", anchor="contexts")
def contexts(run: RunView) -> Section:
    held = chosen(run)
    block = packed("contexts", held)
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
