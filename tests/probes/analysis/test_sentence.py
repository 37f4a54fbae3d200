"""The verdict in plain words: each kind of knowledge and of shift."""

from __future__ import annotations

import pytest
from knowshift.probes.analysis.knowledge import Knowledge
from knowshift.probes.analysis.sentence import describe
from knowshift.probes.analysis.verdict import Verdict
from knowshift.probes.results.estimate import Estimate
from knowshift.probes.results.findings import Counts, KnowledgeFinding, LearnedShare, Ledger, Rate, ShiftFinding
from knowshift.probes.results.rungs import SHIFT_GROUPS
from knowshift.terms.domain import Domain, Specialty

DOMAIN = Domain("medicine", specialties={"neurology": Specialty("neurology", "Neurology")})
NONE = Estimate.missing("not measured")
GAINED, FADED = Estimate(0.2, 0.1, 0.3), Estimate(-0.2, -0.3, -0.1)
LEDGER = Ledger(
    own=Counts(facts=40, unknown=31, learned=14, known=9, lost=6),
    other=Counts(facts=240, unknown=190, learned=11, known=50, lost=4),
    general=Counts(),
)
LEARNED = LearnedShare(
    own=Rate(hits=14, n=30, rate=14 / 30, low=0.3, high=0.7),
    reference=Rate(hits=6, n=180, rate=1 / 30, low=0.0, high=0.1),
)


def say(kind="none", state="no", shift="none", own="neurology", known=(NONE, NONE), carried=False, **finding):
    given = {"why": "", "own_unknown": 31, "own_known": 9} | finding
    knowledge = KnowledgeFinding(state=state, kind=kind, learned=LEARNED, **given)
    moved = ShiftFinding(
        state={"towards the domain": "yes", "unclear": "unclear"}.get(shift, "no"),
        kind=shift,
        why="",
        view="text",
        contrast="contrast",
        over_contrast=NONE,
        absolute=NONE,
        general=NONE,
        towards_own=NONE,
        gradient=dict.fromkeys(SHIFT_GROUPS, NONE),
        temperature=1.0,
        predicted=0.0,
        support=1.0,
    )
    reference = "other" if own else "general"
    found = Knowledge(
        NONE, NONE, NONE, *known, LEARNED, carried_by_one=carried, reference=reference, carriers=("gene_of_disease",)
    )
    return describe("m", DOMAIN, own, Verdict("", knowledge, moved), found, LEDGER)


COUNTED = "14 of 30 facts that the base clearly did not know were learned, 1 expected from the other specialties"
STILL = "it did not move towards the domain (medicine)"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"kind": "acquired", "state": "yes"},
            "it learned 14 of 30 neurology facts that the base clearly did not know, 1 expected from the other "
            "specialties",
        ),
        ({"kind": "none"}, f"no sign that it learned neurology facts ({COUNTED})"),
        (
            {"kind": "reinforced", "known": (GAINED, FADED)},
            "it reinforced what the base knew of neurology while it faded elsewhere, with no sign of new facts "
            f"({COUNTED})",
        ),
        (
            {"kind": "reinforced", "known": (NONE, FADED), "state": "unclear"},
            f"it kept what the base knew of neurology while it faded elsewhere, with new facts in doubt ({COUNTED})",
        ),
        (
            {"kind": "lost"},
            "it lost 6 of the 9 neurology facts that the base knew (other specialties: 4 of 50), with no sign of new "
            f"facts ({COUNTED})",
        ),
        ({"kind": "unclear", "state": "unclear"}, f"whether it learned neurology facts cannot be told ({COUNTED})"),
        (
            {"kind": "unclear", "state": "unclear", "carried": True},
            f"whether it learned neurology facts cannot be told ({COUNTED}; all of them on gene of disease)",
        ),
        (
            {"kind": "unclear", "state": "unclear", "testable": False, "own_unknown": 12, "own_known": 45},
            "whether it learned neurology facts cannot be told: the base knew 45 of 57 of them",
        ),
        (
            {"kind": "unclear", "state": "unclear", "testable": False, "why": "2 own relations; 3 are needed"},
            "whether it learned neurology facts cannot be told: 2 own relations; 3 are needed",
        ),
        (
            {"kind": "unclear", "state": "unclear", "testable": False, "own_unknown": 0, "own_known": 0},
            "whether it learned neurology facts cannot be told: none could be asked",
        ),
    ],
)
def test_what_became_of_knowledge(given, expected):
    assert say(**given) == f"m: {expected}; {STILL}."


@pytest.mark.parametrize(
    ("finding", "expected"),
    [
        ({"relations": ("gene_of_disease",)}, "specialties, all of them on gene of disease;"),
        ({"relations": ("a", "b_c")}, "specialties, all of them on a and b c;"),
        ({"relations": tuple("abcd")}, "specialties;"),
        ({"wording": "taught"}, "specialties, in the trained wording only;"),
        ({"wording": "wording 2"}, "specialties, in one wording only (wording 2);"),
    ],
)
def test_few_relations_and_a_single_wording_are_named(finding, expected):
    assert expected in say("acquired", "yes", **finding)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("towards the domain", "; it moved towards the domain (medicine) or fields like it."),
        ("narrowed", "; it narrowed: the domain (medicine) held while the rest faded."),
        ("none", f"; {STILL}."),
        ("unclear", "; whether it moved towards the domain (medicine) cannot be told."),
    ],
)
def test_what_became_of_the_domain(kind, expected):
    assert say(shift=kind).endswith(expected)


def test_a_tune_of_the_whole_domain_is_compared_with_general_facts():
    assert "14 of 30 medicine facts that the base clearly did not know, 1 expected from general facts;" in say(
        "acquired", "yes", own=None
    )
