"""Multiple-choice suites end to end: random models at chance, what is kept, what is refused."""

import json

import polars as pl
import pytest
from evaluation import WORDS, write_smedqa
from knowshift.errors import RunError, UsageError
from knowshift.probes.evaluate.evaluate import Evaluation, evaluate
from knowshift.probes.evaluate.gain_correlation import correlate_gains
from knowshift.probes.evaluate.suites import smedqa
from knowshift.probes.evaluate.values import Value
from knowshift.probes.results.estimate import Estimate
from knowshift.probes.results.evaluation import LeftOutQuestions, PairDifference, QuestionCount
from knowshift.probes.results.model import MatrixRow
from knowshift.probes.results.suite_parts import SmedqaPart
from knowshift.probes.runs.naming import told_specialties
from knowshift.terms.domain import Domain

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def asked(models, tmp_path_factory):
    place = tmp_path_factory.mktemp("smedqa")
    data = write_smedqa(place / "data.json", 96)
    tuned = [models / name for name in ("neuro_lora", "cardio_lora", "whole")]
    return evaluate(
        models / "base", tuned, data=data, methods=["letter", "text", "pmi"], out=place / "run", batch_size=32
    )


def test_a_random_model_sits_at_chance(asked):
    found = asked.result.estimates()
    for model in ("base", "neuro_lora", "cardio_lora", "whole"):
        for method in ("letter", "text", "pmi"):
            estimate = found[model, f"smedqa.{method}", "accuracy", ""]
            # A model that is drawn to one place has no spread at all: the rotations take its luck away.
            assert estimate.low - 1e-9 <= 0.25 <= estimate.high + 1e-9, (model, method)
            assert estimate.n == 96
    differing = [row for row in asked.result.pairs if row.q is not None and row.q < 0.01]
    assert not differing


def test_what_is_kept_is_what_is_said(asked):
    values = pl.read_parquet(asked.run / "values.parquet")
    found = asked.result.estimates()
    means = values.group_by("model", "task", "metric").agg(pl.mean("value"))
    for row in means.iter_rows(named=True):
        assert found[row["model"], row["task"], row["metric"], ""].value == pytest.approx(row["value"])
    answers = pl.read_parquet(asked.run / "scores" / "whole" / "smedqa.letter.parquet")
    assert answers["id"].n_unique() == answers.height == 384
    assert Evaluation.open(asked.run) == asked


def test_the_matrix_has_each_models_own_specialty(asked):
    labels = {row.label for row in asked.result.pairs}
    assert labels == {"", "neurology", "cardiology"}
    assert asked.result.part(SmedqaPart).own == {"neuro_lora": "neurology", "cardio_lora": "cardiology"}
    assert set(asked.result.part(SmedqaPart).diagonal) == {"smedqa.letter", "smedqa.text", "smedqa.pmi"}


def test_a_model_that_learned_its_own_specialty_has_a_diagonal_advantage():
    def values(right):
        return [
            Value("smedqa.letter", "accuracy", f"{s}{i}", float(i < (90 if s in right else 40)), (s,))
            for s in ("a", "b", "c")
            for i in range(100)
        ]

    own = {"m1": "a", "m2": "b", "m3": "c"}
    each = {"base": values(""), "m1": values("a"), "m2": values("b"), "m3": values("c")}
    found = smedqa.diagonals(each, own, 0)["smedqa.letter"]
    assert found.value == pytest.approx(0.5)
    assert found.low > 0.3
    everywhere = {name: values("abc") for name in each}
    assert smedqa.diagonals(everywhere, own, 0)["smedqa.letter"].value == pytest.approx(0)


def test_the_same_run_goes_on_and_another_is_refused(asked, models, monkeypatch):
    from knowshift.probes.evaluate import runner

    monkeypatch.setattr(runner, "_asked", lambda *a: pytest.fail("asked again"))
    data = asked.run.parent / "data.json"
    tuned = [models / name for name in ("neuro_lora", "cardio_lora", "whole")]
    options = {"data": data, "methods": ["letter", "text", "pmi"], "out": asked.run}
    assert evaluate(models / "base", tuned, **options).result.scores == asked.result.scores
    with pytest.raises(RunError, match="another run lies there"):
        evaluate(models / "base", tuned, **options, seed=1)


def test_one_tuned_model_beside_two_bases(models, tmp_path):
    data = write_smedqa(tmp_path / "data.json", 8)
    done = evaluate(
        models / "base",
        [models / "neuro_lora", models / "whole"],
        data=data,
        methods=["text"],
        pair=["neuro_lora=base", "neuro_lora=whole"],
        out=tmp_path / "run",
    )
    pairs = {(row.tuned, row.base) for row in done.result.pairs}
    assert pairs == {("neuro_lora", "base"), ("neuro_lora", "whole")}


def test_cases_by_difficulty(models, tmp_path):
    cases = [
        {
            "id": f"c{i}",
            "question": f"Case {i}?",
            "options": WORDS[:5],
            "answer": "ABCDE"[i % 5],
            "difficulty": ("easy", "hard")[i % 2],
        }
        for i in range(10)
    ]
    (tmp_path / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    done = evaluate(
        models / "base",
        models / "neuro_lora",
        suite="cases",
        data=tmp_path / "cases.jsonl",
        out=tmp_path / "run",
        methods=["letter", "generation"],
    )
    found = done.result.estimates()
    assert found["base", "cases.letter", "accuracy", "difficulty: hard"].n == 5
    assert found["base", "cases.generation", "unparsed", ""].n == 10
    assert [row.label for row in done.result.pairs if row.task == "cases.letter" and row.p is not None] == [
        "",
        "difficulty: easy",
        "difficulty: hard",
    ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"suite": "glue"}, "--suite glue: no such suite"),
        ({}, "no data; give --data FILE"),
        ({"data": "nowhere.json"}, "no such file"),
        ({"data": "mednli=nowhere.json"}, "smedqa has no task mednli"),
        ({"suite": "clue", "data": "mednil=nowhere.json"}, "clue has no task mednil; the tasks are mednli"),
        ({"suite": "clue", "data": "nowhere"}, "no such file or folder"),
        ({"methods": ["luck"]}, "--method luck"),
        ({"context": 4096}, "reads 512 tokens at most"),
        ({"context": 16}, "every question is left out"),
        ({"limit": 0}, "--limit 0"),
        ({"template": "chat"}, "no chat template"),
        ({"own": ["neuro_lora=astrology"]}, "unknown specialty"),
        ({"own": ["nobody=neurology"]}, "--own nobody=neurology: no such model"),
        ({"prompts": "nowhere"}, "--prompts nowhere: no such folder"),
        ({"color": "red"}, "color: no such option"),
        ({"suite": "clue", "data": "mednli=nowhere.jsonl"}, "no such file"),
        ({"data": ["one.json", "two.json"]}, "--data two.json: smedqa reads one path, and one.json is given too"),
        ({"suite": "clue", "data": [".", "tests"]}, "--data tests: clue reads one path.*or TASK=PATH"),
        ({"suite": "clue", "data": ["mednli=a", "mednli=b"]}, "--data mednli=….* is given twice"),
        ({"suite": "clue", "data": __file__}, "give --data TASK="),
        ({"suite": "forgetting", "data": __file__}, "give --data text="),
        ({"suite": "forgetting", "data": "."}, "--data .: holds no file called text"),
    ],
)
def test_what_cannot_be_run_is_one_line(models, tmp_path, options, says):
    given = {"out": tmp_path / "run", **options}
    if "data" not in given and says != "no data; give --data FILE":
        given["data"] = write_smedqa(tmp_path / "data.json", 4)
    with pytest.raises(UsageError, match=says) as raised:
        evaluate(models / "base", models / "neuro_lora", **given)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "run").exists()


def test_a_prompt_can_be_edited(models, tmp_path):
    folder = tmp_path / "prompts"
    folder.mkdir()
    (folder / "cloze.txt").write_text("{{ stem }} =>\n")
    data = write_smedqa(tmp_path / "data.json", 4)
    options = {"data": data, "methods": ["text"]}
    first = evaluate(models / "base", models / "neuro_lora", **options, out=tmp_path / "a")
    other = evaluate(models / "base", models / "neuro_lora", **options, out=tmp_path / "b", prompts=folder)
    read = [pl.read_parquet(done.run / "scores" / "base" / "smedqa.text.parquet") for done in (first, other)]
    assert set(read[0]["prompt"]).isdisjoint(read[1]["prompt"])
    (folder / "cloze.txt").write_text("{{ steam }}")
    with pytest.raises(UsageError, match=r"'steam' is undefined.*its fields are stem, context, options"):
        evaluate(models / "base", models / "neuro_lora", **options, out=tmp_path / "c", prompts=folder)
    (folder / "cloze.txt").write_text("{% if %}")
    with pytest.raises(UsageError, match="not a Jinja template"):
        evaluate(models / "base", models / "neuro_lora", **options, out=tmp_path / "c", prompts=folder)
    (folder / "cloze.txt").rename(folder / "closed.txt")
    with pytest.raises(UsageError, match="no suite reads a prompt of that name"):
        evaluate(models / "base", models / "neuro_lora", **options, out=tmp_path / "c", prompts=folder)


def test_what_is_too_long_is_counted_and_the_first_is_named(models, tmp_path):
    cases = [
        {"id": f"c{i}", "question": "Which sign? " * (200 if i in (2, 4) else 1), "options": WORDS[:4], "answer": "A"}
        for i in range(6)
    ]
    (tmp_path / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    said = []
    done = evaluate(
        models / "base",
        models / "neuro_lora",
        suite="cases",
        data=tmp_path / "cases.jsonl",
        methods=["text"],
        out=tmp_path / "run",
        note=said.append,
    )
    why = "longer than the context of 512 tokens"
    (first,) = {questions.first for questions in done.result.left_out["cases.text"].values()}
    assert done.result.left_out == {"cases.text": {why: LeftOutQuestions(n=2, first=first)}}
    assert "c2" in first
    assert done.result.counts["cases.text"] == QuestionCount(asked=4, left_out=2)
    assert f"cases.text: 2 questions left out ({why}; first: {first})" in said


def test_counts_and_correlation_are_of_the_same_specialties():
    def point(low):
        return Estimate(low + 1, low, low + 2)

    counted = {"win": 1, "tie": 0, "loss": 0, "p": 1.0, "q": 1.0, "outcome": "win"}
    compared = {"tuned": "t", "base": "b", "task": "smedqa.letter", "metric": "accuracy"}
    rows = [PairDifference(**compared, **counted, label=name, difference=point(0.5)) for name in ("a", "b", "c")]
    gains = {"a": point(0.5), "b": point(-0.5), "c": Estimate.missing("too few")}
    matrix = {label: MatrixRow(terms=gain, answers=gain, margin=gain) for label, gain in gains.items()}
    found = correlate_gains("b", rows, {"t": matrix})["t"]["smedqa.letter"]
    assert found.counts.model_dump() == {"of": 2, "likelier": 1, "better": 2}
    assert found.correlation["terms"].n == 2


def test_own_specialties_are_read_from_names_or_given():
    medicine = Domain.open("medicine")
    names, by_name = ["neuro_lora", "b"], ("neurology", "the model's name")
    assert told_specialties(names, [], medicine) == {"neuro_lora": by_name}
    assert told_specialties(names, ["b=cardio"], medicine) == {"neuro_lora": by_name, "b": ("cardiology", "--own")}
    assert told_specialties(names, ["none"], medicine) == dict.fromkeys(names, (None, "--own none"))
