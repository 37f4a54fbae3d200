"""The published forms, and what is wrong with a file: counted, named, never scored."""

import json
import os
from pathlib import Path

import pytest
from evaluation import write_clue, write_longhealth
from knowshift.errors import UsageError
from knowshift.probes.evaluate.data import GivenData
from knowshift.probes.evaluate.labels import labelled
from knowshift.probes.evaluate.question import Faults
from knowshift.probes.evaluate.readers.choice_sets import choice_file, read_questions
from knowshift.probes.evaluate.readers.clue import FIELDS, read_docs
from knowshift.probes.evaluate.readers.documents import read_documents
from knowshift.probes.evaluate.readers.longhealth import read_patients
from knowshift.probes.evaluate.registry import find_suite
from knowshift.terms.domain import Domain

MATERIALS = os.environ.get("KNOWSHIFT_MATERIALS")


@pytest.fixture(scope="module")
def medicine():
    return Domain.open("medicine")


def read(tmp_path, medicine, records, name="data.json", first=None):
    file = tmp_path / name
    file.write_text(records if isinstance(records, str) else json.dumps(records))
    faults = Faults()
    return read_questions(file, medicine, faults, first=first), faults


SMEDQA = {"Question": "Q?", "Specialty": "Infectious diseases", "Options": ["a", "b", "c", "d"], "Answer": "c"}


@pytest.mark.parametrize(
    ("record", "options", "right", "labels"),
    [
        (SMEDQA, "abcd", (2,), ("infectious_diseases",)),
        ({**SMEDQA, "Specialty": ["Neurology", "Cardiology"]}, "abcd", (2,), ("neurology", "cardiology")),
        ({**SMEDQA, "Answer": ["a", "d"]}, "abcd", (0, 3), ("infectious_diseases",)),
        (
            {"question": "Q?", "options": {"A": "x", "B": "y"}, "answer_idx": "B", "answer": "y", "meta_info": "step1"},
            "xy",
            (1,),
            (),
        ),
        ({"question": "Q?", "options": {"A": "x", "B": "y"}, "answer": "y"}, "xy", (1,), ()),
        (  # medqa-options-as-pairs
            {
                "question": "Q?",
                "options": [{"key": "A", "value": "x"}, {"key": "B", "value": "y"}],
                "answer_idx": "B",
                "answer": "y",
            },
            "xy",
            (1,),
            (),
        ),
        ({"question": "Q?", "options": {"label": ["A", "B"], "text": ["x", "y"]}, "answer": "B"}, "xy", (1,), ()),
        (
            {"question": "Q?", "options": ["x", "y"], "answer": "b", "difficulty": "hard"},
            "xy",
            (1,),
            ("difficulty: hard",),
        ),
        ({"question": "Q?", "options": ["x", "y"], "answer": 1, "specialty": "neuro"}, "xy", (1,), ("neurology",)),
        (
            {"question": "Q?", "opa": "w", "opb": "x", "opc": "y", "opd": "z", "cop": 4, "subject_name": "Psychiatry"},
            "wxyz",
            (3,),
            ("psychiatry",),
        ),
        (
            {"question": "Q?", "opa": "w", "opb": "x", "opc": "y", "opd": "z", "cop": 0, "subject_name": "Anatomy"},
            "wxyz",
            (0,),
            ("Anatomy",),
        ),
    ],
)
def test_every_published_form_is_read(tmp_path, medicine, record, options, right, labels):
    (found,), faults = read(tmp_path, medicine, [record])
    assert ("".join(found.options), found.right, found.labels, found.stem) == (options, right, labels, "Q?")
    assert not faults.found


@pytest.mark.parametrize(
    "record",
    [
        {"Question": "Q?", "Specialty": "Neurology", "Options": ["pH", "PH", "Ca"], "Answer": "PH"},
        {"question": "Q?", "options": {"A": "pH", "B": "PH", "C": "Ca"}, "answer": "PH"},
        {"question": "Q?", "opa": "pH", "opb": "PH", "opc": "CA", "opd": "Ca", "cop": 2},
    ],
)
def test_options_that_differ_only_in_case_are_two(tmp_path, medicine, record):
    (found,), faults = read(tmp_path, medicine, [record], first=1)
    assert (found.options[:2], found.right, faults.found) == (("pH", "PH"), (1,), {})


def medmcqa(*cops):
    return [
        {"question": f"Q{i}?", "opa": "w", "opb": "x", "opc": "y", "opd": "z", "cop": c} for i, c in enumerate(cops)
    ]


@pytest.mark.parametrize(("cops", "right"), [((0, 1), [0, 1]), ((1, 4), [0, 3]), ((3, 4, 9), [2, 3])])
def test_medmcqa_counts_from_one_or_zero_as_the_file_tells(tmp_path, medicine, cops, right):
    found, _ = read(tmp_path, medicine, medmcqa(*cops))
    assert [q.right for q in found] == [(place,) for place in right]


@pytest.mark.parametrize("cops", [(1, 2, 3), (0, 1, 4), (1,)])
def test_medmcqa_is_refused_where_its_base_cannot_be_told(tmp_path, medicine, cops):
    with pytest.raises(UsageError, match="count from 0 or 1; give --data medmcqa0=") as raised:
        read(tmp_path, medicine, medmcqa(*cops))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("suite", ["smedqa", "cases"])
@pytest.mark.parametrize(("name", "right"), [("medmcqa0", (1,)), ("medmcqa1", (0,))])
def test_a_person_says_what_medmcqa_counts_from(tmp_path, medicine, suite, name, right):
    file = tmp_path / "data.json"
    file.write_text(json.dumps(medmcqa(1, 2)))
    data, rules = GivenData((f"{name}={file}",)), find_suite(suite).data
    path, first = choice_file(suite, data, rules)
    rules.check(suite, data)
    assert read_questions(path, medicine, Faults(), first=first)[0].right == right


def test_pubmedqa_as_released_and_as_on_the_hub(tmp_path, medicine):
    released = {"123": {"QUESTION": "Does it?", "CONTEXTS": ["One.", "Two."], "final_decision": "maybe"}}
    hub = [{"pubid": 7, "question": "Does it?", "context": {"contexts": ["One.", "Two."]}, "final_decision": "maybe"}]
    for records, name in ((released, "123"), (hub, "7")):
        (found,), _ = read(tmp_path, medicine, records)
        assert (found.id, found.options, found.right) == (name, ("yes", "no", "maybe"), (2,))
        assert found.context == "One.\nTwo."


def test_json_lines_too(tmp_path, medicine):
    found, _ = read(tmp_path, medicine, f"{json.dumps(SMEDQA)}\n{json.dumps(SMEDQA)}\n", "data.jsonl")
    assert [q.id for q in found] == ["q0", "q1"]


@pytest.mark.skipif(not MATERIALS, reason="KNOWSHIFT_MATERIALS is not set")
def test_s_medqa_as_released(medicine):
    faults = Faults()
    found = read_questions(Path(MATERIALS) / "smedqa" / "S-MedQA_validation.json", medicine, faults)
    assert len(found) + faults.found.total() == 899
    assert len({label for q in found for label in q.labels}) == 15
    assert faults.found.total() < 9


BROKEN = [
    ({**SMEDQA, "Options": ["a", "", "c", "d"]}, "an option is missing or empty"),
    ({**SMEDQA, "Options": ["a", None, "c"]}, "an option is missing or empty"),
    ({**SMEDQA, "Options": ["a"]}, "fewer than two options"),
    ({**SMEDQA, "Options": ["a", "ａ", "c"]}, "two options are the same"),
    ({**SMEDQA, "Answer": "e"}, "the answer is not among the options"),
    ({**SMEDQA, "Answer": None}, "the answer is not among the options"),
    ({**SMEDQA, "Answer": ["a", "b", "c", "d"]}, "no option, or every option, is right"),
    ({**SMEDQA, "Question": " "}, "the question is missing or empty"),
    ({**SMEDQA, "Specialty": "Astrology"}, 'unknown specialty "Astrology"'),
    ({**SMEDQA, "Specialty": 3}, "the specialty is neither a name nor a list of names"),
    (
        {"question": "Q?", "options": ["x", "y"], "answer": 0, "specialty": 3},
        "the specialty is neither a name nor a list of names",
    ),
    ({"question": "Q?", "options": 5, "answer": 0}, "the options are no list, {letter: text} or pairs"),
    ({"question": "Q?", "options": "xy", "answer": 0}, "the options are no list, {letter: text} or pairs"),
    ({"text": "something else"}, "not a record of a known form"),
    ("a string", "not a record of JSON"),
]


@pytest.mark.parametrize(("record", "what"), BROKEN)
def test_a_record_that_cannot_be_used_is_counted_and_named(tmp_path, medicine, record, what):
    found, faults = read(tmp_path, medicine, [SMEDQA, record, SMEDQA, record])
    assert len(found) == 2
    assert faults.found == {what: 2}
    (line,) = faults.lines()
    assert line.startswith(f"2 left out: {what} (first: ")
    assert "record 2" in line


def test_votes_and_samples_that_are_no_names_are_counted(tmp_path, medicine):
    record = {key: value for key, value in SMEDQA.items() if key != "Specialty"}
    votes = [{"Neurology": 3, "Cardiology": 2}, ["Cardiology"] * 3, 5, "Neurology", {"Neurology": "3"}, [["Neurology"]]]
    file, faults = tmp_path / "data.json", Faults()
    file.write_text(json.dumps([{**record, "Votes": each} for each in votes]))
    found = read_questions(file, medicine, faults, lambda records: labelled(records, 3, None, 0) and None)
    # Five votes, and not one for each name.
    assert [q.labels for q in found] == [("neurology",), ("cardiology",)]
    assert faults.found == {"Votes is neither a list of names nor {name: count}": 4}


@pytest.mark.parametrize("content", [b"no zip at all", b"PK\x03\x04 cut off"])
def test_a_workbook_that_is_none_is_one_line(tmp_path, content):
    (tmp_path / "MeQSum.xlsx").write_bytes(content)
    with pytest.raises(UsageError, match=r"cannot be read as \.xlsx") as raised:
        read_docs("meqsum", tmp_path / "MeQSum.xlsx", Faults())
    assert "\n" not in str(raised.value)


def test_a_line_of_broken_json_is_counted(tmp_path, medicine):
    found, faults = read(tmp_path, medicine, f"{json.dumps(SMEDQA)}\n{{broken\n{json.dumps(SMEDQA)}\n", "data.jsonl")
    assert len(found) == 2
    assert faults.found == {"not a record of JSON": 1}
    assert "line 2" in faults.lines()[0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "holds no record"),
        ("[{]", "holds no record"),
        (json.dumps([{**SMEDQA, "Answer": "e"}]), "no question can be used"),
    ],
)
def test_a_file_without_one_question_is_one_line(tmp_path, medicine, content, says):
    with pytest.raises(UsageError, match=says) as raised:
        read(tmp_path, medicine, content)
    assert "\n" not in str(raised.value)


def test_bytes_that_are_no_text_are_one_line(tmp_path, medicine):
    (tmp_path / "data.json").write_bytes(b"\xffbad")
    with pytest.raises(UsageError, match="UTF-8"):
        read_questions(tmp_path / "data.json", medicine, Faults())


def test_clues_files_are_read_in_their_own_forms(tmp_path):
    folder, faults = write_clue(tmp_path / "clue"), Faults()
    endings = {"mednli": "jsonl", "meqsum": "xlsx", "problem_summary": "csv"}
    held = {task: read_docs(task, folder / f"{task}.{endings.get(task, 'json')}", faults) for task in FIELDS}
    assert {task: len(docs) for task, docs in held.items()} == dict.fromkeys(FIELDS, 6)
    assert held["mednli"][1]["target"] == "neutral"
    assert held["meqsum"][0]["target"] == "Who makes drug 0?"
    assert held["problem_summary"][0]["target"] == "fever, cough"
    assert held["medisumqa"][0]["stem"] == "Why?"
    assert held["medisumcode"][0]["target"] == "I509"
    assert not faults.found


@pytest.mark.skipif(not MATERIALS, reason="KNOWSHIFT_MATERIALS is not set")
def test_meqsum_as_released():
    docs = read_docs("meqsum", Path(MATERIALS) / "clue" / "MeQSum.xlsx", Faults())
    assert len(docs) == 1000
    assert docs[0]["target"] == "Who manufactures cetirizine?"


def test_a_wrong_label_and_a_missing_field_are_counted(tmp_path):
    good = {"sentence1": "a", "sentence2": "b", "gold_label": "neutral"}
    file = tmp_path / "mednli.jsonl"
    file.write_text("\n".join(map(json.dumps, [good, {**good, "gold_label": "-"}, {**good, "sentence2": ""}])))
    faults = Faults()
    assert len(read_docs("mednli", file, faults)) == 1
    assert set(faults.found) == {
        'mednli: the label "-" is none of entailment, neutral, contradiction',
        "mednli: hypothesis is missing or empty",
    }


def test_longhealth_as_published(tmp_path):
    faults = Faults()
    patients = read_patients(write_longhealth(tmp_path / "benchmark_v5.json"), faults)
    assert [(p.id, len(p.letters), len(p.questions)) for p in patients] == [
        (f"patient_{n:02d}", 3, 2) for n in range(3)
    ]
    first = patients[0].questions[0]
    assert (first.question.right, first.letters, first.question.cluster) == ((1,), ("text_1",), "patient_00")
    assert not faults.found


def test_longhealths_faults_are_counted(tmp_path):
    file = write_longhealth(tmp_path / "benchmark_v5.json")
    data = json.loads(file.read_text())
    asked = data["patient_00"]["questions"]
    asked[0]["correct"] = "fever"  # a part of option a: the published scorer takes it
    asked[1]["answer_location"] = {"text_9": {}}
    data["patient_01"]["questions"][0]["answer_c"] = ""
    file.write_text(json.dumps(data))
    faults = Faults()
    assert sum(len(p.questions) for p in read_patients(file, faults)) == 3
    assert faults.found == {
        "the answer is not among the options": 1,
        "the letter that the answer stands in is not there": 1,
        "an option is missing or empty": 1,
    }


def test_a_users_documents(tmp_path):
    file = tmp_path / "docs.jsonl"
    records = [
        {"id": "a", "text": "The dose was 5 mg.", "questions": [{"question": "Dose?", "answer": "5 mg"}]},
        {"id": "b", "text": "No dose.", "questions": [{"question": "Who?", "options": ["x", "y"], "answer": "y"}]},
        {"id": "b", "text": "Twice."},
        {"id": "c", "text": "", "question": "?"},
        {"id": "d", "text": "Third.", "question": "Lost?"},
    ]
    file.write_text("\n".join(map(json.dumps, records)))
    faults = Faults()
    texts, asked = read_documents(file, faults)
    assert list(texts) == ["a", "b", "d"]
    assert [(each.id, each.answer, each.right is None) for each in asked] == [
        ("a-0", "5 mg", True),
        ("b-0", "y", False),
    ]
    assert faults.found == {
        "a document's id is given twice": 1,
        "the document is missing or empty": 1,
        "a question or its answer is missing or empty": 1,
    }
    file.write_text(json.dumps(records[0]))
    with pytest.raises(UsageError, match="at least two documents"):
        read_documents(file, Faults())
