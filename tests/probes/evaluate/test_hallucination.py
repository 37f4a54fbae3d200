"""Hallucination on own documents: what counts as declining, and which questions have a document without the answer."""

import json

import pytest
from evaluation import Scripted, answered, suite_plan
from knowshift.errors import UsageError
from knowshift.probes.evaluate.declined import declines
from knowshift.probes.evaluate.values import by_key

pytestmark = pytest.mark.heavy


@pytest.mark.parametrize(
    "answer",
    [
        "Not stated.",
        "The answer is not stated in the document.",
        "I don't know",
        "I don’t know.",
        "Sorry, I cannot tell.",
        "Not mentioned",
        "The dose is not mentioned.",
        "The dose isn't specified.",
        "It has not been stated.",
        "No information",
        "There is no information about the dose.",
        "No information is available.",
        "No mention of it.",
        "Cannot be determined",
        "This can't be determined from the text.",
        "The question can not be answered.",
        "Unknown.",
        "The letter does not say.",
        "The provided documents do not contain this.",
        "Not documented.",
        "Based on the text, it is not possible to tell.",
        "Not enough information.",
        "The dose is not reported in the letter.",
        "No answer is given.",
        "I read all of it. The dose was never specified.",
    ],
)
def test_many_words_decline(answer):
    assert declines(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "5 mg",
        "No fever",
        "The tumour was not found on CT.",
        "The patient was not given aspirin.",
        "Not given aspirin.",
        "The cause could not be determined at autopsy.",
        'The patient said "I don\'t know" when asked.',
        "Patients who do not know their status",
        "No information leaflet was handed out.",
        "No answer to antibiotics was seen.",
        "Unknown primary carcinoma",
        "Fever was not reported.",
        "Chemotherapy was not indicated.",
        "He could not answer.",
        "Not known to have diabetes",
        "He was unable to say his name.",
        "Not present on admission",
        "It was noted.",
        "No data loss",
    ],
)
def test_a_finding_in_like_words_does_not(answer):
    assert not declines(answer)


def suite(tmp_path, records):
    file = tmp_path / "docs.jsonl"
    file.write_text("\n".join(map(json.dumps, records)))
    return suite_plan(suite="hallucination", data=str(file))


def test_a_question_that_every_document_answers_is_left_out_and_counted(tmp_path):
    records = [
        {
            "id": "a",
            "text": "The dose was 5 mg.",
            "questions": [
                {"question": "Dose?", "answer": "5 mg"},
                {"question": "Which?", "options": ["5 mg", "9 kg"], "answer": "5 mg"},
                {"question": "What was 5 mg?", "answer": "the dose"},
            ],
        },
        {"id": "b", "text": "He took 5-mg tablets.", "questions": [{"question": "What?", "answer": "tablets"}]},
    ]
    opened = suite(tmp_path, records)
    assert opened.faults.found == {"every other document holds the answer too": 2}
    assert "question a-0" in opened.faults.lines()[0]
    assert {ask.name: ask.questions for ask in opened.asks} == {
        f"hallucination.free.{side}": ["a-2", "b-0"] for side in ("answered", "unanswered")
    }
    with pytest.raises(UsageError, match="every question is answered by every other document"):
        suite(tmp_path, [{**records[0], "questions": records[0]["questions"][:1]}, {**records[1], "questions": []}])


@pytest.mark.parametrize(
    ("said", "right", "false"),
    [("I don't know.", 1.0, 0.0), ("fever", 0.0, 1.0), ("cough", 0.0, 1.0), ("", 0.0, 0.0)],
)
def test_declining_is_right_where_the_document_is_anothers(tmp_path, said, right, false):
    opened = suite(
        tmp_path,
        [
            {"id": name, "text": f"{name} has {word}.", "question": f"What has {name}?", "answer": word}
            for name, word in (("Ann", "fever"), ("Bob", "rash"))
        ],
    )
    held = by_key(opened.values(answered(opened.asks, Scripted(reply=lambda prompt: said), tmp_path / "run")))
    name = "hallucination.free.unanswered"
    assert [value.value for value in held[name, "accuracy"]] == [right] * 2
    assert [value.value for value in held[name, "false answers"]] == [false] * 2
