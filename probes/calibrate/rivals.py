"""Four statistics that others use for the same question, each with the test that its users would make.

    terms          mean gain of the own specialty's terms, summed over tokens (S-MedQA, arXiv 2505.10113)
    own_less_other gain of own true answers less that of other specialties'
    perplexity     fall in log-perplexity on held-out own text
    kr             gain of correct on incorrect answers of the own facts, no controls (KR-Test, arXiv 2601.03505)

Each is read from the same score tables as the instrument, in nats; its p is one-sided: a t-test over items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..analysis.ladder import nanmean
from ..analysis.scores import Array, Scores

NAMES = {
    "terms": "mean gain of terms (the S-MedQA way)",
    "own_less_other": "own less other gain of true answers",
    "perplexity": "log-perplexity on own text",
    "kr": "correct against incorrect, no controls (KR-Test)",
}


@dataclass(frozen=True)
class Rival:
    value: float
    p: float

    def json(self) -> dict[str, float]:
        return {"value": self.value, "p": self.p}


def _above_zero(gains: Array) -> Rival:
    from scipy import stats

    return Rival(float(gains.mean()), float(stats.ttest_1samp(gains, 0.0, alternative="greater").pvalue))


def of_facts(base: Scores, tuned: Scores, own: NDArray[np.bool_], other: NDArray[np.bool_]) -> dict[str, Rival]:
    """The two rivals that read facts; masks [facts]."""
    from scipy import stats

    gain = nanmean(tuned.value("token") - base.value("token"), 1)
    true, wrong = gain[:, 0], nanmean(gain[:, 1:], 1)
    test = stats.ttest_ind(true[own], true[other], equal_var=False, alternative="greater")
    apart = Rival(float(true[own].mean() - true[other].mean()), float(test.pvalue))
    return {"own_less_other": apart, "kr": _above_zero((true - wrong)[own])}


def of_texts(term_gains: Sequence[float] | Array, text_gains: Sequence[float] | Array) -> dict[str, Rival]:
    """The two rivals that read text: gains of own terms (nats per term) and of own texts (nats per token)."""
    return {"terms": _above_zero(np.asarray(term_gains)), "perplexity": _above_zero(np.asarray(text_gains))}
