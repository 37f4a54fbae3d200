"""CLUE with a scripted model: every score as computed by hand here, and the original's defects as cases."""

import json
import shutil

import pytest
from evaluation import Scripted, answered, listed, suite_plan, write_clue, write_longhealth
from knowshift.errors import UsageError
from knowshift.probes.evaluate import codes, levels
from knowshift.probes.evaluate.longhealth import fitting
from knowshift.probes.evaluate.texts import BertScore, UmlsF1, rouge
from knowshift.probes.evaluate.values import Value, by_key
from knowshift.terms.vocabulary.compiled import write
from knowshift.terms.vocabulary.entry import Entry

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    path = tmp_path_factory.mktemp("vocabulary") / "small.vocab"
    entries = [Entry(id=f"C{n}", name=name) for n, name in enumerate(["fever", "cough", "rash", "gastric ulcer"])]
    write(entries, path, {})
    return path


def clue(folder, **options):
    return suite_plan(**{"suite": "clue", "data": [str(folder)], "context": 2048, **options})


def scores(suite, reply, tmp_path):
    """Means by task and metric, of a model that answers `reply(task, document, prompt)`."""
    held = {}
    for ask in suite.asks:
        docs = iter(ask.docs)
        lm = Scripted(reply=lambda prompt, docs=docs, ask=ask: reply(ask.name, next(docs), prompt))
        held |= answered([ask], lm, tmp_path)
    values = suite.values(held)
    means = {key: sum(v.value for v in each) / len(each) for key, each in by_key(values).items()}
    return means, values, held


@pytest.fixture(scope="module")
def made(tmp_path_factory, vocabulary, encoder):
    folder = tmp_path_factory.mktemp("clue")
    suite = clue(write_clue(folder / "data", 9), vocabulary=vocabulary, bertscore=encoder)
    order = {ask.name: [doc["id"] for doc in ask.docs] for ask in suite.asks}

    def reply(name, doc, prompt):
        first = order[name].index(doc["id"]) == 0
        if name == "clue.mednli":
            gold = ("entailment", "neutral", "contradiction")[int(doc["id"].split("-")[1]) % 3]
            place = order[name].index(doc["id"])
            return {0: gold.upper(), 1: "entailment, neutral or contradiction", 2: ""}.get(place, "no idea")
        if name == "clue.meqsum":
            number = doc["text"].split()[-1]
            return f"Who makes drug {number}?" if first else f"Who sells drug {number}"
        if name in ("clue.problem_summary", "clue.medisumqa"):
            return "fever and rash" if first else ""
        if name == "clue.medisumcode":
            return "I50.9, N17.9" if first else "I50.1" if order[name].index(doc["id"]) == 1 else "Heart failure."
        letter = next(letter for letter, option in listed(prompt).items() if option == "cough b")
        return f"The correct answer is {letter}: cough b."

    return suite, order, *scores(suite, reply, folder / "run")


def test_scores_are_those_computed_by_hand(made):
    _, order, means, _, _ = made
    n = {name: len(ids) for name, ids in order.items()}
    assert (n["clue.mednli"], n["clue.meqsum"], n["clue.medisumcode"]) == (6, 6, 8)  # the shots are not asked
    expected = {
        # One right; one names every label; one is empty; three say nothing that can be told.
        ("clue.mednli", "accuracy"): 1 / 6,
        ("clue.mednli", "unparsed"): 5 / 6,
        # who/makes/drug/n against who/sells/drug/n: 3 of 4 words, 1 of 3 pairs, 3 in order.
        ("clue.meqsum", "ROUGE-1"): (1 + 5 * 3 / 4) / 6,
        ("clue.meqsum", "ROUGE-2"): (1 + 5 * 1 / 3) / 6,
        ("clue.meqsum", "ROUGE-L"): (1 + 5 * 3 / 4) / 6,
        # fever, rash against fever, cough; against fever alone.
        ("clue.problem_summary", "UMLS F1"): (2 * 1 / 4) / 6,
        ("clue.medisumqa", "UMLS F1"): (2 * 1 / 3) / 8,
        # fever/and/rash against fever/cough: one word.
        ("clue.problem_summary", "ROUGE-1"): (2 * 1 / 5) / 6,
        ("clue.problem_summary", "unparsed"): 5 / 6,
        # I509, N179 against I509; then the right category alone; then no code at all.
        ("clue.medisumcode", "code F1"): (2 / 3) / 8,
        ("clue.medisumcode", "category F1"): (2 / 3 + 1) / 8,
        ("clue.medisumcode", "valid codes"): (1 + 1) / 8,
        ("clue.medisumcode", "unparsed"): 6 / 8,
        ("clue.longhealth.task1", "accuracy"): 1.0,
        ("clue.longhealth.task2", "accuracy"): 1.0,
        ("clue.longhealth.task3", "accuracy"): 0.0,
        ("clue.longhealth.task3", "false answers"): 1.0,
        ("clue.longhealth.task3", "unparsed"): 0.0,
    }
    assert {key: means[key] for key in expected} == pytest.approx(expected)


def test_the_published_levels_are_means_of_means_of_metrics(made):
    suite, _, means, values, held = made
    found = suite.part({"m": held}, {"m": values}).levels["m"].published
    # All by hand (the test above) but the random encoder's BERTScore.
    bert = {task: means[f"clue.{task}", "BERTScore"] for task in ("meqsum", "problem_summary", "medisumqa")}
    question = (19 / 24 + 4 / 9 + 19 / 24 + bert["meqsum"]) / 4
    summary = (1 / 15 + 0 + 1 / 15 + bert["problem_summary"] + 1 / 12) / 5
    assert (found["L1"].value, list(found["L1"].missing)) == (pytest.approx(100 * (1 / 6 + question + summary) / 3), [])
    answer = (1 / 20 + 0 + 1 / 20 + bert["medisumqa"] + 1 / 12) / 5
    code = (1 / 12 + 5 / 24 + 1 / 4) / 3
    assert (found["L2"].value, list(found["L2"].missing)) == (pytest.approx(100 * (2 / 3 + answer + code) / 3), [])


WHOLE = {
    "mednli": {"accuracy": 0.5},
    "meqsum": {"ROUGE-1": 0.4, "ROUGE-2": 0.2, "ROUGE-L": 0.3, "BERTScore": 0.9},
    "problem_summary": {"ROUGE-1": 0.3, "ROUGE-2": 0.1, "ROUGE-L": 0.2, "BERTScore": 0.8, "UMLS F1": 0.6},
    "longhealth": {"task1 accuracy": 0.6, "task2 accuracy": 0.5, "task3 accuracy": 0.1},
    "medisumqa": {"ROUGE-1": 0.2, "ROUGE-2": 0.0, "ROUGE-L": 0.1, "BERTScore": 0.7, "UMLS F1": 0.5},
    "medisumcode": {"code F1": 0.3, "category F1": 0.5, "valid codes": 0.7},
}
"""Means of tasks: 0.5, 0.45, 0.4; 0.4, 0.3, 0.5."""


def test_the_published_levels_by_hand():
    found = levels.published_levels(WHOLE)
    assert (found["L1"].value, list(found["L1"].missing)) == (pytest.approx(45.0), [])
    assert (found["L2"].value, list(found["L2"].missing)) == (pytest.approx(40.0), [])


def test_a_metric_that_was_not_computed_leaves_no_level():
    without = {task: {k: v for k, v in each.items() if k != "BERTScore"} for task, each in WHOLE.items()}
    del without["medisumqa"]["UMLS F1"]
    found = levels.published_levels(without)
    assert (found["L1"].value, list(found["L1"].missing)) == (None, ["meqsum BERTScore", "problem_summary BERTScore"])
    assert (found["L2"].value, list(found["L2"].missing)) == (None, ["medisumqa BERTScore", "medisumqa UMLS F1"])


def test_each_pair_has_its_difference_of_levels(tmp_path):
    data = write_clue(tmp_path / "data", 9)
    suite = clue(tmp_path, data=[f"mednli={data / 'mednli.jsonl'}"], pair=["tuned=base", "tuned=other"])

    def values(right):
        return [Value("clue.mednli", "accuracy", f"q{i}", float(i < right)) for i in range(40)]

    found = suite.part({}, {"base": values(0), "tuned": values(40), "other": values(20)})
    rows = found.level_differences
    assert [(row.tuned, row.base) for row in rows] == [("tuned", "base"), ("tuned", "other")]
    # One metric of a chance of a third: a difference of accuracy is worth three halves.
    assert [row.mended["L1"].value for row in rows] == pytest.approx([1.5, 0.75])
    note = "1 of 3 tasks; without meqsum, problem_summary"
    assert [row.mended["L1"].note for row in rows] == [f"{note}; no interval: all are the same", note]
    assert all(row.published == {"L1": None, "L2": None} for row in rows)
    assert found.levels["other"].mended["L1"].value == pytest.approx(0.25)


def test_the_difference_of_whole_levels_is_in_points():
    def values(share):
        return [
            Value(
                f"clue.{task}.{metric.split()[0]}" if task == "longhealth" else f"clue.{task}",
                metric.split()[-1] if task == "longhealth" else metric,
                f"q{i}",
                mean * share,
            )
            for task, each in WHOLE.items()
            for metric, mean in each.items()
            for i in range(3)
        ]

    (row,) = levels.level_differences({"b": values(1.0), "t": values(0.5)}, [("t", "b")], "clue", 0)
    assert row.published == pytest.approx({"L1": -22.5, "L2": -20.0})


def test_the_mended_levels_are_zero_at_chance_and_one_when_perfect():
    def values(chance):
        parts = {"mednli": ("accuracy", 1 / 3), "meqsum": ("ROUGE-L", 0.0), "problem_summary": ("UMLS F1", 0.0)}
        return [
            Value(f"clue.{task}", metric, f"q{i}", value if chance else 1.0)
            for task, (metric, value) in parts.items()
            for i in range(40)
        ]

    assert levels.mended(values(True), "clue", 0)["L1"].value == pytest.approx(0)
    assert levels.mended(values(False), "clue", 0)["L1"].value == pytest.approx(1)
    paired = levels.mended(values(False), "clue", 0, values(True))["L1"]
    assert paired.value == pytest.approx(1)
    assert levels.mended(values(True), "clue", 0)["L1"].note == "no interval: all are the same"
    assert levels.mended(values(True), "clue", 0)["L2"].value is None


def test_levels_name_what_is_missing():
    found = levels.published_levels({"mednli": {"accuracy": 0.5}, "longhealth": {"task1 accuracy": 0.5}})
    assert (found["L1"].value, list(found["L1"].missing)) == (None, ["meqsum", "problem_summary"])
    lacking = ["longhealth task2 accuracy", "longhealth task3 accuracy", "medisumqa", "medisumcode"]
    assert (found["L2"].value, list(found["L2"].missing)) == (None, lacking)


# The original's defects (background, section 2); greedy decoding is tested in test_runner.


def test_defect_the_first_item_counts_once(tmp_path):
    folder = write_clue(tmp_path / "data", 9)
    suite = clue(folder)
    (ask,) = [ask for ask in suite.asks if ask.name == "clue.mednli"]
    first = ask.docs[0]["id"]
    label = ("entailment", "neutral", "contradiction")[int(first.split("-")[1]) % 3]
    means, *_ = scores(suite, lambda name, doc, prompt: label if doc["id"] == first else "", tmp_path / "run")
    assert means["clue.mednli", "accuracy"] == pytest.approx(1 / 6)  # the original's: 2/7


def test_defect_an_answer_that_lists_every_label_is_not_right(tmp_path):
    suite = clue(write_clue(tmp_path / "data", 9))
    listing = "ENTAILMENT, NEUTRAL or CONTRADICTION"
    means, *_ = scores(suite, lambda name, doc, prompt: listing, tmp_path / "run")
    assert (means["clue.mednli", "accuracy"], means["clue.mednli", "unparsed"]) == (0.0, 1.0)


def test_defect_the_right_option_is_no_part_of_another(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    file = write_longhealth(folder / "longhealth.json")
    data = json.loads(file.read_text())
    for patient in data.values():
        for asked in patient["questions"]:
            asked |= {"answer_b": "cough", "answer_e": "cough at night", "correct": "cough"}
    file.write_text(json.dumps(data))

    def says(text):
        def reply(name, doc, prompt):
            letter = next(letter for letter, option in listed(prompt).items() if option == text)
            return f"The correct answer is {letter}: {text}."

        return scores(clue(folder), reply, tmp_path / text)[0]["clue.longhealth.task1", "accuracy"]

    assert says("cough") == 1.0
    assert says("cough at night") == 0.0  # the original takes the last option that holds the right text


def test_one_who_always_declines_is_right_in_task_3_alone(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    write_longhealth(folder / "longhealth.json")
    means, *_ = scores(clue(folder), lambda name, doc, prompt: "F", tmp_path / "run")
    assert [means[f"clue.longhealth.task{n}", "accuracy"] for n in (1, 2, 3)] == [0.0, 0.0, 1.0]
    assert means["clue.longhealth.task1", "unparsed"] == 1.0


def test_longhealths_letters(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    write_longhealth(folder / "longhealth.json", patients=6)
    asks = {ask.name: ask for ask in clue(folder).asks}
    for task, ask in asks.items():
        by_question = {}
        for doc in ask.docs:
            patient = int(doc["question"].split("-")[0][-2:])
            own = {letter for letter in doc["letters"] if letter.startswith(f"P{patient} ")}
            answer = f"P{patient} L1"
            if task.endswith("task1"):
                assert own == set(doc["letters"]) == {f"P{patient} L{k}" for k in range(3)}
            elif task.endswith("task2"):
                assert own == {answer}
                assert len(doc["letters"]) == 11
            else:
                assert not own
                assert len(doc["letters"]) == 10
            assert ("cannot be answered" in doc["options"][-1]) == (not task.endswith("task1"))
            by_question.setdefault(doc["question"], []).append(doc)
        for docs in by_question.values():
            assert len(docs) == 5
            assert len({tuple(doc["letters"]) for doc in docs}) > 1  # shuffled
            assert sorted(doc["options"].index("cough b") for doc in docs) == [0, 1, 2, 3, 4]


def test_letters_are_whole_or_not_there():
    assert fitting(["own" * 9], ["a" * 50, "b" * 20, "c"], 50) == ["own" * 9, "b" * 20, "c"]
    assert fitting(["own" * 99], ["a"], 50) == ["own" * 99]


def test_what_has_no_data_is_listed_with_where_to_apply(tmp_path):
    (tmp_path / "data").mkdir()
    write_longhealth(tmp_path / "data" / "longhealth.json")
    lines = [str(each) for each in clue(tmp_path / "data").not_run]
    assert len(lines) == 5
    assert lines[0].startswith("mednli: not run: data missing; apply at physionet.org/content/mednli")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="nothing can be run"):
        clue(tmp_path / "empty")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I50.9, N17.9", {"I509", "N179"}),
        ("i50.9", {"I509"}),
        ("ICD-10 Codes: E11, S72.001A.", {"E11", "S72001A"}),
        ("I50.9 I509", {"I509"}),
        ("none", set()),
        ("A1", set()),
        ("covid19 vitamin B12", {"B12"}),
        ("", set()),
    ],
)
def test_codes_in_a_text(text, found):
    assert codes.codes_in(text) == found


def test_whether_a_code_exists(tmp_path):
    cm = codes.validity(None)
    assert cm("I509")
    assert not cm("I5099999")
    (tmp_path / "codes.txt").write_text("I50.9 Heart failure\n")
    own = codes.validity(tmp_path / "codes.txt")
    assert own("I509")
    assert not own("N179")
    with pytest.raises(UsageError, match="--icd10"):
        codes.validity(tmp_path / "none.txt")


def test_umls_f1_has_no_value_where_the_reference_has_no_concept(vocabulary):
    found = UmlsF1(vocabulary)(
        ["fever", "fever", "", "a gastric ulcer"], ["nothing", "fever", "fever", "gastric ulcer"]
    )
    assert found == {"UMLS F1": [None, 1.0, 0.0, 1.0]}


def test_an_empty_answer_scores_nothing():
    assert rouge([""], ["who makes it"]) == {"ROUGE-1": [0.0], "ROUGE-2": [0.0], "ROUGE-L": [0.0]}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """A random BERT of letters."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("bert")
    letters = "abcdefghijklmnopqrstuvwxyz"
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{c}" for c in letters), "."]
    (folder / "vocab.txt").write_text("\n".join(vocab))
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=len(vocab),
            hidden_size=16,
            num_hidden_layers=10,
            num_attention_heads=2,
            intermediate_size=16,
            max_position_embeddings=32,
        )
        BertModel(config).save_pretrained(folder)
    return folder


def test_bertscore_with_a_local_model(encoder):
    answers = ["fever and rash", "", "cough " * 40, "stable"]
    references = ["fever and rash", "fever", "cough", "who makes it"]
    found = BertScore(encoder)(answers, references)["BERTScore"]
    assert found[0] == pytest.approx(1.0, abs=1e-5)
    assert found[1] == 0.0
    assert found[3] < found[0]


def test_the_layer_that_bertscore_reads_is_said(encoder, tmp_path):
    known = tmp_path / "scibert_scivocab_uncased"
    shutil.copytree(encoder, known)
    assert BertScore(encoder).layer.startswith("BERTScore read at layer 10 of 10, the last: ")
    assert BertScore(known).layer.startswith("BERTScore read at layer 8 of 10, the package's choice")
    data = write_clue(tmp_path / "data", 4)
    notes = clue(tmp_path, data=[f"meqsum={data / 'meqsum.xlsx'}"], bertscore=known).notes
    assert any("layer 8 of 10" in note for note in notes)
    with pytest.raises(UsageError, match="cannot be used here"):
        clue(tmp_path, data=[f"meqsum={data / 'meqsum.xlsx'}"], bertscore=known, device="meta")


def test_bertscores_model_must_be_one(tmp_path):
    with pytest.raises(UsageError, match="holds no model"):
        BertScore(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(UsageError, match="cannot be opened") as raised:
        BertScore(tmp_path)
    assert "\n" not in str(raised.value)
