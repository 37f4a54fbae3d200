"""A written answer is matched with options, labels and codes however either is typed."""

import gzip
import json
import unicodedata

import pytest
from evaluation import Scripted, answered, suite_plan
from hypothesis import given
from hypothesis import strategies as st
from knowshift.errors import UsageError
from knowshift.probes.evaluate.codes import score
from knowshift.probes.evaluate.declined import declines
from knowshift.probes.evaluate.instructions import INSTRUCTIONS, follows
from knowshift.probes.evaluate.labels import labelled
from knowshift.probes.evaluate.parsing import said_label, said_option
from knowshift.probes.evaluate.question import Faults
from knowshift.probes.evaluate.readers.choice_sets import read_questions
from knowshift.probes.evaluate.readers.clue import read_docs
from knowshift.probes.evaluate.texts import rouge
from knowshift.probes.evaluate.values import by_key
from knowshift.terms.domain import Domain, Specialty
from typed_forms import FORMS, rewritten

BY_ID = {instruction.id: instruction for instruction in INSTRUCTIONS}


@pytest.mark.parametrize(("one", "other"), FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("said", ["{0}", "The answer is {0}.", "B. {0}", "{0}, because of the others"])
def test_an_option_is_chosen_in_any_form(one, other, said):
    for option, written in ((one, other), (other, one)):
        assert said_option(said.format(written), ["zinc", option, "iron"]) == 1


@pytest.mark.parametrize(("one", "other"), FORMS.values(), ids=FORMS)
def test_a_label_is_named_in_any_form(one, other):
    for label, written in ((one, other), (other, one)):
        assert said_label(f"It is {written}.", ["zinc", label]) == 1
        assert said_label(f"It is not {written}.", ["zinc", label]) is None


@given(st.data(), st.text("abfiéöñçü'-", min_size=3, max_size=9).filter(lambda name: name.strip("'-") == name))
def test_an_option_rewritten_at_random_is_chosen(data, name):
    assert said_option(rewritten(data.draw, name), ["zzz", name]) == 1


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [
        ("Ｂ", 1),
        ("（Ｂ） Zinc", 1),
        ("\ufeffB", 1),
        ("\u200bB.", 1),
        ("The\u00a0answer\u00a0is\u00a0B", 1),
        ("I’d go with B", 1),
        ("It’s B", 1),
        ("It isn’t A", None),
        ("B—because zinc is low", 1),
        ("B–cells", None),
        ("𝐁", 1),
    ],
)
def test_a_letter_is_read_in_any_form(answer, chosen):
    assert said_option(answer, ["Iron", "Zinc"]) == chosen


@pytest.mark.parametrize(
    ("options", "answers"),
    [
        (("pH", "PH"), {"pH": 0, "PH": 1, "The answer is PH": 1, "ph": None}),
        (("0.5 mg", "5 mg", "1.5 mg"), {"0.5 mg": 0, "5 mg": 1, "The answer is 1.5 mg": 2, "5mg": None}),
        (("-5", "+5"), {"−5": 0, "+5": 1}),
        (("++", "+"), {"+": 1, "The answer is ++": 0}),
        (("कि", "की"), {"कि": 0, "की": 1}),
        (("胰岛素", "二甲双胍"), {"二甲双胍。": 1, "胰岛素是首选": 0, "不知道": None}),
    ],
    ids=["case", "decimals", "signs", "only signs", "vowel signs", "no spaces"],
)
def test_options_that_look_alike_are_told_apart(options, answers):
    assert {answer: said_option(answer, options) for answer in answers} == answers


@pytest.mark.parametrize("answer", ["I don’t know", "I donʼt know.", "It can’t be determined", "Not\u00a0stated."])
def test_an_answer_declines_in_any_form(answer):
    assert declines(answer)


@pytest.mark.parametrize("answer", ["I50.9", "Ｉ５０．９", "I50\u00ad.9", "\u200bi50.9"])
def test_a_code_is_read_in_any_form(answer):
    assert score(answer, ["I50.9"], lambda code: True)["code F1"] == 1


def test_summaries_are_compared_in_normal_form():
    found = rouge(["Crohn’s ﬁbrosis of the il\u00adeum"], ["Crohn's fibrosis of the ileum"])
    assert {name: numbers[0] for name, numbers in found.items()} == dict.fromkeys(("ROUGE-1", "ROUGE-2", "ROUGE-L"), 1)


def test_instructions_are_checked_in_normal_form():
    assert follows(BY_ID["ends"], "Rain falls, and that\u00a0is all.")
    assert follows(BY_ID["commas"], "rain， wind， fog")
    assert follows(BY_ID["five words"], "It’s cold and grey out\u00adside")
    assert follows(BY_ID["no e"], "pain, fog, caf\u0065\u0301")
    assert follows(BY_ID["quoted"], "“It rains.”")
    assert not follows(BY_ID["json"], "{“name”: “rain”, “use”: “none”}")


DOMAIN = Domain("d", specialties={"ped": Specialty("ped", "Pédiatrie"), "car": Specialty("car", "Cardiologie")})
NFD = unicodedata.normalize("NFD", "Pédiatrie")


def test_the_right_option_is_known_in_any_form(tmp_path):
    records = [
        {"Question": f"Q{n}?", "Specialty": specialty, "Options": ["Crohn's", "Sjögren"], "Answer": answer}
        for n, (specialty, answer) in enumerate((("Pédiatrie", "Crohn’s"), (NFD, "Sjo\u0308gren\u00a0")))
    ]
    (tmp_path / "q.json").write_text(json.dumps(records))
    faults = Faults()
    found = read_questions(tmp_path / "q.json", DOMAIN, faults)
    assert ([(q.right, q.labels) for q in found], faults.found) == ([((0,), ("ped",)), ((1,), ("ped",))], {})


def test_votes_for_one_specialty_are_counted_together(tmp_path):
    record = {"Question": "Q?", "Options": ["a", "b"], "Answer": "a", "Votes": ["Pédiatrie", NFD, "PED", "Cardiologie"]}
    (tmp_path / "q.json").write_text(json.dumps([record]))
    (found,) = read_questions(
        tmp_path / "q.json", DOMAIN, Faults(), lambda records: labelled(records, quorum=3, alpha=None, seed=0)
    )
    assert found.labels == ("ped",)


def test_a_gold_label_is_known_in_any_form(tmp_path):
    record = {"sentence1": "a", "sentence2": "b", "gold_label": "Ｎｅｕｔｒａｌ"}
    (tmp_path / "m.jsonl").write_text(json.dumps(record))
    assert [doc["target"] for doc in read_docs("mednli", tmp_path / "m.jsonl", Faults())] == ["neutral"]


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("Crohn's disease", "It is Crohn’s disease."),
        ("Sjögren", unicodedata.normalize("NFD", "Sjögren syndrome")),
        ("fibrosis", "lung ﬁbrosis"),
        ("二甲双胍", "患者使用二甲双胍治疗。"),
        ("0.5 mg", "0.5\u00a0mg daily"),
    ],
)
def test_a_free_answer_is_right_in_any_form(tmp_path, answer, said):
    records = [
        {"id": "a", "text": f"He has {answer}.", "question": "What?", "answer": answer},
        {"id": "b", "text": "He has a rash.", "question": "What?", "answer": "rash"},
    ]
    (tmp_path / "d.jsonl").write_text("\n".join(map(json.dumps, records)))
    opened = suite_plan(suite="hallucination", data=str(tmp_path / "d.jsonl"))
    held = by_key(opened.values(answered(opened.asks, Scripted(reply=lambda prompt: said), tmp_path / "run")))
    right = {value.question: value.value for value in held["hallucination.free.answered", "accuracy"]}
    assert right == {"a-0": 1.0, "b-0": 0.0}


@pytest.mark.heavy
@pytest.mark.parametrize(("encoding", "declared"), [("cp1252", "cp1252"), ("utf-16", None), ("utf-8-sig", None)])
@pytest.mark.parametrize("name", ["q.jsonl", "q.jsonl.gz"])
def test_a_suites_data_may_have_any_encoding(tmp_path, name, encoding, declared):
    record = {"question": "Which drug for Ménière disease?", "options": ["bêtahistine", "zinc"], "answer": "a"}
    raw = json.dumps(record, ensure_ascii=False).encode(encoding)
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    opened = suite_plan(suite="cases", data=str(tmp_path / name), methods=("text",), encoding=declared)
    (doc,) = opened.asks[0].docs
    assert (doc["stem"], doc["options"][0]) == ("Which drug for Ménière disease?", "bêtahistine")
    if declared:
        with pytest.raises(UsageError, match=r"line 1: not UTF-8; .* --encoding cp1252"):
            suite_plan(suite="cases", data=str(tmp_path / name))


@pytest.mark.heavy
@pytest.mark.parametrize(("encoding", "declared"), [("cp1252", "cp1252"), ("utf-16", None)])
def test_general_texts_may_have_any_encoding(tmp_path, encoding, declared):
    (tmp_path / "t.md").write_bytes("Ménière.\r\n\r\nBasedow.\r\n".encode(encoding))
    opened = suite_plan(suite="forgetting", data=f"text={tmp_path / 't.md'}", encoding=declared)
    (asked,) = [ask for ask in opened.asks if ask.name == "forgetting.text.general"]
    assert [doc["text"] for doc in asked.docs] == ["Ménière.", "Basedow."]


def test_an_unknown_encoding_is_one_line():
    for name in ("klingon", "hex"):
        with pytest.raises(UsageError, match=f"--encoding {name}: no such encoding"):
            suite_plan(suite="cases", data="x", encoding=name)
