"""Every suite end to end: random models at chance, real ones where the materials are, broken input, the report."""

import json
import os
from pathlib import Path

import polars as pl
import pytest
from evaluation import WORDS, write_clue, write_longhealth, write_smedqa
from house import write_adapter
from knowshift.errors import RunError, UsageError
from knowshift.probes.evaluate.evaluate import Evaluation, evaluate, own_of
from knowshift.probes.evaluate.suites import smedqa
from knowshift.probes.evaluate.values import Value
from knowshift.terms.domain import Domain
from tiny import make_tokenizer, tiny_model

MATERIALS = os.environ.get("KNOWSHIFT_MATERIALS")
needs_materials = pytest.mark.skipif(not MATERIALS, reason="KNOWSHIFT_MATERIALS is not set")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A random base with room to read, two adapters and a full model of its own tokenizer."""
    place = tmp_path_factory.mktemp("models")
    for name, family, seed in (("base", "metaspace_prefix", 0), ("whole", "byte_bpe", 1)):
        tokenizer = make_tokenizer(family)
        model = tiny_model("llama", vocab_size=len(tokenizer), seed=seed, max_position_embeddings=512)
        model.save_pretrained(place / name)
        tokenizer.save_pretrained(place / name)
    base = tiny_model("llama", vocab_size=len(make_tokenizer("metaspace_prefix")), max_position_embeddings=512)
    for name, seed in (("neuro_lora", 2), ("cardio_lora", 3)):
        write_adapter(place / name, base, seed)
        base = tiny_model("llama", vocab_size=len(make_tokenizer("metaspace_prefix")), max_position_embeddings=512)
    return place


def scores(done):
    return {
        (row["model"], row["task"], row["metric"], row["label"]): row["estimate"] for row in done.data["scores"]
    }  # fmt: skip


@pytest.fixture(scope="module")
def asked(models, tmp_path_factory):
    place = tmp_path_factory.mktemp("smedqa")
    data = write_smedqa(place / "data.json", 96)
    tuned = [models / name for name in ("neuro_lora", "cardio_lora", "whole")]
    return evaluate(models / "base", tuned, data=data, methods=["letter", "text", "pmi"], out=place / "run",
                    batch_size=32)  # fmt: skip


def test_a_random_model_sits_at_chance(asked):
    found = scores(asked)
    for model in ("base", "neuro_lora", "cardio_lora", "whole"):
        for method in ("letter", "text", "pmi"):
            estimate = found[model, f"smedqa.{method}", "accuracy", ""]
            # A model that is drawn to one place has no spread at all: the rotations take its luck away.
            assert estimate["low"] - 1e-9 <= 0.25 <= estimate["high"] + 1e-9, (model, method)
            assert estimate["n"] == 96
    differing = [row for row in asked.data["pairs"] if row["q"] is not None and row["q"] < 0.01]
    assert not differing


def test_what_is_kept_is_what_is_said(asked):
    values = pl.read_parquet(asked.run / "values.parquet")
    found = scores(asked)
    means = values.group_by("model", "task", "metric").agg(pl.mean("value"))
    for row in means.iter_rows(named=True):
        assert found[row["model"], row["task"], row["metric"], ""]["estimate"] == pytest.approx(row["value"])
    answers = pl.read_parquet(asked.run / "scores" / "whole" / "smedqa.letter.parquet")
    assert answers["id"].n_unique() == answers.height == 384
    assert Evaluation.open(asked.run).data == json.loads(json.dumps(asked.data))


def test_the_matrix_has_each_models_own_specialty(asked):
    labels = {row["label"] for row in asked.data["pairs"]}
    assert labels == {"", "neurology", "cardiology"}
    assert asked.data["more"]["own"] == {"neuro_lora": "neurology", "cardio_lora": "cardiology"}
    assert set(asked.data["more"]["diagonal"]) == {"smedqa.letter", "smedqa.text", "smedqa.pmi"}


def test_a_model_that_learned_its_own_specialty_has_a_diagonal_advantage():
    def values(right):
        return [
            Value("smedqa.letter", "accuracy", f"{s}{i}", float(i < (90 if s in right else 40)), (s,))
            for s in ("a", "b", "c") for i in range(100)
        ]  # fmt: skip

    own = {"m1": "a", "m2": "b", "m3": "c"}
    each = {"base": values(""), "m1": values("a"), "m2": values("b"), "m3": values("c")}
    found = smedqa.diagonals(each, own, 0)["smedqa.letter"]
    assert found["estimate"] == pytest.approx(0.5)
    assert found["low"] > 0.3
    everywhere = {name: values("abc") for name in each}
    assert smedqa.diagonals(everywhere, own, 0)["smedqa.letter"]["estimate"] == pytest.approx(0)


def test_the_same_run_goes_on_and_another_is_refused(asked, models, monkeypatch):
    from knowshift.probes.evaluate import runner

    monkeypatch.setattr(runner, "_asked", lambda *a: pytest.fail("asked again"))
    data = asked.run.parent / "data.json"
    tuned = [models / name for name in ("neuro_lora", "cardio_lora", "whole")]
    options = {"data": data, "methods": ["letter", "text", "pmi"], "out": asked.run}
    assert evaluate(models / "base", tuned, **options).data["scores"] == asked.data["scores"]
    with pytest.raises(RunError, match="another run lies there"):
        evaluate(models / "base", tuned, **options, seed=1)


def test_one_tuned_model_beside_two_bases(models, tmp_path):
    data = write_smedqa(tmp_path / "data.json", 8)
    done = evaluate(models / "base", [models / "neuro_lora", models / "whole"], data=data, methods=["text"],
                    pair=["neuro_lora=base", "neuro_lora=whole"], out=tmp_path / "run")  # fmt: skip
    pairs = {(row["tuned"], row["base"]) for row in done.data["pairs"]}
    assert pairs == {("neuro_lora", "base"), ("neuro_lora", "whole")}


def test_cases_by_difficulty(models, tmp_path):
    cases = [
        {"id": f"c{i}", "question": f"Case {i}?", "options": WORDS[:5], "answer": "ABCDE"[i % 5],
         "difficulty": ("easy", "hard")[i % 2]} for i in range(10)
    ]  # fmt: skip
    (tmp_path / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    done = evaluate(models / "base", models / "neuro_lora", suite="cases", data=tmp_path / "cases.jsonl",
                    out=tmp_path / "run", methods=["letter", "generation"])  # fmt: skip
    found = scores(done)
    assert found["base", "cases.letter", "accuracy", "difficulty: hard"]["n"] == 5
    assert found["base", "cases.generation", "unparsed", ""]["n"] == 10
    assert [row["label"] for row in done.data["pairs"] if row["task"] == "cases.letter" and row["p"] is not None] == [
        "", "difficulty: easy", "difficulty: hard"
    ]  # fmt: skip


def test_clue_in_the_credentialed_formats(models, tmp_path):
    done = evaluate(models / "base", models / "neuro_lora", suite="clue", data=write_clue(tmp_path / "data"),
                    out=tmp_path / "run", batch_size=16)  # fmt: skip
    assert not done.data["not_run"]
    counts = done.data["counts"]
    assert {name: each["left_out"] for name, each in counts.items()} == dict.fromkeys(counts, 0)
    assert len(counts) == 8
    assert {task for _, task, *_ in scores(done)} == set(counts)
    assert done.data["more"]["levels"]["base"]["published"]["L1"]["value"] is not None


def test_hallucination_on_longhealth_and_on_own_documents(models, tmp_path):
    done = evaluate(models / "base", models / "neuro_lora", suite="hallucination", out=tmp_path / "lh",
                    data=write_longhealth(tmp_path / "benchmark_v5.json"))  # fmt: skip
    assert scores(done)["base", "hallucination.task3", "false answers", ""]["n"] == 3  # patients
    records = [
        {"id": name, "text": f"{name} has {word}.", "questions": [
            {"question": "What?", "answer": word}, {"question": "Which?", "options": WORDS[:4], "answer": word}]}
        for name, word in (("Ann", "fever"), ("Bob", "cough"), ("Cy", "rash"))
    ]  # fmt: skip
    (tmp_path / "docs.jsonl").write_text("\n".join(map(json.dumps, records)))
    done = evaluate(models / "base", models / "neuro_lora", suite="hallucination", out=tmp_path / "own",
                    data=tmp_path / "docs.jsonl")  # fmt: skip
    tasks = {task for _, task, *_ in scores(done)}
    assert tasks == {
        f"hallucination.{kind}.{side}" for kind in ("choice", "free") for side in ("answered", "unanswered")
    }


def test_forgetting_with_a_task_of_the_harness(models, tmp_path):
    (tmp_path / "docs.json").write_text(json.dumps([{"q": "1 + 1 =", "a": str(n % 3)} for n in range(9)]))
    (tmp_path / "own_task.yaml").write_text(
        f"task: own_task\ndataset_path: json\ndataset_kwargs:\n  data_files: {{test: {tmp_path / 'docs.json'}}}\n"
        "test_split: test\noutput_type: multiple_choice\ndoc_to_text: '{{q}}'\ndoc_to_choice: ['0', '1', '2']\n"
        "doc_to_target: '{{a}}'\nmetric_list:\n  - metric: acc\n    aggregation: mean\n    higher_is_better: true\n"
    )
    (tmp_path / "text.txt").write_text("The river was high.\n\nThe old town was dark.")
    done = evaluate(models / "base", models / "neuro_lora", suite="forgetting", limit=4, out=tmp_path / "run",
                    tasks=[str(tmp_path / "own_task.yaml")], data=f"text={tmp_path / 'text.txt'}", batch_size=16,
                    domain=_domain(tmp_path))  # fmt: skip
    found = scores(done)
    assert found["base", "task.own_task", "acc", ""]["n"] == 4
    for label in ("general", "domain"):
        assert found["base", "forgetting.facts.text", "accuracy", label]["n"] == 4
    bits = found["base", "forgetting.text", "bits per byte", "general"]
    assert (bits["n"], bits["unit"]) == (2, "bits/byte")
    assert bits["estimate"] > 1
    assert found["base", "forgetting.instructions", "followed", ""]["n"] <= 4
    with pytest.raises(UsageError, match="no task of that name"):
        evaluate(models / "base", models / "neuro_lora", suite="forgetting", tasks="no_such_task", limit=1,
                 out=tmp_path / "none", domain=_domain(tmp_path))  # fmt: skip


def _domain(tmp_path):
    from house import write_domain

    folder = tmp_path / "domain"
    return str(folder if folder.is_dir() else write_domain(folder))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"suite": "glue"}, "--suite glue: no such suite"),
        ({}, "no data; give --data FILE"),
        ({"data": "nowhere.json"}, "no such file"),
        ({"methods": ["luck"]}, "--method luck"),
        ({"context": 4096}, "reads 512 tokens at most"),
        ({"context": 16}, "every question is left out"),
        ({"limit": 0}, "--limit 0"),
        ({"template": "chat"}, "no chat template"),
        ({"own": ["neuro_lora=astrology"]}, "unknown specialty"),
        ({"own": ["nobody=neurology"]}, "expected MODEL=SPECIALTY"),
        ({"prompts": "nowhere"}, "--prompts nowhere: no such folder"),
        ({"color": "red"}, "color: no such option"),
        ({"suite": "clue", "data": "mednli=nowhere.jsonl"}, "no such file"),
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


def test_own_specialties_are_read_from_names_or_given():
    medicine = Domain.open("medicine")
    assert own_of(["neuro_lora", "b"], [], medicine) == {"neuro_lora": "neurology"}
    assert own_of(["neuro_lora", "b"], ["b=cardio"], medicine) == {"neuro_lora": "neurology", "b": "cardiology"}
    assert own_of(["neuro_lora", "b"], ["none"], medicine) == {}


@needs_materials
@pytest.mark.parametrize("suite", ["smedqa", "clue", "hallucination", "forgetting", "cases"])
def test_real_models_run_every_suite(tmp_path, suite):
    base = Path(MATERIALS) / "models" / "stories260k"
    tuned = [Path(MATERIALS) / "adapters" / name for name in ("cardiovascular_pulmonary", "gastroenterology")]
    clue = write_clue(tmp_path / "clue")
    smedqa_file = Path(MATERIALS) / "smedqa" / "S-MedQA_validation.json"
    data = {
        "smedqa": smedqa_file,
        "cases": smedqa_file,
        "clue": [f"meqsum={Path(MATERIALS) / 'clue' / 'MeQSum.xlsx'}", f"mednli={clue}/mednli.jsonl"],
        "hallucination": write_longhealth(tmp_path / "benchmark_v5.json"),
        "forgetting": (),
    }  # fmt: skip
    methods = {} if suite == "smedqa" else {"methods": ["letter"]}
    done = evaluate(base, tuned, suite=suite, data=data[suite], limit=3, out=tmp_path / "run", batch_size=16,
                    own=["gastroenterology=gastroenterology", "cardiovascular_pulmonary=none"], **methods)  # fmt: skip
    assert done.data["pairs"]
    assert {row["model"] for row in done.data["scores"]} == {
        "stories260k",
        "cardiovascular_pulmonary",
        "gastroenterology",
    }
