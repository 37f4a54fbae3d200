"""Multiple choice: rotations, the four methods, ties, position bias, against a scripted model."""

import json
import random

import pytest
from evaluation import WORDS, Scripted, answered, listed
from house import write_domain
from hypothesis import given
from hypothesis import strategies as st
from knowshift.errors import UsageError
from knowshift.probes.evaluate.choices import choice_asks, choice_values, place_shares, turned
from knowshift.probes.evaluate.evaluate import evaluate
from knowshift.probes.evaluate.question import LETTERS, Question
from knowshift.probes.evaluate.settings import METHODS
from knowshift.probes.evaluate.suites import forgetting
from knowshift.probes.evaluate.suites.smedqa import of_specialties
from knowshift.probes.evaluate.values import by_key
from knowshift.terms.domain import Domain

QUESTIONS = [
    Question("q0", "Which metal?", ("iron", "wool", "milk", "oak"), (0,), ("s",)),
    Question("q1", "Which tree?", ("iron", "wool", "milk", "oak"), (3,), ("s", "t")),
    Question("q2", "Which drink?", ("iron", "wool", "milk", "oak"), (2,)),
]
TRUTH = {"Which metal?": "iron", "Which tree?": "oak", "Which drink?": "milk"}


def run(tmp_path, lm, methods=METHODS, questions=QUESTIONS):
    held = answered(choice_asks("t", questions, methods, None), lm, tmp_path)
    values = by_key(choice_values("t", questions, methods, held))
    return held, {key: {value.question: value.value for value in each} for key, each in values.items()}


def stem(prompt):
    return prompt.rsplit("Question: ", 1)[1].splitlines()[0]


@given(st.integers(2, 10), st.booleans())
def test_every_option_stands_once_at_each_place(count, fixed):
    q = Question("q", "?", tuple(map(str, range(count))), (0,), fixed=fixed)
    rows = [turned(q, rotation) for rotation in range(count - fixed)]
    for place in range(count - fixed):
        assert sorted(row[place] for row in rows) == list(range(count - fixed))
    assert not fixed or all(row[-1] == count - 1 for row in rows)


def test_one_who_knows_two_of_three_gets_two_thirds_by_every_method(tmp_path):
    def knows(prompt):
        return TRUTH[stem(prompt)] if "drink" not in prompt else "wool"

    def weigh(prompt, continuation):
        said = continuation.strip()
        options = listed(prompt) if "Question:" in prompt else {}
        if "Question:" not in prompt:
            return -5.0
        return -1.0 if options.get(said, said) == knows(prompt) else -9.0

    def reply(prompt):
        letter = next(letter for letter, option in listed(prompt).items() if option == knows(prompt))
        return f"{letter}. {knows(prompt)}"

    _, values = run(tmp_path, Scripted(weigh, reply))
    for method in METHODS:
        assert values[f"t.{method}", "accuracy"] == {"q0": 1.0, "q1": 1.0, "q2": 0.0}
    assert values["t.generation", "unparsed"] == {"q0": 0.0, "q1": 0.0, "q2": 0.0}
    assert values["t.letter", "consistency"] == {"q0": 1.0, "q1": 1.0, "q2": 1.0}


@pytest.mark.parametrize("place", range(4))
def test_one_who_always_takes_the_same_place_sits_at_chance_exactly(tmp_path, place):
    lm = Scripted(lambda prompt, said: -float(said.strip() != LETTERS[place]), lambda prompt: LETTERS[place])
    held, values = run(tmp_path, lm, ("letter", "generation"))
    for method in ("letter", "generation"):
        assert set(values[f"t.{method}", "accuracy"].values()) == {0.25}
        assert set(values[f"t.{method}", "consistency"].values()) == {0.0}
        places = place_shares("t", QUESTIONS, method, held)
        assert places.shares[LETTERS[place]] == 1.0
        assert places.excess == 0.75


def test_a_tie_with_a_wrong_option_is_not_right(tmp_path):
    lm = Scripted(lambda prompt, said: -1.0, lambda prompt: "")
    _, values = run(tmp_path, lm)
    for method in METHODS:
        assert set(values[f"t.{method}", "accuracy"].values()) == {0.0}
    assert set(values["t.generation", "unparsed"].values()) == {1.0}


def test_not_a_number_is_never_right(tmp_path):
    _, values = run(tmp_path, Scripted(lambda prompt, said: float("nan")), ("letter", "text", "pmi"))
    assert all(set(each.values()) == {0.0} for key, each in values.items() if key[1] == "accuracy")


def test_pmi_takes_an_answers_own_likelihood_away(tmp_path):
    # "iron" is always likely; the question moves the right answer alone.
    prior = {"iron": -1.0, "wool": -8.0, "milk": -8.0, "oak": -8.0}

    def weigh(prompt, continuation):
        said = continuation.strip()
        moved = 3.0 if "Question:" in prompt and TRUTH[stem(prompt)] == said else 0.0
        return prior[said] + moved

    _, values = run(tmp_path, Scripted(weigh), ("text", "pmi"))
    assert values["t.text", "accuracy"] == {"q0": 1.0, "q1": 0.0, "q2": 0.0}
    assert values["t.pmi", "accuracy"] == {"q0": 1.0, "q1": 1.0, "q2": 1.0}


def test_text_is_per_character(tmp_path):
    q = Question("q", "?", ("ab", "abcdefghij"), (1,))
    # −4 over 10 characters is better than −2 over 2.
    lm = Scripted(lambda prompt, said: -4.0 if len(said.strip()) == 10 else -2.0)
    _, values = run(tmp_path, lm, ("text",), [q])
    assert values["t.text", "accuracy"] == {"q": 1.0}


def test_any_of_several_right_options_is_right(tmp_path):
    q = Question("q", "Which metal?", ("iron", "wool", "zinc", "oak"), (0, 2))
    for best, right in (("iron", 1.0), ("zinc", 1.0), ("oak", 0.0)):
        lm = Scripted(lambda prompt, said, best=best: -float(listed(prompt)[said.strip()] != best))
        _, values = run(tmp_path / best, lm, ("letter",), [q])
        assert values["t.letter", "accuracy"] == {"q": right}


@pytest.mark.heavy
def test_random_models_sit_at_chance_on_cases_and_facts(models, tmp_path, monkeypatch):
    """As in `test_suites`, where the questions are of S-MedQA."""
    rng = random.Random(1)
    cases = [
        {"question": f"Case {i}: which sign?", "options": rng.sample(WORDS, 5), "answer": rng.randrange(5)}
        for i in range(40)
    ]
    (tmp_path / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    # What is written takes time, and no chance.
    monkeypatch.setattr(forgetting, "INSTRUCTIONS", forgetting.INSTRUCTIONS[:1])
    monkeypatch.setattr(forgetting, "TOPICS", forgetting.TOPICS[:1])
    tuned, common = models / "whole", {"batch_size": 32}
    asked = evaluate(
        models / "base",
        tuned,
        suite="cases",
        data=tmp_path / "cases.jsonl",
        methods=["letter", "text"],
        out=tmp_path / "cases",
        **common,
    )
    facts = evaluate(
        models / "base",
        tuned,
        suite="forgetting",
        domain=write_domain(tmp_path / "domain", 30),
        out=tmp_path / "facts",
        **common,
    )
    for done, chance, tasks in ((asked, 1 / 5, ("cases.letter", "cases.text")), (facts, 1 / 4, ("forgetting.facts",))):
        found = [row for row in done.result.scores if row.task.startswith(tasks) and row.metric == "accuracy"]
        assert {row.model for row in found} == {"base", "whole"}
        for row in found:
            assert row.estimate.low - 1e-9 <= chance <= row.estimate.high + 1e-9, row


def test_the_questions_of_some_specialties_alone():
    medicine = Domain.open("medicine")
    labels = [("neurology",), ("neurology", "psychiatry"), ("psychiatry",), ("cardiology",), ("Anatomy",), ()]
    questions = [Question(f"q{i}", "?", ("a", "b"), (0,), each) for i, each in enumerate(labels)]
    kept, notes = of_specialties(questions, ("paper",), medicine)
    assert [(q.id, q.labels) for q in kept] == [("q0", ("neurology",)), ("q1", ("neurology",)), ("q3", ("cardiology",))]
    assert "3 of 6 questions are asked" in notes[0]
    assert [q.id for q in of_specialties(questions, ("Psychiatry", "Anatomy"), medicine)[0]] == ["q1", "q2", "q4"]
    assert of_specialties(questions, (), medicine) == (questions, [])
    for name, says in (("astrology", "--specialty astrology: unknown"), ("nephrology", "no question is of")):
        with pytest.raises(UsageError, match=says):
            of_specialties(questions, (name,), medicine)


def test_shots_stand_before_the_question_with_their_answers(tmp_path):
    lm = Scripted(lambda prompt, said: 0.0, lambda prompt: "A")
    asks = choice_asks("t", QUESTIONS[:1], ("letter", "generation"), None, shots=QUESTIONS[1:2])
    answered(asks, lm, tmp_path)
    letter, written = lm.asked[0][0], lm.asked[-1][0]
    assert "Which tree?" in letter
    assert "Answer: D\n\nQuestion: Which metal?" in letter
    assert "Answer: D. oak\n\nQuestion: Which metal?" in written
