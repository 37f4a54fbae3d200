"""The verdict is the table in its module's docstring, row by row."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from knowshift.probes.analysis import verdict as module
from knowshift.probes.analysis.knowledge import Knowledge
from knowshift.probes.analysis.resample import holm
from knowshift.probes.analysis.shift import Shift
from knowshift.probes.analysis.verdict import verdicts
from knowshift.probes.results.estimate import Estimate


def learned(p=0.5, below=0.5, gain=(0.2, 0.4), own=40, other=120, covered=1.0, value=0.3, **more):
    specific = Estimate(value, value - 0.1, value + 0.1, p=p)
    return Knowledge(specific, Estimate(sum(gain) / 2, *gain), below, own, other, covered, 1.0, **more)


def moved(p=0.5, below=0.5, support=1.0, concepts=30):
    return Shift("text", Estimate(0.3, 0.2, 0.4, p=p, n=concepts), 1.0, 0.0, support, below)


YES, NO, OPEN = learned(p=0.001), learned(below=0.01), learned()
SHIFTED, STILL, UNSURE = moved(p=0.001), moved(below=0.001), moved()


def verdict(knowledge, shift):
    return verdicts({"m": knowledge}, {"m": shift})["m"]


@pytest.mark.parametrize(
    ("knowledge", "shift", "expected"),
    [
        (YES, SHIFTED, "both"),
        (YES, STILL, "knowledge injection"),
        (YES, UNSURE, "knowledge injection"),
        (NO, SHIFTED, "domain shift"),
        (NO, STILL, "neither"),
        (NO, UNSURE, "cannot tell"),
        (OPEN, SHIFTED, "cannot tell"),
        (OPEN, STILL, "cannot tell"),
        (OPEN, UNSURE, "cannot tell"),
    ],
)
def test_every_row(knowledge, shift, expected):
    found = verdict(knowledge, shift)
    assert found.verdict == expected
    said = [line.split(":")[0] for line in found.missing]
    states = {"knowledge": found.knowledge.state, "shift": found.shift.state}
    assert said == ([name for name, state in states.items() if state == "unclear"] if expected == "cannot tell" else [])


def test_the_docstring_names_the_levels_in_force():
    table = module.__doc__
    assert f"permutation p ≤ {module.KNOWLEDGE_LEVEL:.2f}".replace("0.", ".") in table
    assert f"one-sided test at {module.ABSENCE_LEVEL:.2f}".replace("0.", ".") in table
    assert f"at {module.SHIFT_LEVEL:.3f}".replace("0.", ".") in table
    assert re.search(rf"{module.OWN_CONCEPTS} own or {module.OTHER_CONCEPTS} other", table)


@pytest.mark.parametrize(
    ("found", "state", "why"),
    [
        (learned(p=0.01), "yes", "permutation p = 0.0100"),
        (learned(p=0.011), "unclear", "neither above zero"),
        (learned(p=0.001, gain=(-0.01, 0.4)), "yes", "own margins gained +0.195"),
        (learned(p=0.001, gain=(-0.4, 0.4)), "unclear", "own margins did not gain (+0.000)"),
        (learned(p=0.001, gain=(-0.4, 0.2)), "unclear", "own margins did not gain (-0.100)"),
        (learned(p=0.001, own=29), "unclear", "29 own and 120 other concepts"),
        (learned(p=0.001, other=59), "unclear", "40 own and 59 other concepts"),
        (learned(p=0.001, other=59, beside="general"), "unclear", "40 own and 59 general concepts"),
        (learned(p=0.001, own=30, other=60), "yes", "specific knowledge +0.300 [+0.200, +0.400] nats/token"),
        (learned(p=0.001, covered=0.89), "unclear", "only 89% of own facts"),
        (learned(below=0.05), "no", "below +0.1 (p = 0.0500)"),
        (learned(below=0.051), "unclear", "nor below +0.1"),
        (learned(below=0.01, margin=0.025), "no", "below +0.025"),
        (learned(below=0.001, value=-0.4), "no", "clearly negative"),
        (learned(below=0.001, own=29), "unclear", "29 own"),
    ],
)
def test_knowledge(found, state, why):
    finding = verdict(found, UNSURE).knowledge
    assert finding.state == state
    assert why in finding.why


def test_what_could_not_be_estimated_is_unclear_with_its_reason():
    nothing = Estimate.missing("no line can be fitted")
    finding = verdict(Knowledge(nothing, nothing, None, 40, 120, 1.0, None), UNSURE).knowledge
    assert (finding.state, finding.why) == ("unclear", "no line can be fitted")
    finding = verdict(YES, Shift("text", Estimate.missing("no general targets"), None, None, 0.0)).shift
    assert (finding.state, finding.why) == ("unclear", "no general targets")


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (moved(p=0.025), "yes"),
        (moved(p=0.026), "unclear"),
        (moved(below=0.025), "no"),
        (moved(below=0.026), "unclear"),
        (moved(p=0.001, below=0.001), "no"),
        (moved(p=0.001, support=0.69), "unclear"),
        (moved(p=0.001, support=0.7), "yes"),
        (moved(p=0.001, concepts=29), "unclear"),
    ],
)
def test_shift(found, state):
    assert verdict(YES, found).shift.state == state


@settings(deadline=None)
@given(st.lists(st.floats(0, 0.05), min_size=1, max_size=6))
def test_holm_runs_over_the_models_of_a_run(p):
    names = [f"m{k}" for k in range(len(p))]
    found = verdicts(
        {name: learned(p=value) for name, value in zip(names, p, strict=True)},
        {name: moved(below=value) for name, value in zip(names, p, strict=True)},
    )
    for name, adjusted in zip(names, holm(p), strict=True):
        assert (found[name].knowledge.state == "yes") == (adjusted <= module.KNOWLEDGE_LEVEL)
        assert (found[name].shift.state == "no") == (adjusted <= module.SHIFT_LEVEL)


def test_one_models_p_may_be_enough_alone_and_not_among_four():
    borderline = learned(p=0.004)
    assert verdict(borderline, STILL).verdict == "knowledge injection"
    others = {f"m{k}": OPEN for k in range(3)}
    shifts = dict.fromkeys(("m", *others), STILL)
    assert verdicts({"m": borderline, **others}, shifts)["m"].knowledge.state == "unclear"
