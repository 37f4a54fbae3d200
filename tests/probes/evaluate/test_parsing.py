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
        ("A. Iron", 0),
        ("(B)", 1),
        ("I think B", 1),
        ("I'd go with (B).", 1),
        ("It is B.", 1),
        ("B is correct", 1),
        ("**Answer:** C", 2),
        ("Answer C", 2),
        ("The answer is option C", 2),
        ("The correct option is B", 1),
        ("The answer to this question is C", 2),
        ("The answer is C because zinc is low", 2),
        ("The answer is A, because", 0),
        ("The answer is C, as in hepatitis B.", 2),
        ("The answer is C. A 45-year-old man has low zinc", 2),
        ("The answer is C, not A", 2),
        ("The answer is C. Option A is wrong.", 2),
        ("Option A is wrong. The answer is B.", 1),
        ("C. D is wrong", 2),
        ("A. Iron, because zinc is normal", 0),
        ("Answer: D\n\nQuestion: The next?\nAnswer: A", 3),
        ("D\n\nQuestion: The next?\nAnswer: A", 3),
        ("Answer: C\nExplanation: B is wrong", 2),
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
        # Several.
        ("The correct answer is A, B, C and D", None),
        ("Answer: A, B, C, D", None),
        ("The answer is A or B", None),
        ("The answer is both A and B", None),
        ("The answer is A (Iron) and C (Zinc)", None),
        ("The answer is zinc or iron", None),
        ("Option A or B", None),
        ("C or D because both", None),
        ("A. Iron B. Iron deficiency", None),
        ("C) Zinc. D) A copper salt", None),
        ("a) b) c) d)", None),
        ("A/B", None),
        ("A.B.C.D", None),
        ("A B C D", None),
        ("B. Zinc", None),
        # Denied.
        ("Option A is wrong, so B", None),
        ("Not an option: A", None),
        ("The wrong answer is A", None),
        ("The answer is not A", None),
        ("I do not think the answer is B", None),
        ("Neither A nor B", None),
        ("(A) is wrong", None),
        ("A is not the answer", None),
        ("Zinc is not the answer", None),
    ],
)
def test_one_option_or_none(answer, chosen):
    assert said_option(answer, OPTIONS) == chosen


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize(
    "said",
    [
        "{0}",
        "({0})",
        "{0}. {1}",
        "{0} {1}",
        "{0} - {1}",
        "**{0}**",
        "{0}: {1}",
        "Answer: {0}",
        "The answer is {0}.",
        "The answer is {0} in this case",
        "I think {0}",
        "{0} is correct",
        "Option {0}",
        "The answer is {0}: {1}",
        "The best answer is ({0}) {1}, because the others are rare.",
        "{1}",
        "The answer is {1}.",
    ],
)
def test_no_place_is_read_better_than_another(place, said):
    options = ["fever", "a rash", "B cells", "vitamin D"]
    assert said_option(said.format("ABCD"[place], options[place]), options) == place


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
        ("It is not entailment", None),
        ("It isn't neutral", None),
        ("There is no contradiction", None),
        ("Entailment is wrong", None),
        ("contradiction (it cannot be true)", "contradiction"),
        ("It does not follow: neutral", "neutral"),
        ("Neutral. Not enough is said", "neutral"),
    ],
)
def test_one_label_or_none(answer, label):
    chosen = said_label(answer, NLI_LABELS)
    assert (None if chosen is None else NLI_LABELS[chosen]) == label
