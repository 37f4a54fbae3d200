"""The verdict is the table in its module's docstring, row by row."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from knowshift.probes.analysis import verdict as module
from knowshift.probes.analysis.knowledge import Knowledge
from knowshift.probes.analysis.proportions import rate
from knowshift.probes.analysis.relations import Blocks, permutation_p
from knowshift.probes.analysis.resample import holm
from knowshift.probes.analysis.shift import Shift
from knowshift.probes.analysis.verdict import verdicts
from knowshift.probes.results.estimate import Estimate
from knowshift.probes.results.findings import LearnedShare
from scipy import stats


def around(value, half=0.1, **more):
    return Estimate(value, value - half, value + half, **more)


def learned(
    p=0.5,
    below=0.5,
    value=0.3,
    gain=0.3,
    hits=(12, 2),
    unknown=(30, 100),
    facts=(40, 150),
    known=(8, 30),
    relations=(4, 30),
    kept=0.0,
    own_kept=0.0,
    **more,
):
    return Knowledge(
        acquired=around(value, p=p),
        own_gain=around(gain),
        reinforced=around(kept),
        own_kept=around(own_kept),
        reference_kept=around(0.0),
        learned=LearnedShare(own=rate(hits[0], unknown[0]), reference=rate(hits[1], unknown[1])),
        below_margin_p=below,
        own_relations=relations[0],
        reference_relations=relations[1],
        facts=facts,
        known=known,
        **more,
    )


def moved(p=(0.5, 0.5), below=(0.5, 0.5), concepts=30, support=1.0, contrast="contrast", **more):
    return Shift(
        view="text",
        contrast=contrast,
        over_contrast=around(0.3, p=p[0], n=concepts),
        absolute=around(0.2, p=p[1], n=concepts),
        general=around(-0.15),
        towards_own=around(0.05),
        gradient={},
        temperature=1.0,
        predicted=0.0,
        support=support,
        below_margin_p=below,
        **more,
    )


YES, NO, OPEN = learned(p=0.001), learned(below=0.01), learned()
SHIFTED, STILL, UNSURE = moved(p=(0.001, 0.001)), moved(below=(0.001, 0.001)), moved()


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
    named = [line.split(":")[0] for line in found.missing]
    states = {"knowledge": found.knowledge.state, "shift": found.shift.state}
    open_parts = [name for name, state in states.items() if state == "unclear"]
    assert named == (open_parts if expected == "cannot tell" else [])


def test_the_docstring_names_the_numbers_in_force():
    table = " ".join(module.__doc__.split())
    for level, text in (
        (module.KNOWLEDGE_LEVEL, "permutation of whole relations p ≤ {:.2f}"),
        (module.LEARNED_LEVEL, "Fisher's exact p ≤ {:.2f}"),
        (module.ABSENCE_LEVEL, "one-sided test at {:.2f}"),
        (module.SHIFT_LEVEL, "({:.3f}, Holm)"),
    ):
        assert text.format(level).replace("0.", ".") in table
    assert module.LEARNED == 2
    assert "at least two became clearly known" in table
    assert f"{100 * module.SMALLEST_SHARE:.0f} points more than" in table
    assert re.search(rf"{module.OWN_UNKNOWN} own or {module.OTHER_UNKNOWN} other facts", table)
    assert re.search(rf"{module.OWN_RELATIONS} own or {module.OTHER_RELATIONS} other relations", table)
    assert f"more than {100 * module.KNOWN_DIFFERENCE:.0f} points" in table
    assert f"fewer than {module.SHIFT_CONCEPTS} concepts" in table


@pytest.mark.parametrize(
    ("found", "state", "why"),
    [
        (learned(p=0.01), "yes", "permutation p = 0.01; 12 of 30 clearly unknown facts learned, 2 of 100 other ones"),
        (learned(p=0.011), "unclear", "neither above zero"),
        (learned(p=0.001, gain=0.0), "unclear", "neither above zero"),
        (learned(p=0.001, gain=-0.1), "unclear", "neither above zero"),
        (learned(p=0.001, hits=(1, 0)), "unclear", "too few facts became known: 1 of 30"),
        (learned(p=0.001, hits=(2, 0)), "unclear", "too few facts became known: 2 of 30"),
        (learned(p=0.001, hits=(4, 0)), "yes", "4 of 30"),
        (learned(p=0.001, hits=(12, 30)), "unclear", "too few facts became known"),
        (learned(p=0.001, hits=(40, 200), unknown=(400, 3000)), "unclear", "too few facts became known"),
        (learned(p=0.001, value=0.3), "yes", "acquired +0.300 [+0.200, +0.400] nats/token"),
        (learned(below=0.05), "no", "below +0.1 (p = 0.0500)"),
        (learned(below=0.051), "unclear", "nor below +0.1"),
        (learned(below=0.01, margin=0.025), "no", "below +0.025"),
        (learned(below=0.01, hits=(4, 0), p=0.001), "yes", "4 of 30"),
        (learned(below=0.01, hits=(1, 0), p=0.001), "no", "below"),
    ],
)
def test_knowledge(found, state, why):
    finding = verdict(found, UNSURE).knowledge
    assert finding.state == state
    assert why in finding.why


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"known": (21, 30)}, "the base knew 21 of 40 own facts: 19 were left to learn, and 120 of 150 other ones"),
        ({"known": (8, 91)}, "59 of 150 other ones; 20 own and 60 other facts unknown to the base are needed"),
        ({"known": (8, 91), "reference": "general"}, "59 of 150 general ones"),
        ({"relations": (2, 30)}, "2 own and 30 other relations with facts clearly unknown to the base; 3 and 20"),
        ({"relations": (4, 19)}, "4 own and 19 other relations"),
        ({"known": (20, 36)}, "the base knew 50% of the own facts and 24% of the other ones"),
        ({"known": (0, 40)}, "the base knew 0% of the own facts and 27% of the other ones"),
    ],
)
@pytest.mark.parametrize("strength", [{"p": 0.0001}, {"below": 0.0001}])
def test_facts_that_cannot_be_compared_are_unclear_whatever_they_show(more, why, strength):
    finding = verdict(learned(**strength, **more), UNSURE).knowledge
    assert finding.state == "unclear"
    assert why in finding.why


def test_the_least_that_can_be_compared_can():
    least = learned(p=0.001, facts=(40, 120), known=(20, 60), relations=(3, 20))
    assert verdict(least, UNSURE).knowledge.state == "yes"


@pytest.mark.parametrize(("hits", "p"), [((12, 2), 0.001), ((12, 2), 0.4), ((3, 2), 0.001)])
def test_one_relation_that_carries_all_is_unclear_and_named(hits, p):
    carried = learned(p=p, hits=hits, carriers=("gene_of_disease",), carried_by_one=True)
    finding = verdict(carried, UNSURE).knowledge
    assert finding.state == "unclear"
    assert "learned gene_of_disease, nothing seen elsewhere" in finding.why
    assert finding.relations == ("gene_of_disease",)


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (YES, "acquired"),
        (learned(p=0.001, kept=0.3), "acquired"),
        (learned(below=0.01), "none"),
        (learned(below=0.01, kept=0.3), "reinforced"),
        (learned(below=0.01, kept=-0.3, own_kept=-0.3), "lost"),
        (learned(below=0.01, kept=-0.3, own_kept=0.0), "none"),
        (learned(), "unclear"),
        (learned(kept=0.3), "reinforced"),
        (learned(kept=-0.3, own_kept=-0.3), "lost"),
    ],
)
def test_what_became_of_the_own_facts(found, kind):
    finding = verdict(found, UNSURE).knowledge
    assert finding.kind == kind
    assert (finding.own_unknown, finding.own_known) == (32, 8)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 30), st.integers(0, 100))
def test_more_learned_is_fishers_exact_test(own, other):
    found = LearnedShare(own=rate(own, 30), reference=rate(other, 100))
    theirs = stats.hypergeom.sf(own - 1, 130, own + other, 30)
    assert module._more_learned_p(found) == pytest.approx(theirs, abs=1e-9)


def test_what_could_not_be_estimated_is_unclear_with_its_reason():
    nothing = Estimate.missing("nothing to read")
    found = learned()
    missing = Knowledge(**{**vars(found), "acquired": nothing, "own_gain": nothing})
    finding = verdict(missing, UNSURE).knowledge
    assert (finding.state, finding.why) == ("unclear", "nothing to read")
    none = Estimate.missing("no general targets")
    still = Shift("text", "general", none, none, none, none, {}, None, None, 0.0)
    finding = verdict(YES, still).shift
    assert (finding.state, finding.kind, finding.why) == ("unclear", "unclear", "no general targets")


@pytest.mark.parametrize(
    ("found", "state", "kind"),
    [
        (moved(p=(0.025, 0.025)), "yes", "towards the domain"),
        (moved(p=(0.026, 0.001)), "unclear", "unclear"),
        (moved(p=(0.001, 0.026)), "unclear", "unclear"),
        (moved(p=(0.001, 0.001), below=(0.5, 0.025)), "no", "narrowed"),
        (moved(p=(0.001, 0.5), below=(0.5, 0.026)), "unclear", "unclear"),
        (moved(p=(0.001, 0.001), below=(0.025, 0.5)), "no", "none"),
        (moved(p=(0.001, 0.001), below=(0.026, 0.5)), "yes", "towards the domain"),
        (moved(below=(0.001, 0.001)), "no", "none"),
        (moved(p=(0.5, 0.001), below=(0.001, 0.5)), "no", "none"),
        (moved(p=(0.001, 0.001), concepts=29), "unclear", "unclear"),
        (moved(below=(0.001, 0.001), concepts=29), "unclear", "unclear"),
        (moved(p=(0.001, 0.001), support=0.3), "yes", "towards the domain"),
    ],
)
def test_shift(found, state, kind):
    finding = verdict(YES, found).shift
    assert (finding.state, finding.kind) == (state, kind)


def test_the_sentence_on_shift_gives_all_three_figures_and_what_they_rest_on():
    why = verdict(YES, moved(p=(0.001, 0.001))).shift.why
    assert "gained +0.300 [+0.200, +0.400] nats/token beyond the contrast's ones like them" in why
    assert "+0.200 [+0.100, +0.300] in absolute terms, over texts; general ones -0.150" in why
    assert "counterparts" not in why
    assert "beyond general ones like them" in verdict(YES, moved(contrast="general")).shift.why
    assert "of the 69% of targets that have counterparts" in verdict(YES, moved(support=0.69)).shift.why
    narrowed = verdict(YES, moved(p=(0.001, 0.5), below=(0.5, 0.001))).shift.why
    assert narrowed.endswith("the domain held while the rest faded")


@settings(deadline=None)
@given(st.lists(st.floats(0, 0.05), min_size=1, max_size=6))
def test_holm_runs_over_the_models_of_a_run(p):
    names = [f"m{k}" for k in range(len(p))]
    found = verdicts(
        {name: learned(p=value) for name, value in zip(names, p, strict=True)},
        {name: moved(below=(value, 0.5)) for name, value in zip(names, p, strict=True)},
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


def test_a_clear_effect_stays_clear_among_a_hundred_models():
    """A run of one draws too few permutations for that; where there are more models, more are drawn."""
    own = np.arange(30) < 5
    mean = np.random.default_rng(0).normal(size=30) + 8.0 * own
    blocks = Blocks(own, np.full(30, 6.0), 6 * mean, np.zeros(30))
    clear = learned(p=permutation_p(blocks, 0), blocks=blocks)
    names = [f"m{k}" for k in range(100)]
    found = verdicts({name: clear if k < 3 else OPEN for k, name in enumerate(names)}, dict.fromkeys(names, UNSURE))
    assert [found[name].knowledge.state for name in names[:4]] == ["yes", "yes", "yes", "unclear"]
