"""A shift towards the domain is told from a change of temperature and from headroom."""

from dataclasses import replace

import numpy as np
import pytest
from knowshift.models.table import TEMPERATURES
from knowshift.probes.analysis.analyze import analyze
from knowshift.probes.analysis.resample import Clusters
from knowshift.probes.analysis.shift import Entries, best_temperature, matched_shift
from synthetic import world

pytestmark = pytest.mark.filterwarnings("error")

TEXTS = world(specialties=4, facts=0, controls=0, terms=120, words=400)
FACTS = world(specialties=4, facts=30, controls=80)


def rarer(made, by=1.0):
    """The same world with a domain whose words the base finds less likely."""
    logits = made.logits.copy()
    logits[made.in_domain, :, 0] -= by
    return replace(made, logits=logits)


def found(made, tuned, own="s0", per="token", seed=0):
    return analyze(made.material({"m": own}, m=tuned, per=per, seed=seed)).models["m"]


@pytest.mark.heavy
@pytest.mark.parametrize("made", [TEXTS, FACTS], ids=["text", "fact"])
@pytest.mark.parametrize("temperature", [0.55, 0.7, 0.85, 1.1, 1.2, 1.5, 1.9])
def test_a_mere_change_of_temperature_is_no_shift(made, temperature):
    made = rarer(made)
    model = found(made, made.model(temperature=temperature))
    assert model.shift.state != "yes", model.shift.why
    assert model.shift.temperature == pytest.approx(temperature, abs=0.03)
    # The raw rung is taken in by it.
    raw = (model.text_rungs if made is TEXTS or model.shift.view == "text" else model.rungs)["domain_shift"]
    assert not raw.low <= 0 <= raw.high
    assert abs(model.shift.matched.value) < abs(raw.value)


@pytest.mark.parametrize(("made", "view"), [(TEXTS, "text"), (FACTS, "fact")], ids=["text", "fact"])
@pytest.mark.parametrize(("own", "temperature"), [("s0", 1.0), ("s0", 0.8), (None, 1.0)])
def test_a_planted_shift_is_found(made, view, own, temperature):
    made = rarer(made, 0.5)
    model = found(made, made.model(made.moved() + 0.6 * made.in_domain, temperature), own)
    assert model.shift.state == "yes", model.shift.why
    assert model.shift.view == view
    assert model.shift.matched.low > 0
    if temperature == 1:
        assert model.shift.matched.value == pytest.approx(0.6, abs=0.25)


@pytest.mark.heavy
@pytest.mark.parametrize("made", [TEXTS, FACTS], ids=["text", "fact"])
@pytest.mark.parametrize("what", ["nothing", "own specialty alone", "everything alike"])
def test_what_the_other_specialties_did_not_gain_on_the_general_is_no_shift(made, what):
    gain = {"nothing": 0.0, "own specialty alone": 0.8 * made.of("s0"), "everything alike": 0.8}[what]
    model = found(made, made.model(made.moved(ease=0.1) + gain))
    assert model.shift.state == "no", model.shift.why


@pytest.mark.parametrize("made", [TEXTS, FACTS], ids=["text", "fact"])
def test_without_general_targets_like_the_domains_it_cannot_be_told(made):
    made = rarer(made, 12)
    model = found(made, made.model(made.moved() + 1.0 * made.in_domain))
    assert model.shift.state == "unclear"
    assert "like" in model.shift.why
    assert model.verdict == "cannot tell"


def test_part_of_the_domain_without_general_targets_like_it_cannot_be_told():
    logits = TEXTS.logits.copy()
    logits[TEXTS.of("s1") | TEXTS.of("s2"), :, 0] -= 12
    made = replace(TEXTS, logits=logits)
    model = found(made, made.model(1.0 * made.in_domain))
    assert model.shift.support == pytest.approx(1 / 3, abs=0.1)
    assert "of the domain's targets have general ones like them" in model.shift.why


@pytest.mark.heavy
@pytest.mark.parametrize(("per", "share"), [("token", 1), ("target", FACTS.tokens.mean()), ("character", 0.25)])
def test_the_shift_is_told_in_any_unit(per, share):
    for size, state in ((0.0, "no"), (0.6, "yes")):
        model = found(FACTS, FACTS.model(FACTS.moved(ease=0.05) + size * FACTS.in_domain), per=per)
        assert model.shift.state == state, model.shift.why
        assert model.shift.matched.value == pytest.approx(size * share, rel=0.15, abs=0.03)


@pytest.mark.parametrize("temperature", [0.55, 0.8, 1.0, 1.3, 1.9])
def test_the_best_temperature_is_the_one_that_was_set_and_foretells_each_gain(temperature):
    """Between the temperatures that were read, too."""
    base = np.stack([TEXTS.logprob(t) for t in TEMPERATURES], 1)
    gain = TEXTS.logprob(temperature) - TEXTS.logprob()
    entries = Entries(np.arange(len(gain)), TEXTS.in_domain, base[:, 2] / TEXTS.tokens, TEXTS.tokens, gain, base)
    best, predicted = best_temperature(entries)
    assert best == pytest.approx(temperature, rel=2e-3)
    assert predicted == pytest.approx(gain, abs=0.06)


def test_the_matched_rung_is_the_mean_difference_within_cells():
    """Two lengths, and general targets that gained more where there are few: weighed as the domain's are."""
    length = np.repeat([1, 1, 2, 2], 20)
    domain = np.tile(np.repeat([True, False], 20), 2)
    keep = np.r_[0:20, 20:25, 40:45, 60:80]  # 20 domain and 5 general of one token, 5 and 20 of two
    gain = np.where(domain, 1.0, 0.0) + np.where(length == 2, 0.5, 0.0) + np.where(~domain & (length == 2), 0.2, 0)
    tempered = np.zeros((80, len(TEMPERATURES)))
    entries = Entries(np.arange(len(keep)), domain[keep], np.full(50, -2.0), length[keep], gain[keep], tempered[keep])
    result = matched_shift(entries, Clusters.of(range(50), range(50)), "text", "nats/token", 0.1, 0)
    assert result.matched.value == pytest.approx((20 * 1.0 + 5 * 0.8) / 25)
    assert (result.support, result.predicted, result.matched.n) == (1.0, 0.0, 25)


def test_a_general_target_beyond_the_domains_range_changes_nothing():
    made = FACTS
    far = replace(made, logits=made.logits.copy())
    far.logits[made.of("general") & (made.item % 2 == 0), :, 0] -= 30
    plain = found(far, far.model(0.5 * far.in_domain)).shift.matched.value
    gain = 0.5 * far.in_domain + 50 * (far.of("general") & (far.logprob() / far.tokens < -20))
    assert found(far, far.model(gain)).shift.matched.value == pytest.approx(plain)
