"""Statistics that others use for the same question, each with the test that its users would make.

    terms           mean gain of the own specialty's terms, summed over tokens (S-MedQA, arXiv 2505.10113)
    own_less_other  gain of own true answers less that of other specialties'
    perplexity      fall in log-perplexity on held-out own text
    kr              gain of correct on incorrect answers of the own facts, no controls (KR-Test, arXiv 2601.03505)
    K               rise of the share of right-wrong pairs in the own facts, no controls (arXiv 2503.15299)
    first form      this package's own first verdict (`first_form`)

Each is read from the same score tables as the instrument; its p is one-sided: a t-test over items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..analysis.ladder import nanmean
from ..analysis.pair import ModelPair
from ..analysis.scores import Array
from ..analysis.standing import right_wrong_shares

NAMES = {
    "terms": "mean gain of terms (the S-MedQA way)",
    "own_less_other": "own less other gain of true answers",
    "perplexity": "log-perplexity on own text",
    "kr": "correct against incorrect, no controls (KR-Test)",
    "K": "share of right-wrong pairs (K)",
    "first form": "this package's first form",
}


@dataclass(frozen=True)
class Rival:
    """A rival's statistic and its p."""

    value: float
    p: float

    def json(self) -> dict[str, float]:
        """Return both as in a record."""
        return {"value": round(self.value, 5), "p": round(self.p, 5)}


def _above_zero(gains: Array) -> Rival:
    from scipy import stats

    gains = gains[np.isfinite(gains)]
    if len(gains) < 2:
        return Rival(0.0, 1.0)
    p = float(stats.ttest_1samp(gains, 0.0, alternative="greater").pvalue)
    return Rival(float(gains.mean()), p if np.isfinite(p) else 1.0)


def of_facts(pair: ModelPair) -> dict[str, Rival]:
    """Return the rivals that read facts."""
    from scipy import stats

    index = pair.gains.index
    own, other = pair.fact_groups == "own", pair.is_reference
    gain = nanmean(pair.facts.tuned.value("token") - pair.facts.base.value("token"), 1)[index]
    true, wrong = gain[:, 0], nanmean(np.where(pair.gains.like, gain, np.nan)[:, 1:], 1)
    test = stats.ttest_ind(true[own], true[other], equal_var=False, alternative="greater")
    apart = Rival(float(true[own].mean() - true[other].mean()), float(test.pvalue))
    return {"own_less_other": apart, "kr": _above_zero((true - wrong)[own]), "K": _above_zero(_pairs(pair)[own])}


def _pairs(pair: ModelPair) -> Array:
    """Return each fact's change [N] in the share of its wrong answers that score below its truth."""
    base, tuned = (
        right_wrong_shares(nanmean(scores.value("token")[pair.gains.index], 1), pair.gains.like)
        for scores in (pair.facts.base, pair.facts.tuned)
    )
    return tuned - base


def of_texts(term_gains: Sequence[float] | Array, text_gains: Sequence[float] | Array) -> dict[str, Rival]:
    """Return the rivals that read text: gains of own terms (nats per term) and of own texts (nats per token)."""
    return {"terms": _above_zero(np.asarray(term_gains)), "perplexity": _above_zero(np.asarray(text_gains))}
