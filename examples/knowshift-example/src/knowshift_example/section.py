"""A section of the report: the ten concepts that gained most, over all models."""

from knowshift.reports.markup import signed, table
from knowshift.reports.registry import Section, section
from knowshift.reports.run_view import RunView

SHOWN = 10


@section(order=65, title="Largest gains", anchor="largest-gains")
def largest_gains(run: RunView) -> Section:
    """Reads the run's tables (polars frames) and gives back markup in which everything is escaped."""
    rows = run.terms.sort("gain", descending=True, nulls_last=True).head(SHOWN).iter_rows(named=True)
    cells = [[row["name"], row["model"], signed(row["gain"]), row["count"]] for row in rows]
    return Section(
        table(["concept", "model", f"gain, {run.unit}", "mentions"], cells, "Concepts that gained most"),
        "A single mention can lead here by chance: read the intervals under Terms before believing a name.",
    )
