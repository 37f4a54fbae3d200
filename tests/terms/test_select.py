"""Items of a domain, their groups, and the limit."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowshift.terms.control_names import control_names
from knowshift.terms.domain import QUESTION, Concept, Domain, Fact, Specialty, Text
from knowshift.terms.items import Item, items_hash
from knowshift.terms.select import add_borrowed_options, group, items, limit, priors
from knowshift.terms.words import STOP_WORDS

DOMAIN = Domain(
    "toy",
    specialties={s: Specialty(s, s) for s in "abcde"},
    concepts=(
        Concept("C1", "multiple sclerosis", ("MS",), ("T047",), ("a", "b")),
        Concept("C2", "headache"),
    ),
    texts=(
        Text("t1", "MS or multiple sclerosis with headache.", ("c",)),
        Text("t2", "The old harbour master wrote twenty letters about headache and well-known ships.", ("general",)),
        Text("t3", "Headache and MS."),
    ),
    facts=(Fact("f1", ("A is", "B is"), "x", ("y", "z"), ("a",), "r", "k"),),
    questions=(Fact("q1", ("Stem?",), "yes", ("no",), ("b",), "question", "question:q1"),),
)
ITEMS = items(DOMAIN)


def test_a_fact_item_for_each_fact_and_question() -> None:
    facts = [item for item in ITEMS if item.kind == "fact"]
    assert [item.id for item in facts] == ["fact:f1", "fact:q1"]
    assert facts[0].candidates == ("x", "y", "z")
    assert facts[0].cues == ("A is", "B is")
    assert facts[1].relation == "question"


def test_a_terms_specialties_are_its_concepts_else_its_documents() -> None:
    terms = {item.id: item for item in ITEMS if item.kind == "term"}
    assert {id: (item.target, item.specialties) for id, item in terms.items()} == {
        "term:t1:0": ("MS", ("a", "b")),
        "term:t1:6": ("multiple sclerosis", ("a", "b")),
        "term:t1:30": ("headache", ("c",)),
        "term:t3:13": ("MS", ("a", "b")),
    }
    assert terms["term:t1:6"].types == ("T047",)


def test_control_words_are_content_words_and_no_terms_of_the_domain() -> None:
    words = [item for item in ITEMS if item.kind == "word"]
    assert [item.target for item in words] == ["harbour", "master wrote", "twenty", "letters", "ships"]
    assert [item.concept for item in words][1] == "master wrote"
    assert all(item.specialties == ("general",) for item in words)


def general_fact(n: int, subject: str, answer: str) -> Fact:
    cues = (f"The painter of {subject} was", f"{subject} was painted by")
    return Fact(f"g{n}", cues, answer, ("x", "y"), ("general",), "painter", f"fact:{n}")


NAMED = replace(
    DOMAIN,
    concepts=(*DOMAIN.concepts, Concept("C3", "dovetail joint", ("dovetail",), (), ("general",))),
    facts=(
        *DOMAIN.facts,
        general_fact(1, "The Night Watch", "Rembrandt van Rijn"),
        general_fact(2, "the Blue Headache", "Ada"),
    ),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Near the old harbour Rembrandt van Rijn slept.", ["harbour", "Rembrandt van Rijn", "slept"]),
        ("Her night watch ended.", ["night watch", "ended"]),  # a subject, without its article
        ("A dovetail joint, or dovetail, holds.", ["dovetail joint", "dovetail", "holds"]),
        ("The blue headache passed.", ["blue", "passed"]),  # a term of the domain is in it
        ("Ada slept soundly.", ["slept", "soundly"]),  # too short for a target
    ],
)
def test_names_of_the_control_group_are_whole_targets_in_its_texts(text: str, expected: list[str]) -> None:
    words = items(replace(NAMED, texts=(Text("t", text, ("general",)),)))
    assert [item.target for item in words if item.kind == "word"] == expected


def test_names_of_the_control_group_are_nothing_in_other_texts() -> None:
    found = items(replace(NAMED, texts=(Text("t", "MS and a dovetail joint.", ("c",)),)))
    assert [item.target for item in found if item.kind == "term"] == ["MS"]


@pytest.mark.heavy
def test_the_same_items_each_time_with_ids_of_their_own() -> None:
    medicine = Domain.open("medicine")
    embedded = items(medicine)
    assert items_hash(embedded) == items_hash(items(Domain.open("medicine")))
    assert len({item.id for item in embedded}) == len(embedded)
    ends: dict[tuple[str, str], int] = {}
    for item in embedded:
        if item.kind != "fact":
            assert ends.get((item.document, item.kind), 0) <= item.start < item.end
            ends[item.document, item.kind] = item.end
    words = [item for item in embedded if item.kind == "word"]
    named = control_names(medicine)
    plain = [item.target for item in words if not named.mentions(item.target)]
    assert all(len(w) >= 4 and w.isalpha() and w.lower() not in STOP_WORDS for t in plain for w in t.split())
    assert sum(" " in target for target in plain) > 300
    assert len(words) - len(plain) > 600


def item(*specialties: str, kind: str = "fact", n: int = 0) -> Item:
    return Item(f"{kind}:{n}:{'-'.join(specialties)}", kind, specialties, "k", "k")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("specialties", "own", "expected"),
    [
        (("a",), "a", "own"),
        (("a", "b"), "a", "own"),
        (("b", "c"), "a", "other"),
        (("b", "c", "d", "e"), "a", "common"),
        (("a", "b", "c", "d"), "a", "common"),
        (("general",), "a", "general"),
        ((), "a", None),
        (("b",), None, "own"),
        (("a", "b", "c", "d"), None, "own"),
        (("general",), None, "general"),
        ((), None, None),
    ],
)
def test_groups(specialties: tuple[str, ...], own: str | None, expected: str | None) -> None:
    assert group(item(*specialties), own, "general") == expected


MANY = [
    item(*specialties, kind=kind, n=n)
    for n in range(12)
    for kind in ("fact", "term", "word")
    for specialties in (("a",), ("b",), ("c", "b"), ("general",), ("a", "b", "c", "d"), ())
]


@given(st.integers(0, 30), st.integers(0, 5), st.sampled_from(["a", "b", None]))
def test_limit_takes_n_of_each_group_and_view_in_order(n: int, seed: int, own: str | None) -> None:
    kept = limit(MANY, n, own, "general", seed)
    assert kept == [one for one in MANY if one in kept]
    for facts in (True, False):
        for name in ("own", "other", "general"):
            there = [x for x in MANY if (x.kind == "fact") is facts and group(x, own, "general") == name]
            assert len(set(there) & set(kept)) == min(n, len(there))
    assert set(kept) <= set(limit(MANY, n + 1, own, "general", seed))


def test_limit_draws_by_the_seed_and_serves_several_models() -> None:
    assert limit(MANY, 3, "a", "general", 0) == limit(MANY, 3, "a", "general", 0) != limit(MANY, 3, "a", "general", 1)
    both = limit(MANY, 3, ["a", "b"], "general", 0)
    assert set(both) == set(limit(MANY, 3, "a", "general", 0)) | set(limit(MANY, 3, "b", "general", 0))


def test_questions_borrow_options_of_other_questions_of_their_specialty():
    def question(number: int, specialty: str) -> Item:
        options = tuple(f"option {number}.{k}" for k in range(4))
        return Item(f"fact:q{number}", "fact", (specialty,), f"q{number}", options[0], QUESTION, ("stem",), options)

    questions = [question(n, "a") for n in range(12)] + [question(n, "b") for n in range(12, 15)]
    lent = add_borrowed_options(questions, seed=3)
    assert lent == add_borrowed_options(questions, seed=3) != add_borrowed_options(questions, seed=4)
    for item in lent:
        stems = [other for other in lent if item.candidates[0] in other.borrowed]
        assert len(stems) == (8 if "a" in item.specialties else 2)
        assert all(other.specialties == item.specialties and other is not item for other in stems)
        assert not set(item.borrowed) & set(item.candidates)
        assert item.scored == item.candidates + item.borrowed


def test_each_answer_is_scored_once_after_its_neutral_cue() -> None:
    facts = [
        Item(f"fact:{n}", "fact", ("a",), "k", "x", relation, ("A is",), (f"x{n}", "y", "z"), borrowed=("w",))
        for n, relation in enumerate(["drug", "drug", "gene"] + ["drug"] * 40)
    ]
    found = priors(facts, replace(DOMAIN, neutral={"default": "It is", "gene": "The gene is"}))
    held = [(item.cues[0], string) for item in found for string in item.candidates]
    assert len(held) == len(set(held)) == 44 + 3
    assert {string for cue, string in held if cue == "The gene is"} == {"x2", "y", "z"}
    assert all(len(item.candidates) <= 32 and item.kind == "prior" for item in found)
    assert len({item.id for item in found}) == len(found)
    assert priors(facts[:1], DOMAIN)[0].cues == ("Answer:",)
    assert priors([item for item in ITEMS if item.kind != "fact"], DOMAIN) == []
    assert all(group(item, own, "general") is None for item in found for own in ("a", None))
