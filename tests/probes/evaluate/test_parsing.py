"""What a written answer says; the published scorers' defects are cases here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowshift.probes.evaluate.parsing import said_label, said_option
from knowshift.probes.evaluate.readers.clue import NLI_LABELS

OPTIONS = ["Iron", "Iron deficiency", "Zinc", "A copper salt"]


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [
        ("C", 2),
        ("(C) Zinc", 2),
        ("C. Zinc", 2),
        ("**C**", 2),
        ("C: because", 2),
        ("The correct answer is C: Zinc.", 2),
        ("the answer is (B).", 1),
        ("Answer: D", 3),
        ("The answer is A copper salt", 3),
        ("Option C", 2),
        ("C Zinc", 2),
        ("c) zinc", 2),
        ("(d)", 3),
        ("**B.** Iron deficiency", 1),
        ("Zinc", 2),
        ("zinc, in most cases", 2),
        ("Iron deficiency", 1),
        ("Iron", 0),
        ("A copper salt", 3),
        ("A possible answer is C", 2),
        # Nothing, or nothing that can be told.
        ("", None),
        ("   \n", None),
        ("I do not know.", None),
        ("A, B, C, D", None),
        ("A. Iron\nB. Iron deficiency", 0),
        ("(A) or (B)", None),
        ("The answer is A. The answer is B.", None),
        ("Zinc or iron", None),
        ("Call me back", None),
        ("a.m. and p.m.", None),
        ("A good question", None),
        ("E", None),
    ],
)
def test_one_option_or_none(answer, chosen):
    assert said_option(answer, OPTIONS) == chosen


def test_a_letter_inside_a_word_is_no_choice():
    assert said_option("Because of anemia", ["x", "y"]) is None


@given(st.permutations(range(4)))
def test_an_answer_that_lists_every_label_has_chosen_none(order):
    assert said_option(" ".join(f"{'ABCD'[i]})" for i in order), ["w", "x", "y", "z"]) is None
    labels = [NLI_LABELS[i] for i in order if i < 3]
    assert said_label(" or ".join(labels), NLI_LABELS) is None


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("Entailment", "entailment"),
        ("The relation is CONTRADICTION.", "contradiction"),
        ("neutral\n", "neutral"),
        ("", None),
        ("not neutral but entailment", None),
        ("entailments", None),
    ],
)
def test_one_label_or_none(answer, label):
    chosen = said_label(answer, NLI_LABELS)
    assert (None if chosen is None else NLI_LABELS[chosen]) == label
