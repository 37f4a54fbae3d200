"""Weighted log-odds with an informative Dirichlet prior (Monroe, Colaresi and Quinn 2008, "Fightin' Words", 3.5.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import NDArray


def log_odds_z(
    inside: Float[NDArray[np.float64], "words"],
    outside: Float[NDArray[np.float64], "words"],
    prior: Float[NDArray[np.float64], "words"],
) -> Float[NDArray[np.float64], "words"]:
    """z-scores of how much likelier each word is in one group of texts than in another.

    `inside` and `outside` are counts, `prior` are pseudo-counts: the words' shares in all texts, times how many
    pseudo-words the prior is worth. Equations 15, 19 and 22 of the paper. A word that no group and no prior has gives
    not-a-number.
    """

    def log_odds(counts: Float[NDArray[np.float64], "words"]) -> Float[NDArray[np.float64], "words"]:
        with_prior = counts + prior
        logs: NDArray[np.float64] = np.log(with_prior / (with_prior.sum() - with_prior))
        return logs

    with np.errstate(divide="ignore", invalid="ignore"):
        difference = log_odds(inside) - log_odds(outside)
        scores: NDArray[np.float64] = difference / np.sqrt(1 / (inside + prior) + 1 / (outside + prior))
        return scores
