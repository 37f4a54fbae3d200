"""What is said to be detectable is detected four times in five, and a smaller effect less often."""

from dataclasses import replace

import numpy as np
import pytest
from knowshift.probes.analysis.analyze import analyze
from knowshift.probes.analysis.centring import Centred
from knowshift.probes.analysis.detectable import POWER, Errors, detectable, label_error
from knowshift.probes.analysis.knowledge import measure
from knowshift.probes.analysis.resample import Clusters, effect_size, permutation_p
from knowshift.probes.analysis.verdict import ABSENCE_LEVEL, KNOWLEDGE_LEVEL
from scipy import stats
from synthetic import world

pytestmark = pytest.mark.filterwarnings("error")

OWN, OTHER, SPREAD = 40, 240, 0.3
BELOW = 2.5
"""How far the truths lie below the mean of the wrong answers."""
IS_OWN = np.arange(OWN + OTHER) < OWN
CLUSTERS = Clusters.of(range(OWN + OTHER), range(OWN + OTHER))
RELATIONS = [f"r{n // 8}" for n in range(OWN + OTHER)]
SPECIALTIES = ["own" if own else "other" for own in IS_OWN]


def repetition(seed, effect):
    """Knowledge measured on fresh facts, the own ones' true answers having gained `effect`."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(OWN + OTHER, 6))
    base[:, 0] -= BELOW  # all of them clearly unknown, but for a few
    tuned = base + rng.normal(0, SPREAD, base.shape)
    tuned[:, 0] += effect * IS_OWN
    centred = Centred(base, tuned, np.arange(6)[None] * np.ones((OWN + OTHER, 1)) > 0)
    return measure(centred, IS_OWN, ~IS_OWN, RELATIONS, SPECIALTIES, CLUSTERS, seed, unit="nats/token", draws=199)


def seen_in(found, models=1):
    return detectable(
        found.errors,
        KNOWLEDGE_LEVEL / models,
        ABSENCE_LEVEL / models,
        concepts=OWN,
        margin=found.margin,
        unit="nats/token",
    )


@pytest.fixture(scope="module")
def smallest():
    return [seen_in(repetition(1000 + seed, 0.0)) for seed in range(20)]


def test_the_smallest_effect_is_that_of_theory(smallest):
    """Normal residuals of a truth, of the mean of five wrong answers, and of their slope: the error is known.

    The slope's variance is one over the wrong answers' degrees of freedom, four in each fact; the truths lie `BELOW`
    from where it turns, and the permutation takes the lines as they are. A little is added where
    relations seem to move by themselves.
    """
    null, error = (SPREAD * ((1.2 + slope) * (1 / OWN + 1 / OTHER)) ** 0.5 for slope in (0, BELOW**2 / 4))
    expected = stats.norm.ppf(1 - KNOWLEDGE_LEVEL) * null + stats.norm.ppf(POWER) * error
    assert np.mean([one.effect for one in smallest]) == pytest.approx(expected, rel=0.2)
    expected = (stats.norm.ppf(1 - ABSENCE_LEVEL) + stats.norm.ppf(POWER)) * error
    assert np.mean([one.absence for one in smallest]) == pytest.approx(expected, rel=0.2)


@pytest.mark.slow
def test_an_effect_of_that_size_is_found_four_times_in_five(smallest):
    effect = float(np.mean([one.effect for one in smallest]))

    def power(size, repeats=80):
        found = [repetition(seed, size) for seed in range(repeats)]
        return np.mean([one.acquired.p <= KNOWLEDGE_LEVEL and one.own_gain.value > 0 for one in found])

    assert 0.6 <= power(effect) <= 0.95
    assert power(effect / 2) <= 0.45


def test_an_effect_that_is_there_does_not_hide_itself():
    """The critical value is that of no effect, whatever the own facts gained."""
    without, with_it = (seen_in(repetition(3, effect)) for effect in (0.0, 2.0))
    assert with_it.effect == pytest.approx(without.effect, rel=1e-3)


def test_concepts_needed_grow_with_the_square(smallest):
    one = smallest[0]
    assert one.needed == int(np.ceil(OWN * (one.effect / 0.1) ** 2))
    errors = Errors(0.01, 0.01, 100)
    enough = detectable(errors, 0.01, 0.05, concepts=400, margin=0.1, unit="nats/token", least=30)
    assert enough.effect < 0.1
    assert enough.needed == int(np.ceil(400 * (enough.effect / 0.1) ** 2))
    assert "needed" not in str(enough)
    assert "400 concepts" in str(enough)
    tiny = detectable(Errors(1e-6, 1e-6, 100), 0.01, 0.05, concepts=400, margin=0.1, unit="nats/token", least=30)
    assert tiny.needed == 30


def test_more_models_ask_for_a_larger_effect(smallest):
    found = repetition(0, 0.0)
    sizes = [seen_in(found, models).effect for models in (1, 2, 8)]
    assert sizes[0] < sizes[1] < sizes[2]


def test_what_is_not_known_gives_no_answer():
    assert detectable(None, 0.01, 0.05, concepts=9, margin=0.1, unit="nats/token") is None
    assert detectable(Errors(float("nan"), 0.1, 9), 0.01, 0.05, concepts=9, margin=0.1, unit="nats/token") is None


def test_few_clusters_take_students_quantiles():
    few, many = (
        detectable(Errors(0.1, 0.1, clusters), 0.01, 0.05, concepts=9, margin=0.1, unit="nats/token")
        for clusters in (9, 90)
    )
    assert few.effect == pytest.approx(0.1 * (stats.t.ppf(0.99, 8) + stats.t.ppf(0.8, 8)))
    assert many.effect == pytest.approx(0.1 * (stats.norm.ppf(0.99) + stats.norm.ppf(0.8)))


@pytest.mark.parametrize("seed", range(3))
def test_the_label_error_is_that_of_the_permutations(seed):
    rng = np.random.default_rng(seed)
    cluster = rng.permutation(np.repeat(np.arange(40), 2))
    values, own = rng.normal(size=40)[cluster] + rng.normal(size=80), cluster < 12
    drawn = []

    def difference(labels):
        out = (labels @ values) / labels.sum(1) - ((1 - labels) @ values) / (1 - labels).sum(1)
        drawn.extend(out)
        return out[:, None]

    values = values - np.where(own, values[own].mean(), values[~own].mean())
    permutation_p(difference, own, cluster, seed, 2999)
    assert label_error(values, own, cluster) == pytest.approx(np.std(drawn), rel=0.05)


def test_an_effect_size_is_cohens_d_over_concepts():
    values, cluster = np.array([1.0, 3.0, 5.0, 5.0, 0.0]), np.array([0, 0, 1, 1, 2])
    assert effect_size(1.5, values, cluster) == pytest.approx(1.5 / np.std([2.0, 5.0, 0.0], ddof=1))
    assert effect_size(1.5, np.ones(5), cluster) is None
    assert effect_size(float("nan"), values, cluster) is None


@pytest.mark.heavy
def test_every_verdict_says_what_it_could_have_seen_and_what_is_needed():
    made = world(specialties=6, facts=40, controls=80)
    noisy = made.moved(1, noise=0.6)
    found = analyze(made.material(m=made.model(noisy), n=made.model(noisy))).models["m"]
    assert found.verdict == "cannot tell"
    seen = found.knowledge.detectable
    assert seen.effect > seen.margin > 0
    assert seen.level == KNOWLEDGE_LEVEL / 2
    line = next(line for line in found.missing if line.startswith("knowledge: "))
    visible = f"({seen.concepts} concepts can show an effect of {seen.effect:.2g} nats/token"
    assert f"{visible}; for {seen.margin:.2g} about {seen.needed:,} are needed)" in line
    assert seen.concepts == found.knowledge.learned.own.n
    quiet = analyze(made.material(m=made.model(made.moved(1)))).models["m"]
    assert quiet.knowledge.detectable.effect < quiet.knowledge.detectable.margin
    assert quiet.shift.detectable.effect > 0
    assert quiet.acquired.effect is not None


def test_all_equal_scores_have_nothing_to_detect_with():
    made = world(specialties=4, facts=40)
    made = replace(made, logits=np.zeros_like(made.logits), tokens=np.ones_like(made.tokens))
    found = analyze(made.material(m=made.model())).models["m"]
    assert found.knowledge.detectable is None
