"""The S-MedQA statistic (arXiv 2505.10113, released script), to stand beside ours; it is in no verdict.

Theirs: over every pair of a term's occurrence and one of its specialties, the mean of log p tuned − log p base, summed
over the term's sub-tokens. It has no control texts, no wrong answers and no unit of length.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from ...terms.items import Item
from .ladder import text_clusters
from .matrix import by_specialty, members
from .resample import Array, bootstrap
from .scores import Pair, Scores, text_scores

HIDES = (
    "It cannot tell learning from moving: a model that grew likelier to say any word of the domain, or any word at "
    "all, raises it as one that learned would; and as sub-tokens are summed, it speaks mostly of long terms."
)


def occurrence_scores(table: pa.Table, items: Sequence[Item]) -> Scores:
    """Arrays [occurrences] that the table holds, in the items' order."""
    return text_scores(table, items, ("occurrence",))


def smedqa(pair: Pair, names: Sequence[str], seed: int) -> dict[str, Any]:
    """Their mean over all pairs, and by specialty, in nats per term; intervals (ours) over concepts and documents."""
    pair = Pair(pair.base, pair.tuned, "target")
    member = members([item.specialties for item in pair.items], names)
    count, clusters = member.sum(1), text_clusters(pair)

    def mean(weights: Array) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            return ((weights @ (count * pair.gain)) / (weights @ count))[:, None]

    every = bootstrap(mean, clusters, seed).estimate(0, len(np.unique(clusters.first)), pair.unit)
    rows = by_specialty(pair.gain, member, clusters, names, pair.unit, seed)
    return {
        "all": every.json(),
        "by_specialty": {name: estimate.json() for name, estimate in rows.items()},
        "occurrences": len(pair.items),
        "hides": HIDES,
    }
