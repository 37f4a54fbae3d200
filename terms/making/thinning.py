"""How far the largest groups of rows are thinned where more facts were found than asked for."""

from __future__ import annotations

from collections.abc import Sequence

LEAST_OF_GROUP = 5
"""Rows that a relation keeps in each specialty, however few are asked for; fewer are no relation to a verdict."""
OVER = "beyond the number of facts asked for (--most)"


def largest_size(groups: Sequence[int], most: int) -> int:
    """Return the largest size that no group may exceed for all to have at most `most` rows.

    It is `LEAST_OF_GROUP` where even that gives more.

    Args:
        groups: Rows of each group.
        most: Rows in all.
    """
    sizes = range(max(groups, default=0), LEAST_OF_GROUP, -1)
    return next((size for size in sizes if sum(min(size, count) for count in groups) <= most), LEAST_OF_GROUP)
