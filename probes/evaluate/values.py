"""A value for each task, metric and question, and what follows: means, paired differences, one correction.

A model's value on a metric is its mean over questions; clusters of questions (a patient's) are resampled together. Of
right-or-wrong answers it is a proportion, with Wilson's interval. Two models are compared on the questions that both
answered: the mean difference with a paired bootstrap interval, questions won, tied and lost, and an exact sign test of
won against lost, which for right-or-wrong values is McNemar's exact test. Where all questions differ alike, the
bootstrap's interval would have no width; then it is Newcombe's, or a bound (`probes.analysis.proportions`). One
Benjamini–Hochberg correction covers every test of a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from scipy import stats

from ..analysis.matrix import by_specialty, members
from ..analysis.proportions import AS_IF_BINARY, NEWCOMBE, WILSON, even_difference, newcombe, wilson
from ..analysis.resample import LEAST, NO_SPREAD, Array, Clusters, benjamini_hochberg
from ..results.estimate import LEVEL, Estimate
from ..results.evaluation import Outcome, PairDifference, PairOutcomes

TIE = 1e-9
"""Values this near are tied."""
LOWER = " (lower is better)"
"""Ends the name of such a metric of the harness's own tasks."""
LOWER_IS_BETTER = ("unparsed", "bits per byte", "bits per word", "false answers")
UNITS = {"bits per byte": "bits/byte", "bits per word": "bits/word"}
"""Of metrics that are no shares of 1."""
COUNTED = ("accuracy", "followed", "unparsed", "consistency", "false answers")
"""Shares of right-or-wrong answers, also of several to one question: between 0 and 1, whatever the data."""
UNTESTED = ("consistency", "unparsed")
"""Described, not compared."""


@dataclass(frozen=True, slots=True)
class Value:
    """What one answered question is worth on one metric."""

    task: str
    metric: str
    question: str
    value: float
    labels: tuple[str, ...] = ()
    cluster: str = ""
    weight: float = 1.0
    """In means and differences: a text's bytes, so that they are all texts' bits over all texts' bytes."""


Key = tuple[str, str]
"""Task and metric."""


def by_key(values: Sequence[Value]) -> dict[Key, list[Value]]:
    out: dict[Key, list[Value]] = {}
    for value in values:
        out.setdefault((value.task, value.metric), []).append(value)
    return out


def lower_is_better(metric: str) -> bool:
    return metric in LOWER_IS_BETTER or metric.endswith(LOWER)


def unit_of(metric: str) -> str:
    return UNITS.get(metric, "share")


def means(values: Sequence[Value], labels: Sequence[str], seed: int) -> dict[str, Estimate]:
    """Their mean by label, `""` being all of them; of right-or-wrong answers with Wilson's interval."""
    if not values:
        return {"": Estimate.missing("no question was answered", unit="share")}
    numbers = np.array([value.value for value in values])
    made = _by_label(numbers, values, labels, seed)
    for label, estimate in made.items():
        inside = np.array([not label or label in value.labels for value in values])
        method = _proportion(numbers[inside], estimate.n, values[0].metric)
        if method and estimate.value is not None:
            low, high = wilson(min(1.0, max(0.0, estimate.value)), estimate.n)
            made[label] = replace(estimate, low=low, high=high, method=method, note="")
        elif estimate.n >= LEAST and np.ptp(numbers[inside]) < TIE:
            made[label] = replace(estimate, low=None, high=None, method="", note=NO_SPREAD)
        elif numbers.min() >= 0 and numbers.max() <= 1 and estimate.low is not None and estimate.high is not None:
            # Few clusters' t intervals know no bounds.
            made[label] = replace(estimate, low=max(0.0, estimate.low), high=min(1.0, estimate.high))
    return made


def _proportion(numbers: Array, clusters: int, metric: str) -> str:
    """Name the formula for the interval of a mean of `numbers`; empty where resampling gives it, or nothing can."""
    if clusters < LEAST:
        return ""
    binary = bool(np.isin(numbers, (0.0, 1.0)).all())
    if binary and clusters == len(numbers):
        return WILSON
    return AS_IF_BINARY if metric in COUNTED and np.ptp(numbers) < TIE else ""


def _by_label(numbers: Array, values: Sequence[Value], labels: Sequence[str], seed: int) -> dict[str, Estimate]:
    cluster = [value.cluster or value.question for value in values]
    names = ["", *(label for label in labels if any(label in value.labels for value in values))]
    weight = np.array([[value.weight] for value in values])
    member = members([("", *value.labels) for value in values], names) * weight
    made = by_specialty(numbers, member, Clusters.of(cluster, cluster), names, unit_of(values[0].metric), seed)
    # Questions are one clustering here, not two crossed ones.
    return {
        name: replace(each, method=each.method.replace("two-way cluster", "cluster")) for name, each in made.items()
    }


@dataclass(frozen=True)
class Difference:
    """A tuned model beside a base on one task and metric (and, where `label` is given, its questions alone)."""

    tuned: str
    base: str
    task: str
    metric: str
    label: str
    difference: Estimate
    """Tuned minus base."""
    win: int
    tie: int
    loss: int
    """Questions on which the tuned model did better, the same, worse."""
    p: float | None
    q: float | None = None
    is_even: bool = False
    """Whether all questions differ alike."""

    @property
    def outcome(self) -> Outcome:
        """`win` or `loss` where the interval of the difference leaves out zero, else `tie`.

        Where all questions differ alike, the exact tests over questions and over clusters have to show the difference
        too, or it is `unknown`; so it is without an interval.
        """
        low, high = self.difference.low, self.difference.high
        if self.is_even and abs(self.difference.value or 0.0) < TIE:
            return "tie"
        if low is None or high is None:
            return "unknown"
        if self.is_even and max(sign_test(self.difference.n, 0), self.p or 0.0) > 1 - LEVEL:
            return "unknown"
        up: Outcome = "loss" if lower_is_better(self.metric) else "win"
        down: Outcome = "win" if up == "loss" else "loss"
        return up if low > 0 else down if high < 0 else "tie"

    def result(self) -> PairDifference:
        """Return the difference as evaluation.json holds it."""
        return PairDifference(
            tuned=self.tuned,
            base=self.base,
            task=self.task,
            metric=self.metric,
            label=self.label,
            difference=self.difference,
            win=self.win,
            tie=self.tie,
            loss=self.loss,
            p=self.p,
            q=self.q,
            outcome=self.outcome,
        )


def differences(
    tuned: tuple[str, Sequence[Value]], base: tuple[str, Sequence[Value]], labels: Sequence[str], seed: int
) -> list[Difference]:
    """The paired difference of two models' values of one task and metric, in all and by label."""
    before = {value.question: value for value in base[1]}
    pairs = [(value, before[value.question]) for value in tuned[1] if value.question in before]
    if not pairs:
        return []
    ours = [value for value, _ in pairs]
    task, metric = ours[0].task, ours[0].metric
    delta = np.array([one.value - other.value for one, other in pairs])
    better = (-1 if lower_is_better(metric) else 1) * delta
    out = []
    for label, estimate in _by_label(delta, ours, labels, seed).items():
        inside = np.array([not label or label in value.labels for value in ours])
        held = better[inside]
        is_even = bool(np.ptp(held) < TIE)
        if is_even:
            estimate = _even(estimate, [pair for pair, kept in zip(pairs, inside, strict=True) if kept])
        win, loss = int((held > TIE).sum()), int((held < -TIE).sum())
        p = sign_test(win, loss) if metric not in UNTESTED else None
        tie = len(held) - win - loss
        estimate = replace(estimate, p=p)
        out.append(Difference(tuned[0], base[0], task, metric, label, estimate, win, tie, loss, p, is_even=is_even))
    return out


def _even(estimate: Estimate, pairs: Sequence[tuple[Value, Value]]) -> Estimate:
    """The difference of pairs that all differ alike, with an interval that has a width, or none and the reason."""
    if estimate.value is None or estimate.n < LEAST:
        return estimate
    counts = Counter((one.value, other.value) for one, other in pairs)
    if set(counts) <= set(product((0.0, 1.0), repeat=2)) and estimate.n == len(pairs):
        low, high = newcombe(counts[1.0, 1.0], counts[1.0, 0.0], counts[0.0, 1.0], counts[0.0, 0.0])
        return replace(estimate, low=low, high=high, method=NEWCOMBE, note="")
    if pairs[0][0].metric in COUNTED:
        low, high = even_difference(min(1.0, max(-1.0, estimate.value)), estimate.n)
        return replace(estimate, low=low, high=high, method=AS_IF_BINARY, note="")
    return replace(estimate, low=None, high=None, method="", note=NO_SPREAD)


def sign_test(win: int, loss: int) -> float:
    """Two-sided exact p of `win` against `loss` under even odds; 1 where nothing differs. McNemar (1947), exact."""
    return float(stats.binomtest(win, win + loss).pvalue) if win + loss else 1.0


def corrected(differences: Sequence[Difference]) -> list[Difference]:
    """With q: Benjamini and Hochberg's over all that are tested."""
    tested = [float("nan") if each.p is None else each.p for each in differences]
    found = benjamini_hochberg(tested)
    return [replace(each, q=q if q == q else None) for each, q in zip(differences, found, strict=True)]


def outcomes(differences: Sequence[Difference]) -> tuple[PairOutcomes, ...]:
    """Return by pair on how many tested metrics the tuned model wins, ties, loses, or cannot be told from its base."""
    held: dict[tuple[str, str], list[Outcome]] = {}
    for each in differences:
        if not each.label and each.p is not None:
            held.setdefault((each.tuned, each.base), []).append(each.outcome)
    return tuple(
        PairOutcomes(
            tuned=tuned,
            base=base,
            win=found.count("win"),
            tie=found.count("tie"),
            loss=found.count("loss"),
            unknown=found.count("unknown"),
        )
        for (tuned, base), found in held.items()
    )


def labels_of(values: Mapping[str, Sequence[Value]]) -> list[str]:
    """Every label of any model's values, in order of first appearance."""
    return list(dict.fromkeys(label for each in values.values() for value in each for label in value.labels))
