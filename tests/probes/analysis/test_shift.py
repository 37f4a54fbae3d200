"""A shift towards the domain is told from a loss elsewhere, from a change of temperature, and from headroom."""

from dataclasses import replace

import numpy as np
import pytest
from knowshift.models.table import TEMPERATURES
from knowshift.probes.analysis.resample import Clusters, bootstrap, bootstrap_sums
from knowshift.probes.analysis.shift import QUANTILES, matched_shift
from knowshift.probes.analysis.targets import MOST_TOKENS, SHRINKAGE, Targets, best_temperature, expected_base
from knowshift.probes.results.rungs import SHIFT_GROUPS
from knowshift.terms.items import CONTRAST
from scipy.sparse import csr_array
from synthetic import judge, world

pytestmark = pytest.mark.filterwarnings("error")

TEXTS = world(specialties=4, facts=0, controls=0, terms=120, words=400, contrast_terms=240)
FACTS = world(specialties=4, facts=40, controls=80, contrast=80)
PLAIN = world(specialties=4, facts=0, controls=0, terms=120, words=400)
"""Without a contrast."""
VIEWS = pytest.mark.parametrize(("made", "view"), [(TEXTS, "text"), (FACTS, "fact")], ids=["text", "fact"])


def rarer(made, by=1.0):
    """The same world with a domain whose words the base finds less likely."""
    logits = made.logits.copy()
    logits[made.in_domain, :, 0] -= by
    return replace(made, logits=logits)


def found(made, tuned, own="s0", per="token", seed=0):
    """The verdict on one model."""
    return judge(made.material({"m": own}, m=tuned, per=per, seed=seed))["m"][1]


def contrast(made):
    return made.of(CONTRAST)


@VIEWS
@pytest.mark.parametrize(("own", "temperature"), [("s0", 1.0), ("s0", 0.9), (None, 1.0)])
def test_a_shift_towards_the_domain_is_found(made, view, own, temperature):
    made = rarer(made, 0.5)
    shift = found(made, made.model(made.moved() + 0.6 * made.in_domain, temperature), own).shift
    assert (shift.state, shift.kind) == ("yes", "towards the domain"), shift.why
    assert (shift.view, shift.contrast) == (view, "contrast")
    assert shift.over_contrast.low > 0
    assert shift.absolute.low > 0
    if temperature == 1:
        assert shift.over_contrast.value == pytest.approx(0.6, abs=0.25)
        assert shift.absolute.value == pytest.approx(0.6, abs=0.15)


@VIEWS
@pytest.mark.parametrize("what", ["nothing", "general words lost", "everything alike", "own specialty alone"])
def test_what_is_no_shift_towards_the_domain(made, view, what):
    gain = {
        "nothing": 0.0,
        "general words lost": -0.6 * made.of("general"),
        "everything alike": 0.8,
        "own specialty alone": 0.8 * made.of("s0"),
    }[what]
    shift = found(made, made.model(made.moved(ease=0.1) + gain)).shift
    assert (shift.state, shift.kind) == ("no", "none"), shift.why
    assert shift.view == view
    lost = -0.6 if what == "general words lost" else 0.8 if what == "everything alike" else 0.0
    assert shift.general.value == pytest.approx(lost, abs=0.1)


@VIEWS
def test_a_domain_that_held_while_the_rest_faded_is_narrowed_or_cannot_be_told(made, view):
    """The contrast lost and general words did not: the temperature explains little of it."""
    shift = found(made, made.model(made.moved(ease=0.05) - 0.5 * contrast(made) - 0.05 * made.in_domain)).shift
    assert shift.state != "yes", shift.why
    assert shift.kind in ("narrowed", "unclear")
    assert shift.over_contrast.low > 0
    assert shift.view == view


@pytest.mark.heavy
@VIEWS
@pytest.mark.parametrize("temperature", [0.55, 0.7, 0.85, 1.1, 1.2, 1.5, 1.9])
def test_a_mere_change_of_temperature_is_no_shift(made, view, temperature):
    made = rarer(made)
    shift = found(made, made.model(temperature=temperature)).shift
    assert shift.state != "yes", shift.why
    assert shift.view == view
    assert shift.temperature == pytest.approx(temperature, abs=0.03)


def test_the_gradient_gives_each_groups_plain_gain():
    size = {"general": -0.3, "contrast": 0.1, "other": 0.5, "own": 0.9}
    rows = {"general": TEXTS.of("general"), "contrast": contrast(TEXTS), "own": TEXTS.of("s0")}
    rows["other"] = TEXTS.in_domain & ~rows["own"]
    shift = found(TEXTS, TEXTS.model(sum(size[name] * rows[name] for name in size))).shift
    assert tuple(shift.gradient) == SHIFT_GROUPS
    for name, estimate in shift.gradient.items():
        assert estimate.value == pytest.approx(size[name])
        assert estimate.low <= size[name] + 1e-9
        assert estimate.high >= size[name] - 1e-9
    assert shift.general == shift.gradient["general"]
    assert shift.towards_own.value == pytest.approx(0.4, abs=0.1)


def test_a_tune_for_the_whole_domain_has_no_own_specialty_to_move_towards():
    shift = found(TEXTS, TEXTS.model(TEXTS.moved() + 0.6 * TEXTS.in_domain), own=None).shift
    assert shift.towards_own.value is None
    assert "whole domain" in shift.towards_own.note
    assert shift.gradient["other"].value is None


def test_without_a_contrast_general_targets_take_its_place():
    shift = found(PLAIN, PLAIN.model(PLAIN.moved() + 0.6 * PLAIN.in_domain)).shift
    assert (shift.state, shift.contrast) == ("yes", "general"), shift.why
    assert "beyond general ones like them" in shift.why
    assert shift.gradient["contrast"].value is None
    assert shift.gradient["contrast"].note == "no contrast targets"


@VIEWS
def test_without_targets_like_the_domains_it_cannot_be_told(made, view):
    made = rarer(made, 12)
    verdict = found(made, made.model(made.moved() + 1.0 * made.in_domain))
    assert verdict.shift.state == "unclear"
    assert "no contrast targets of like length and base log-probability" in verdict.shift.why
    assert verdict.verdict == "cannot tell"
    assert verdict.shift.view == view
    assert verdict.shift.general.value == pytest.approx(0, abs=0.1), "what can be read is"


def test_the_estimate_says_of_which_share_it_is():
    logits = TEXTS.logits.copy()
    logits[TEXTS.of("s1") | TEXTS.of("s2"), :, 0] -= 12
    made = replace(TEXTS, logits=logits)
    shift = found(made, made.model(1.0 * made.in_domain)).shift
    assert shift.support == pytest.approx(1 / 3, abs=0.1)
    assert f"of the {shift.support:.0%} of targets that have counterparts" in shift.why


@pytest.mark.heavy
@pytest.mark.parametrize(("per", "share"), [("token", 1), ("target", FACTS.tokens.mean()), ("character", 0.25)])
def test_the_shift_is_told_in_any_unit(per, share):
    for size, state in ((0.0, "no"), (0.6, "yes")):
        shift = found(FACTS, FACTS.model(FACTS.moved(ease=0.05) + size * FACTS.in_domain), per=per).shift
        assert shift.state == state, shift.why
        assert shift.over_contrast.value == pytest.approx(size * share, rel=0.2, abs=0.05)


# The parts, on targets made by hand


def targets(seed=0, n=400, **given):
    rng = np.random.default_rng(seed)
    group = rng.choice(SHIFT_GROUPS, n, p=(0.3, 0.3, 0.3, 0.1))
    tokens = rng.integers(1, 6, n).astype(float)
    base = rng.normal(-4, 1, n)
    default = {
        "item": np.arange(n),
        "group": group,
        "string": rng.integers(0, n // 3, n),
        "capital": np.zeros(n, dtype=bool),
        "base": base,
        "tokens": tokens,
        "gain": rng.normal(0, 0.5, n),
        "tempered": np.repeat(base[:, None], len(TEMPERATURES), 1),
    }
    return Targets(**{**default, **given})


def measured(of, seed=0, own=True):
    n = len(of.item)
    return matched_shift(of, Clusters.of(range(n), range(n)), "text", "nats/token", 0.1, seed, own)


@pytest.mark.parametrize("seed", range(4))
def test_the_gain_over_the_contrast_is_that_of_a_loop_over_cells(seed):
    of = targets(seed)
    expected = expected_base(of)
    domain = of.group == "other"
    edges = np.quantile(expected[domain], np.linspace(0, 1, QUANTILES + 1))
    cells = {}
    for i in range(len(of.item)):
        if edges[0] <= expected[i] <= edges[-1] and of.group[i] in ("other", "contrast"):
            cell = min(of.tokens[i], MOST_TOKENS), int(np.searchsorted(edges[1:-1], expected[i]))
            cells.setdefault(cell, {"other": [], "contrast": []})[of.group[i]].append(of.gain[i])
    total = weight = 0.0
    for sides in cells.values():
        if sides["other"] and len(sides["contrast"]) > 1:
            total += len(sides["other"]) * (np.mean(sides["other"]) - np.mean(sides["contrast"]))
            weight += len(sides["other"])
    found = measured(of)
    assert found.over_contrast.value == pytest.approx(total / weight)
    assert found.support == pytest.approx(weight / domain.sum())
    assert found.absolute.value == pytest.approx(of.gain[domain].mean())
    assert (found.predicted, found.over_contrast.n) == (pytest.approx(0.0), domain.sum())


def test_a_target_is_matched_by_what_its_string_scores_elsewhere():
    of = targets(1)
    expected = expected_base(of)
    length = np.minimum(of.tokens, MOST_TOKENS)
    for i in range(len(of.item)):
        others = [of.base[j] for j in range(len(of.item)) if of.string[j] == of.string[i] and j != i]
        mean = of.base[length == length[i]].mean()
        assert expected[i] == pytest.approx((sum(others) + SHRINKAGE * mean) / (len(others) + SHRINKAGE))


def test_contrast_targets_beyond_the_domains_range_change_nothing():
    of = targets(2, string=np.arange(400) // 8)
    far = (of.group == "contrast") & (of.string % 2 == 0)
    base = np.where(of.string % 2 == 0, of.base - 30, of.base)
    keep = (of.group == "contrast") | (of.string % 2 == 1)
    of = replace(of, base=base, string=np.where(far, 1000 + of.string, of.string))
    of = Targets(**{name: getattr(of, name)[keep] for name in vars(of)} | {"item": np.arange(keep.sum())})
    far = far[keep]
    plain = measured(of).over_contrast.value
    assert measured(replace(of, gain=of.gain + 50.0 * far)).over_contrast.value == pytest.approx(plain)


def test_what_capital_letters_gain_by_themselves_does_not_count():
    """The contrast's names have capitals, and capitals gain: the domain's terms, which have none, moved nowhere."""
    rng = np.random.default_rng(33)
    of = targets(3, n=2000)
    share = {"general": 0.3, "contrast": 0.9, "other": 0.1, "own": 0.1}
    capital = rng.random(2000) < np.array([share[name] for name in of.group])
    of = replace(of, capital=capital, gain=0.5 * capital + rng.normal(0, 0.1, 2000))
    found = measured(of)
    assert found.over_contrast.value == pytest.approx(0.0, abs=0.05)
    blind = measured(replace(of, capital=np.zeros(2000, dtype=bool)))
    assert blind.over_contrast.value == pytest.approx(-0.4, abs=0.05)


@pytest.mark.parametrize("temperature", [0.55, 0.8, 1.0, 1.3, 1.9])
def test_the_best_temperature_is_the_one_that_was_set_and_foretells_each_gain(temperature):
    """Between the temperatures that were read, too; what it is to foretell has no part in finding it."""
    base = np.stack([TEXTS.logprob(t) for t in TEMPERATURES], 1)
    gain, rows = TEXTS.logprob(temperature) - TEXTS.logprob(), len(TEXTS.item)
    group = np.select([TEXTS.of("general"), contrast(TEXTS), TEXTS.of("s0")], ["general", "contrast", "own"], "other")
    of = targets(n=rows, group=group, gain=gain, base=base[:, 2] / TEXTS.tokens, tokens=TEXTS.tokens, tempered=base)
    best, predicted = best_temperature(of)
    assert best == pytest.approx(temperature, rel=2e-3)
    assert predicted == pytest.approx(gain, abs=0.06)
    moved = replace(of, gain=gain + 2.0 * TEXTS.in_domain)
    assert best_temperature(moved)[0] == best


@pytest.mark.parametrize("clusters", [12, 60])
def test_sums_are_drawn_as_items_are(clusters):
    """The quick bootstrap of sums gives the draws of the plain one."""
    rng = np.random.default_rng(0)
    values, group = rng.normal(size=200), rng.integers(0, 2, 200)
    crossed = Clusters.of(rng.integers(clusters, size=200).tolist(), rng.integers(clusters, size=200).tolist())
    columns = np.column_stack([group == 0, group == 1, values * (group == 0), values * (group == 1)]).astype(float)

    def difference(sums):
        return (sums[:, 2] / sums[:, 0] - sums[:, 3] / sums[:, 1])[:, None]

    quick = bootstrap_sums(csr_array(columns), difference, crossed, 5, 299)
    plain = bootstrap(lambda weights: difference(weights @ columns), crossed, 5, 299)
    assert quick.values == pytest.approx(plain.values)
    assert quick.deviations == pytest.approx(plain.deviations, abs=1e-9)
    assert quick.estimate(0, 200, "nats").json() == pytest.approx(plain.estimate(0, 200, "nats").json())


@pytest.mark.parametrize("made", [PLAIN, TEXTS], ids=["no contrast", "contrast"])
def test_a_domain_that_did_not_gain_is_never_said_to_have_been_moved_to(made):
    """All but the domain lost 0.6 nats, and the domain nothing: narrowed, as the method says."""
    shift = found(made, made.model(made.moved(ease=0.05) - 0.6 * ~made.in_domain)).shift
    assert abs(shift.gradient["other"].value) < 0.02
    assert shift.state != "yes", shift.why
