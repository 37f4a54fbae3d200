"""Specialty labels from several opinions: votes with a quorum, and conformal label sets (S-MedQA, 2505.10113).

A conformal set holds every label whose score, 1 − its frequency among a model's sampled answers, is at most a threshold
set on calibration questions with a known label, so that the true label is in the set with probability at least 1 − α
(split conformal prediction, Vovk et al.; Angelopoulos and Bates 2107.07511).
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ...errors import UsageError
from ..analysis.proportions import WILSON, wilson
from ..analysis.resample import LEAST, TOO_FEW
from ..results.estimate import Estimate
from ..results.suite_parts import ConformalLabels, Labelling, VoteLabels

Label = TypeVar("Label", bound=Hashable)


def opinions(given: Any) -> list[str] | None:
    """Names as they were said, from a list of them or {name: how often}; None where it is neither."""
    if isinstance(given, dict):
        counts = list(given.values())
        if any(isinstance(n, bool) or not isinstance(n, int) or n < 0 for n in counts):
            return None
        given = [name for name, n in given.items() for _ in range(n)]
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        return None
    return given


def voted(votes: Sequence[Label], quorum: int) -> Label | None:
    """The one label that has at least `quorum` votes and more than any other; None where there is none."""
    if quorum < 1:
        raise UsageError(f"quorum {quorum}: give a number of votes, 1 or more")
    ranked = Counter(votes).most_common(2)
    if not ranked or ranked[0][1] < quorum or (len(ranked) > 1 and ranked[1][1] == ranked[0][1]):
        return None
    return ranked[0][0]


def threshold(samples: Sequence[Sequence[Label]], truth: Sequence[Label], alpha: float) -> float:
    """The ⌈(n + 1)(1 − α)⌉-th smallest score of the true labels of n calibration questions; 1 where n is too few.

    Raises `UsageError` where α is not between 0 and 1, or nothing is given to calibrate on.
    """
    if not 0 < alpha < 1:
        raise UsageError(f"alpha {alpha}: give a share between 0 and 1")
    if not samples or len(samples) != len(truth) or not all(samples):
        raise UsageError("conformal sets: give sampled labels and one true label for each calibration question")
    scores = sorted(_score(held, label) for held, label in zip(samples, truth, strict=True))
    rank = math.ceil((len(scores) + 1) * (1 - alpha))
    return scores[rank - 1] if rank <= len(scores) else 1.0


def label_set(sampled: Sequence[Label], at_most: float, labels: Sequence[Label]) -> tuple[Label, ...]:
    """The labels whose score is at most the threshold, in the order of `labels`."""
    return tuple(label for label in labels if _score(sampled, label) <= at_most + 1e-12)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of label sets on questions with a known label."""

    coverage: Estimate
    size: float
    """Mean labels a set."""
    empty: int
    alpha: float


def coverage(sets: Sequence[Sequence[Label]], truth: Sequence[Label], alpha: float) -> Coverage:
    """Share of sets that hold the true label, with Wilson's interval, and their size, at the stated α."""
    hits, n = sum(label in held for held, label in zip(sets, truth, strict=True)), len(truth)
    if not n:
        return Coverage(Estimate.missing("no question", unit="share"), 0.0, 0, alpha)
    share = Estimate(hits / n, unit="share", n=n, note=TOO_FEW)
    if n >= LEAST:
        share = Estimate(hits / n, *wilson(hits / n, n), "share", WILSON, n)
    return Coverage(share, sum(map(len, sets)) / n, sum(not held for held in sets), alpha)


def _score(sampled: Sequence[Label], label: Label) -> float:
    return 1.0 - sum(each == label for each in sampled) / len(sampled) if sampled else 1.0


Record = dict[str, Any]


def labelled(records: Sequence[Record], quorum: int, alpha: float | None, seed: int) -> Labelling:
    """Give S-MedQA's records their `Specialty` in place, and return how. `Votes` and `Samples` are as of `opinions`.

    From `Votes` (names) by quorum, where a record has no specialty; with `alpha`, from `Samples` (names) as conformal
    sets. Half of the records with both samples and a specialty, drawn by the seed, calibrate; the others show coverage.
    A record whose votes or set give no label is left without one, and counts in no specialty.
    """
    votes: VoteLabels | None = None
    voting = [each for each in records if each.get("Votes") and not each.get("Specialty")]
    for each in voting:
        each["Specialty"] = voted(list(each["Votes"]), quorum) or []
    if voting:
        agreed = sum(bool(each["Specialty"]) for each in voting)
        votes = VoteLabels(quorum=quorum, records=len(voting), labelled=agreed)
    sampled = [each for each in records if each.get("Samples")]
    if alpha is None or not sampled:
        return Labelling(votes=votes)
    known = [each for each in sampled if isinstance(each.get("Specialty"), str)]
    order = random.Random(seed).sample(range(len(known)), len(known))
    calibrating, checking = ([known[i] for i in part] for part in (order[: len(known) // 2], order[len(known) // 2 :]))
    limit = threshold([each["Samples"] for each in calibrating], [each["Specialty"] for each in calibrating], alpha)
    names = list(dict.fromkeys(name for each in sampled for name in each["Samples"]))
    sets = [label_set(each["Samples"], limit, names) for each in checking]
    found = coverage(sets, [each["Specialty"] for each in checking], alpha)
    for each in sampled:
        each["Specialty"] = list(label_set(each["Samples"], limit, names))
    conformal = ConformalLabels(
        alpha=alpha,
        threshold=limit,
        calibration=len(calibrating),
        coverage=found.coverage,
        size=found.size,
        empty=found.empty,
    )
    return Labelling(votes=votes, conformal=conformal)
