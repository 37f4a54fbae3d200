"""Mentions against a slow matcher that tries every name everywhere."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowshift.terms.domain import Concept
from knowshift.terms.match import SHORT, Matcher
from knowshift.terms.vocabulary.entry import normal


def spans(text: str, *names: str) -> list[str]:
    return [text[m.start : m.end] for m in Matcher([Concept(n, n) for n in names]).mentions(text)]


@pytest.mark.parametrize(
    ("text", "names", "found"),
    [
        (
            "Multiple  Sclerosis\nand MULTIPLE\nSCLEROSIS",
            ["multiple sclerosis"],
            ["Multiple  Sclerosis", "MULTIPLE\nSCLEROSIS"],
        ),
        ("all of ALL, All", ["ALL"], ["ALL"]),
        ("Gout and gout, not GOUT or gouty", ["gout"], ["Gout", "gout"]),
        ("the ecg and the ECG-based, ECGs", ["ECG"], ["ECG"]),
        ("hba1c HbA1c", ["HbA1c"], ["HbA1c"]),
        ("hiv infection, HIV Infection", ["HIV infection"], ["HIV Infection"]),
        ("hepatitis b", ["hepatitis B"], ["hepatitis b"]),
        ("post-stroke strokes _stroke stroke2", ["stroke"], ["stroke"]),
        ("Crohn's disease's", ["crohn's disease"], ["Crohn's disease"]),
        ("acute heart failure today", ["acute heart", "heart failure today"], ["heart failure today"]),
        ("heart failure", ["heart", "heart failure", "failure"], ["heart failure"]),
        ("Ménière disease, meniere", ["ménière disease"], ["Ménière disease"]),
        ("cafe\u0301 and cafes", ["cafes"], ["cafes"]),
        ("naevi cafe\u0301", ["cafe"], []),
        ("beta - blocker, beta-blocker", ["beta-blocker"], ["beta-blocker"]),
        ("", ["stroke"], []),
    ],
)
def test_what_is_a_mention(text: str, names: list[str], found: list[str]) -> None:
    assert spans(text, *names) == found


def test_a_name_goes_before_an_alias() -> None:
    surfactant = Concept("1", "lung drug", ("surfactant",)), Concept("2", "surfactant")
    assert [m.concept.id for m in Matcher(surfactant).mentions("Surfactant was given")] == ["2"]


def slow(names: list[str], text: str) -> list[tuple[int, int]]:
    found = set()
    for name in names:
        words = name.split(" ")
        parts = [re.escape(w) if re.search(r"\w[A-Z]", w) else f"(?i:{re.escape(w)})" for w in words]
        if len(name) <= SHORT:
            parts = [re.escape(w) for w in words]
            if name == name.lower():
                first = re.escape(words[0][0].upper() + words[0][1:])
                parts[0] = f"(?:{parts[0]}|{first})"
        pattern = re.compile(r"(?<!\w)" + r"\s+".join(parts) + r"(?!\w)")
        found |= {(start, m.end()) for start in range(len(text)) if (m := pattern.match(text, start))}
    kept: list[tuple[int, int]] = []
    for start, end in sorted(found, key=lambda s: (s[0] - s[1], s[0])):
        if all(end <= a or b <= start for a, b in kept):
            kept.append((start, end))
    return sorted(kept)


WORD = st.text("abAB1é_", min_size=1, max_size=5)


@given(
    st.lists(st.lists(WORD, min_size=1, max_size=3).map(" ".join), min_size=1, max_size=8),
    st.lists(st.tuples(WORD, st.sampled_from([" ", "  ", "\n", "-", ", ", ". "])), max_size=25).map(
        lambda pairs: "".join(word + gap for word, gap in pairs)
    ),
)
def test_the_same_as_trying_every_name_everywhere(names: list[str], text: str) -> None:
    mentions = Matcher([Concept(str(n), name) for n, name in enumerate(names)]).mentions(text)
    assert [(m.start, m.end) for m in mentions] == slow(names, text)


ANY = st.characters(exclude_characters="\0", exclude_categories=["Cs"])


@given(st.lists(st.text(ANY, max_size=12), max_size=6), st.text(max_size=80))
def test_offsets_give_back_the_name_in_any_script(names: list[str], text: str) -> None:
    end = 0
    for m in Matcher([Concept(name, name) for name in names]).mentions(text):
        assert end <= m.start < m.end <= len(text)
        assert normal(text[m.start : m.end]) == normal(m.concept.name) != ""
        end = m.end


def test_a_name_of_nothing_that_is_seen_is_no_name():
    assert Matcher([Concept("C1", "\u00ad"), Concept("C2", "asthma", ("\u200b",))]).mentions("his asthma") != []
    assert Matcher([Concept("C1", "\u00ad")]).mentions("a\u00adb") == []


@pytest.mark.heavy
def test_many_names_and_texts_are_quick() -> None:
    concepts = [Concept(str(n), f"finding {n} of syndrome {n % 97}") for n in range(20_000)]
    text = " ".join(f"word finding {n * 37 % 20_000} of syndrome {n * 37 % 20_000 % 97} ." for n in range(20))
    started = time.process_time()
    matcher = Matcher(concepts)
    assert all(len(matcher.mentions(text)) == 20 for _ in range(1000))
    assert time.process_time() - started < 8
