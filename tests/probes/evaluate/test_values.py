"""Means, paired differences, exact tests and the one correction, against scipy and statsmodels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowshift.probes.evaluate.values import Value, corrected, differences, means, outcomes, sign_test
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar


def values(numbers, metric="accuracy", labels=None, clusters=None):
    return [
        Value("t", metric, f"q{i}", float(number), labels[i] if labels else (), clusters[i] if clusters else f"q{i}")
        for i, number in enumerate(numbers)
    ]


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_the_sign_test_is_mcnemars_exact_test(pairs):
    table = np.zeros((2, 2))
    for one, other in pairs:
        table[int(one), int(other)] += 1
    win, loss = int(table[1, 0]), int(table[0, 1])
    assert sign_test(win, loss) == pytest.approx(mcnemar(table, exact=True).pvalue if win + loss else 1.0)


@pytest.mark.heavy
def test_a_mean_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        estimate = means(values(rng.random(120) < 0.3), [], trial)[""]
        hits += estimate.low <= 0.3 <= estimate.high
    assert 0.90 <= hits / 200 <= 0.99


@pytest.mark.parametrize("number", [0, 1])
def test_all_right_or_all_wrong_has_wilsons_interval(number):
    estimate = means(values([number] * 20), [], 0)[""]
    low, high = stats.binomtest(20 * number, 20).proportion_ci(0.95, "wilson")
    assert (estimate.value, estimate.low, estimate.high) == (number, pytest.approx(low), pytest.approx(high))


def test_questions_of_one_patient_move_together():
    numbers = [float(i % 10 < 5) for i in range(400)]
    alone = means(values(numbers), [], 0)[""]
    together = means(values(numbers, clusters=[f"p{i % 10}" for i in range(400)]), [], 0)[""]
    assert together.high - together.low > 3 * (alone.high - alone.low)


def test_a_question_counts_in_each_of_its_labels():
    found = means(values([1, 0, 1, 0], labels=[("a",), ("a", "b"), ("b",), ()]), ["a", "b", "c"], 0)
    assert {label: (estimate.value, estimate.n) for label, estimate in found.items()} == {
        "": (0.5, 4),
        "a": (0.5, 2),
        "b": (0.5, 2),
    }


def test_only_questions_that_both_answered_are_compared():
    tuned, base = values([1, 1, 0, 1]), values([0, 1, 1, 0])[:3]
    (found,) = differences(("t", tuned), ("b", base), [], 0)
    assert (found.win, found.tie, found.loss) == (1, 1, 1)
    assert found.difference.value == 0
    assert found.p == 1.0


def test_a_clear_gain_is_a_win_and_its_reverse_a_loss():
    base, tuned = values([0] * 60 + [1] * 40), values([1] * 90 + [0] * 10)
    (up,), (down,) = (differences(("t", a), ("b", b), [], 0) for a, b in ((tuned, base), (base, tuned)))
    assert (up.outcome, down.outcome) == ("win", "loss")
    assert up.difference.value == pytest.approx(0.5)
    assert (up.win, up.tie, up.loss) == (60, 30, 10)
    assert up.p == pytest.approx(stats.binomtest(60, 70).pvalue)


def test_fewer_bits_are_better():
    base, tuned = values([3.0, 4.0] * 30, "bits per byte"), values([2.0, 3.5] * 30, "bits per byte")
    (found,) = differences(("t", tuned), ("b", base), [], 0)
    assert found.difference.value == pytest.approx(-0.75)
    assert (found.outcome, found.win, found.difference.unit) == ("win", 60, "bits/byte")


@pytest.mark.parametrize(
    ("count", "clusters", "outcome"),
    [(2, None, "unknown"), (5, None, "unknown"), (6, None, "win"), (40, ["p"] * 40, "unknown")],
    ids=["two questions", "five", "six", "one patient's forty"],
)
def test_no_spread_is_no_certainty(count, clusters, outcome):
    base, tuned = values([0] * count, clusters=clusters), values([1] * count, clusters=clusters)
    (found,) = differences(("t", tuned), ("b", base), [], 0)
    low, high, note = found.difference.low, found.difference.high, found.difference.note
    assert (low, high, note) == (None, None, "no interval: it needs at least two") if clusters else low < high == 1
    assert found.outcome == outcome
    (same,) = differences(("t", base), ("b", base), [], 0)
    assert same.outcome == "tie"


@pytest.mark.parametrize("right", [0, 3, 11, 20])
def test_right_or_wrong_answers_have_wilsons_interval(right):
    estimate = means(values([1] * right + [0] * (20 - right)), [], 0)[""]
    low, high = stats.binomtest(right, 20).proportion_ci(0.95, "wilson")
    assert (estimate.low, estimate.high, estimate.method) == (pytest.approx(low), pytest.approx(high), "Wilson")


def test_one_question_has_no_interval():
    labels = [("a",), ("b",), ("b",), ("b",)]
    found = means(values([0.25, 0.5, 0.5, 0.5], labels=labels), ["a", "b"], 0)
    one = found["a"]
    assert (one.value, one.low, one.high, one.note) == (0.25, None, None, "no interval: it needs at least two")
    assert found["b"].method == "Wilson, as if right or wrong"
    assert found["b"].low < 0.2 < 0.8 < found["b"].high
    base = values([0.25, 0.25, 0.25, 0.25], labels=labels)
    pairs = differences(("t", values([0.5, 0.5, 0.5, 0.5], labels=labels)), ("b", base), ["a", "b"], 0)
    by_label = {each.label: each for each in pairs}
    assert (by_label["a"].difference.low, by_label["a"].outcome) == (None, "unknown")
    assert by_label["b"].difference.low < 0 < 0.25 < by_label["b"].difference.high
    texts = means(values([3.5], "bits per byte"), [], 0)[""]
    assert (texts.value, texts.low, texts.note) == (3.5, None, "no interval: it needs at least two")


def test_pairs_that_all_tie_have_an_interval_that_knows_their_number():
    few, many = (
        differences(("t", values([1, 0] * n)), ("b", values([1, 0] * n)), [], 0)[0].difference for n in (4, 200)
    )
    for each in (few, many):
        assert each.low == pytest.approx(-each.high)
        assert each.method == "Newcombe, paired"
    assert few.high > 0.1 > 0.02 > many.high > 0


def test_no_interval_of_answers_is_without_a_width():
    rng = np.random.default_rng(0)
    for n in range(1, 7):
        for metric, grid in (("accuracy", (0, 1)), ("accuracy", (0.25, 1)), ("ROUGE-L", (0, 0.3)), ("bits", (2,))):
            one, other = (values(rng.choice(grid, n), metric) for _ in range(2))
            made = [means(one, [], 0)[""], *(each.difference for each in differences(("t", one), ("b", other), [], 0))]
            for each in made:
                assert each.value is not None
                assert each.note if each.low is None else each.low < each.high, each


def test_a_long_text_weighs_as_its_bytes():
    bits, bytes_ = np.array([30.0, 500.0, 80.0] * 20), np.array([10, 400, 20] * 20)
    held = [
        Value("t", "bits per byte", f"q{i}", b / n, weight=n) for i, (b, n) in enumerate(zip(bits, bytes_, strict=True))
    ]
    assert means(held, [], 0)[""].value == pytest.approx(bits.sum() / bytes_.sum())
    other = [Value("t", "bits per byte", v.question, v.value + 1 / v.weight, weight=v.weight) for v in held]
    (found,) = differences(("t", other), ("b", held), [], 0)
    assert found.difference.value == pytest.approx(60 / bytes_.sum())


def test_outcomes_are_counted_by_pair_over_what_is_tested():
    low, high = values([0] * 60 + [1] * 40), values([1] * 90 + [0] * 10)
    found = differences(("t", high), ("b", low), [], 0) + differences(("t", low), ("b", low), [], 0)
    found += differences(("t", values([0.5] * 9, "unparsed")), ("b", values([1] * 9, "unparsed")), [], 0)
    found += differences(("low", low), ("b", high), [], 0)
    assert [each.model_dump() for each in outcomes(found)] == [
        {"tuned": "t", "base": "b", "win": 1, "tie": 1, "loss": 0, "unknown": 0},
        {"tuned": "low", "base": "b", "win": 0, "tie": 0, "loss": 1, "unknown": 0},
    ]


def test_a_number_beyond_one_keeps_its_interval():
    estimate = means(values([30.0, 40.0] * 30, "bleu"), [], 0)[""]
    assert estimate.value == 35
    assert estimate.low < 35 < estimate.high


def test_one_correction_over_everything_that_is_tested():
    rng = np.random.default_rng(1)
    labels = [("a",) if i % 2 else ("b",) for i in range(100)]
    found = []
    for metric in ("accuracy", "unparsed"):
        base, tuned = (values(rng.random(100) < share, metric, labels) for share in (0.4, 0.7))
        found += differences(("t", tuned), ("b", base), ["a", "b"], 0)
    tested = [each for each in found if each.p is not None]
    assert {each.metric for each in tested} == {"accuracy"}
    expected = stats.false_discovery_control([each.p for each in tested])
    assert [each.q for each in corrected(found) if each.p is not None] == pytest.approx(expected)
