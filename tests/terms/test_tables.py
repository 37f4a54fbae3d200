"""Facts from tables: distractors are wrong, balanced, of like length, and enough."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowshift.errors import DomainError
from knowshift.terms.tables import MOST, Row, Table, distractors, facts, slug

CUES = ("{} is treated with", "The drug for {} is", "One gives, for {},")


def table(*rows: Row) -> Table:
    return Table("treatment", CUES, rows, "neurology", "neurology.toml")


def rows(n: int) -> list[Row]:
    return [Row(f"subject {i}", "a" * (i % 5 + 1) + f"-{i:02}") for i in range(n)]


@given(st.integers(9, 30))
def test_each_answer_is_drawn_as_often_as_it_is_true(n: int) -> None:
    chosen = distractors(rows(n))
    drawn = Counter(answer for each in chosen for answer in each)
    assert set(drawn.values()) == {MOST}
    assert len(drawn) == n


ROWS = st.lists(
    st.builds(
        Row,
        st.sampled_from([f"subject {i}" for i in range(15)]),
        st.text("abc", min_size=1, max_size=4),
        st.lists(st.text("abc", min_size=1, max_size=4), max_size=2).map(tuple),
    ),
    min_size=1,
    max_size=20,
)


@given(ROWS)
def test_a_distractor_is_never_right(table_rows: list[Row]) -> None:
    chosen = distractors(table_rows)
    assert chosen == distractors(table_rows)
    answers = {row.answer for row in table_rows}
    for row, each in zip(table_rows, chosen, strict=True):
        right = {a for other in table_rows if other.subject == row.subject for a in (other.answer, *other.also)}
        assert len(set(each)) == len(each) == min(MOST, len(answers - right))
        assert not set(each) & right
        assert set(each) <= answers


def test_repeated_answers_stay_near_balance() -> None:
    twice = [*rows(14), Row("another", rows(14)[0].answer)]
    drawn = Counter(answer for each in distractors(twice) for answer in each)
    assert max(drawn.values()) - min(drawn.values()) <= 6
    assert max(drawn, key=drawn.__getitem__) == rows(14)[0].answer


def test_like_lengths_go_together() -> None:
    short, long = [f"ab{i:02}" for i in range(9)], [f"abcdefghijkl{i:02}" for i in range(9)]
    chosen = distractors([Row(answer, answer) for answer in short + long])
    assert all(len(d) == len(a) for a, each in zip(short + long, chosen, strict=True) for d in each)


def test_an_answer_within_an_answer_is_not_clearly_wrong() -> None:
    chosen = distractors([Row("one", "hepatitis"), Row("two", "Hepatitis B"), *rows(4)])
    assert "Hepatitis B" not in chosen[0]
    assert "hepatitis" not in chosen[1]


def test_ids_cues_and_keys() -> None:
    made = facts(table(Row("absence seizures", "ethosuximide"), *rows(9)))
    assert made[0].id == "neurology-treatment-01"
    assert made[0].concept == "fact:absence-seizures"
    assert made[0].cues[0] == "Absence seizures is treated with"
    assert made[0].cues[1] == "The drug for absence seizures is"
    assert made[0].specialties == ("neurology",)
    assert len(made) == 10


def test_too_few_wrong_answers_name_the_fact() -> None:
    with pytest.raises(DomainError, match=r'neurology.toml, relation treatment, "lonely" → "x": 5 .* at least 6'):
        facts(table(Row("lonely", "x"), *rows(5)))


def test_slug() -> None:
    assert slug("Ménière's disease (left)") == "meniere-s-disease-left"
    assert slug("the BRCA1 gene") == "the-brca1-gene"
