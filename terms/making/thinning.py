"""How far the largest groups of rows are thinned where more facts were found than asked for."""

from __future__ import annotations

from collections.abc import Sequence

from .census import SMALL_RELATION

OVER = "beyond the number of facts asked for (--most)"


def largest_size(groups: Sequence[int], most: int) -> int:
    """Return the largest size that no group may exceed for all to have at most `most` rows.

    It is `SMALL_RELATION` where even that gives more: fewer are no relation to a verdict.

    Args:
        groups: Rows of each group.
        most: Rows in all.
    """
    sizes = range(max(groups, default=0), SMALL_RELATION, -1)
    return next((size for size in sizes if sum(min(size, count) for count in groups) <= most), SMALL_RELATION)
