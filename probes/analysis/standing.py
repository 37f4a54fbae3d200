"""What a model knows of a fact: one definition for ledger, verdict, categories and page.

    known          the truth is first among its candidates of like length, wordings averaged
    maybe known    it is first in some wording, but not on average
    unknown        it is first in none

A tie is not first. For the verdict a fact is *clearly* unknown to the base where the best wrong answer leads by two
standard errors of a fact's mean lead, as the wordings' spread gives them: among facts that only chance made look
unknown, a mere rehearsal would look like learning. A fact is *clearly* known where the truth leads by half as much.
Log-probabilities are centred (`probes.analysis.centring`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..results.rungs import Category
from .centring import Centred
from .resample import Array

STANDARD_ERRORS = 2.0
"""Lead of the best wrong answer from which a fact is clearly unknown, in standard errors."""
CLEARLY_KNOWN = 0.5
"""Lead of the truth from which a fact is clearly known, as a share of that."""
ONE_WORDING = 1.0
"""Lead from which a fact of one wording is clearly unknown, nats per token: twice what two wordings gave on SmolLM2."""


@dataclass(frozen=True)
class Standing:
    """What base and tuned model know of N facts."""

    base_lead: Array
    """[N] the truth's lead over the best wrong answer; NaN where it cannot be read."""
    tuned_lead: Array
    base_first: NDArray[np.bool_]
    """[N] whether the truth is first in some wording."""
    tuned_first: NDArray[np.bool_]
    threshold: float
    """Lead of the best wrong answer from which a fact is clearly unknown, in the margins' unit."""

    @classmethod
    def of(cls, centred: Centred, scale: float = 1.0) -> Standing:
        """Return the standing of the facts; `scale` is the margins' unit in nats per token."""
        (base, tuned), (base_each, tuned_each) = centred.leads(), centred.wording_leads()
        with np.errstate(invalid="ignore"):
            return cls(
                base,
                tuned,
                (base_each > 0).any(0) | (base > 0),
                (tuned_each > 0).any(0) | (tuned > 0),
                _threshold(base_each, scale),
            )

    @property
    def is_clearly_unknown(self) -> NDArray[np.bool_]:
        """[N] whether the base clearly does not know the fact."""
        with np.errstate(invalid="ignore"):
            return (self.base_lead <= -self.threshold) & ~self.base_first

    @property
    def clear_lead(self) -> float:
        """Lead from which an answer is clearly first, in the margins' unit."""
        return CLEARLY_KNOWN * self.threshold

    @property
    def is_clearly_known(self) -> NDArray[np.bool_]:
        """[N] whether the tuned model clearly knows the fact."""
        with np.errstate(invalid="ignore"):
            return self.tuned_lead >= self.clear_lead

    def categories(self, tuned: bool = False) -> list[Category | None]:
        """Return each fact's category in the base, or in the tuned model; None where it cannot be read."""
        lead, first = (self.tuned_lead, self.tuned_first) if tuned else (self.base_lead, self.base_first)
        return [
            None if not np.isfinite(ahead) else "known" if ahead > 0 else "maybe known" if some else "unknown"
            for ahead, some in zip(lead, first, strict=True)
        ]


def right_wrong_shares(values: Array, like: NDArray[np.bool_]) -> Array:
    """Return the share [N] of each fact's wrong answers that score below its truth; NaN where it has none.

    Args:
        values: [N, candidates] scores, the truth first.
        like: [N, candidates] distractors that count.
    """
    wrong = np.where(like, values, np.nan)[:, 1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        out: Array = (values[:, :1] > wrong).sum(1) / np.isfinite(wrong).sum(1)
    return out


def _threshold(leads: Array, scale: float) -> float:
    """Return `STANDARD_ERRORS` standard errors of a fact's mean over its wordings [wordings, N], pooled over facts."""
    count = np.isfinite(leads).sum(0)
    several = leads[:, count >= 2]
    if not several.size:
        return ONE_WORDING * scale
    variance = np.nanvar(several, axis=0, ddof=1) / np.isfinite(several).sum(0)
    return float(STANDARD_ERRORS * np.sqrt(variance.mean()))
