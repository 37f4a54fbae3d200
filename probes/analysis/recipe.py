"""The S-MedQA statistic (arXiv 2505.10113, released script), for comparison with ours; it is in no verdict.

Theirs: over every pair of a term's occurrence and one of its specialties, the mean of log p tuned − log p base, summed
over the term's sub-tokens. It has no control texts, no wrong answers and no unit of length.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..results.model import RecipeResult
from .ladder import text_clusters
from .matrix import by_specialty, members
from .pair import ModelPair
from .registry import analysis
from .resample import Array, bootstrap
from .scores import Pair

HIDES = (
    "It cannot tell learning from moving: a model that grew likelier to say any word of the domain, or any word at "
    "all, raises it as one that learned would; and as sub-tokens are summed, it speaks mostly of long terms."
)


@analysis("smedqa")
def recipe(model: ModelPair) -> RecipeResult | None:
    """Return the model's S-MedQA statistic; None where its items were not asked for."""
    return smedqa(model.occurrences, model.specialties, model.seed) if model.occurrences.items else None


def smedqa(pair: Pair, names: Sequence[str], seed: int) -> RecipeResult:
    """Return their mean over all pairs, and by specialty, in nats per term.

    The intervals are ours, over concepts and documents.
    """
    pair = Pair(pair.base, pair.tuned, "target")
    member = members([item.specialties for item in pair.items], names)
    count, clusters = member.sum(1), text_clusters(pair)

    def mean(weights: Array) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            means: Array = ((weights @ (count * pair.gain)) / (weights @ count))[:, None]
        return means

    every = bootstrap(mean, clusters, seed).estimate(0, len(np.unique(clusters.first)), pair.unit)
    rows = by_specialty(pair.gain, member, clusters, names, pair.unit, seed)
    return RecipeResult(all=every, by_specialty=rows, occurrences=len(pair.items), hides=HIDES)
