"""Known, maybe known, unknown: on facts made by hand, and what *clearly* means."""

import numpy as np
import pytest
from knowshift.probes.analysis.centring import Centred
from knowshift.probes.analysis.standing import CLEARLY_KNOWN, ONE_WORDING, STANDARD_ERRORS, Standing
from knowshift.probes.results.rungs import CATEGORIES

pytestmark = pytest.mark.filterwarnings("error")


def standing(*leads: tuple[float, ...], tuned: tuple[tuple[float, ...], ...] | None = None, scale: float = 1.0):
    """Facts by the truth's lead in each wording, the wrong answers all at zero."""

    def side(given):
        wordings = np.zeros((len(given[0]), len(given), 4))
        wordings[..., 0] = np.array(given, dtype=float).T
        return wordings.mean(0), wordings

    (base, base_wordings), (after, after_wordings) = side(leads), side(tuned or leads)
    like = np.tile(np.arange(4) > 0, (len(leads), 1))
    return Standing.of(Centred(base, after, like, base_wordings, after_wordings), scale)


def test_first_on_average_first_in_some_wording_first_in_none():
    found = standing((1, 1), (3, -1), (1, -3), (-1, -1), (2, -2))
    assert found.categories() == ["known", "known", "maybe known", "unknown", "maybe known"]
    assert set(found.categories()) == set(CATEGORIES)


def test_a_tie_is_not_first():
    assert standing((0, 0), (0, -1), (0, 1)).categories() == ["unknown", "unknown", "known"]


def test_base_and_tuned_have_categories_of_their_own():
    found = standing((-2, -2), (2, 2), tuned=((2, 2), (-2, 1)))
    assert found.categories() == ["unknown", "known"]
    assert found.categories(tuned=True) == ["known", "maybe known"]


def test_a_fact_that_cannot_be_read_is_in_no_category():
    found = standing((1, 1), (np.nan, np.nan), (np.nan, 1))
    assert found.categories()[:2] == ["known", None]
    assert not found.is_clearly_unknown[1]
    assert not found.is_clearly_known[1]


def test_too_few_wrong_answers_of_like_length_are_no_reading():
    values = np.array([[0.0, 1.0, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0]])
    like = np.array([[False, True, True, True], [False, True, True, False]])
    assert Standing.of(Centred(values, values, like)).categories() == ["unknown", None]


def test_one_wording_has_a_fixed_threshold_in_nats_per_token():
    limit = ONE_WORDING
    found = standing((-limit,), (-limit + 0.01,), (limit * CLEARLY_KNOWN,), (limit * CLEARLY_KNOWN - 0.01,))
    assert found.threshold == limit
    assert found.is_clearly_unknown.tolist() == [True, False, False, False]
    assert found.is_clearly_known.tolist() == [False, False, True, False]
    assert found.categories() == ["unknown", "unknown", "known", "known"]
    assert standing((-1.0,), scale=0.25).threshold == limit / 4


@pytest.mark.parametrize("wordings", [2, 3])
def test_several_wordings_give_two_standard_errors_of_a_facts_mean(wordings):
    leads = np.random.default_rng(0).normal(-2, 0.7, (200, wordings))
    found = standing(*map(tuple, leads))
    error = np.sqrt(np.mean([np.var(row, ddof=1) / wordings for row in leads]))
    assert found.threshold == pytest.approx(STANDARD_ERRORS * error)
    assert found.threshold == pytest.approx(STANDARD_ERRORS * 0.7 / np.sqrt(wordings), rel=0.1)


def test_a_fact_known_in_one_wording_is_never_clearly_unknown():
    found = standing((-9, 0.5), (-9, -9), *[(-2, -2)] * 200)
    assert found.base_lead[0] < -found.threshold
    assert found.is_clearly_unknown.tolist()[:2] == [False, True]
