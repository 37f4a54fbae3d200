"""Votes with a quorum and conformal label sets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowshift.errors import UsageError
from knowshift.probes.evaluate.labels import coverage, label_set, labelled, opinions, threshold, voted
from knowshift.probes.results.suite_parts import Labelling, VoteLabels

LABELS = tuple("abcdef")


@pytest.mark.parametrize(
    ("votes", "quorum", "label"),
    [("aaabc", 3, "a"), ("aabbc", 3, None), ("aabb", 2, None), ("aab", 2, "a"), ("", 1, None), ("abc", 1, None)],
)
def test_a_label_needs_a_quorum_and_more_votes_than_any_other(votes, quorum, label):
    assert voted(list(votes), quorum) == label


def draws(rng, n):
    """Questions whose true label is sampled in a varying share of 20 answers."""
    truth = rng.choice(LABELS, n)
    samples = []
    for label in truth:
        sure = rng.beta(4, 2)
        p = np.array([sure if other == label else (1 - sure) / 5 for other in LABELS])
        samples.append(list(rng.choice(LABELS, 20, p=p / p.sum())))
    return samples, list(truth)


@pytest.mark.heavy
@pytest.mark.parametrize("alpha", [0.1, 0.3])
def test_the_true_label_is_in_the_set_as_often_as_alpha_promises(alpha):
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(40):
        limit = threshold(*draws(rng, 200), alpha)
        samples, truth = draws(rng, 200)
        shares.append(coverage([label_set(held, limit, LABELS) for held in samples], truth, alpha).coverage.value)
    assert np.mean(shares) >= 1 - alpha - 0.01
    assert np.mean(shares) <= 1 - alpha + 0.12  # frequencies of 20 answers are coarse: ties make sets larger


@given(st.integers(0, 100))
def test_a_smaller_alpha_never_makes_a_smaller_set(seed):
    rng = np.random.default_rng(seed)
    samples, truth = draws(rng, 30)
    sets = [label_set(samples[0], threshold(samples, truth, alpha), LABELS) for alpha in (0.4, 0.2, 0.05)]
    assert set(sets[0]) <= set(sets[1]) <= set(sets[2])


def test_too_few_questions_to_calibrate_give_every_label():
    samples, truth = draws(np.random.default_rng(0), 5)
    assert label_set(samples[0], threshold(samples, truth, 0.1), LABELS) == LABELS


def test_what_cannot_be_meant_is_refused():
    for call in (lambda: threshold([["a"]], ["a"], 1.0), lambda: threshold([], [], 0.1), lambda: voted(["a"], 0)):
        with pytest.raises(UsageError):
            call()


def test_coverage_and_size_are_counted():
    found = coverage([("a",), ("a", "b"), ()], ["a", "c", "a"], 0.1)
    assert (found.coverage.value, found.size, found.empty, found.alpha) == (pytest.approx(1 / 3), 1.0, 1, 0.1)


def test_opinions_keep_their_counts_or_are_none():
    assert opinions({"a": 3, "b": 0, "c": 1}) == ["a", "a", "a", "c"]
    assert opinions(["a", "b"]) == ["a", "b"]
    assert [opinions(each) for each in (5, "abc", {"a": "3"}, {"a": -1}, {"a": True}, [["a"]])] == [None] * 6


def test_votes_label_records_that_have_none():
    records = [
        {"Votes": ["Neurology"] * 3 + ["Cardiology"] * 2},
        {"Votes": ["Neurology"] * 2 + ["Cardiology"] * 2},
        {"Specialty": "Cardiology", "Votes": ["Neurology"] * 5},
    ]
    assert labelled(records, 3, None, 0) == Labelling(votes=VoteLabels(quorum=3, records=2, labelled=1))
    assert [record["Specialty"] for record in records] == ["Neurology", [], "Cardiology"]


def test_samples_become_label_sets_at_the_stated_alpha():
    samples, truth = draws(np.random.default_rng(3), 400)
    records = [{"Samples": held, "Specialty": label} for held, label in zip(samples, truth, strict=True)]
    unlabelled = {"Samples": ["a"] * 20}
    said = labelled([*records, unlabelled], 3, 0.1, 0).conformal
    assert (said.alpha, said.calibration, said.coverage.n) == (0.1, 200, 200)
    assert said.coverage.low <= 0.97
    assert said.coverage.value >= 0.85
    assert unlabelled["Specialty"] == ["a"]
    assert np.mean([label in record["Specialty"] for record, label in zip(records, truth, strict=True)]) >= 0.88
    assert labelled(records, 3, None, 0) == Labelling()
