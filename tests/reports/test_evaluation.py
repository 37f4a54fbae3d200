"""What the page shows of an evaluation, from a result made here."""

import json

import pytest
from knowshift.errors import RunError
from knowshift.probes.results.estimate import Estimate
from knowshift.probes.results.evaluation import DataFault, EvaluationResult, ModelScore, PairDifference
from knowshift.probes.results.suite_parts import (
    CluePart,
    ConformalLabels,
    Labelling,
    LevelDifferences,
    ModelLevels,
    PublishedLevel,
    SmedqaPart,
    VoteLabels,
)
from knowshift.reports.evaluation import answer_tables, read_evaluation


def estimate(value, note=""):
    return Estimate(value, value - 0.1, value + 0.1, "share", "t", 9, note=note)


def score(model, task, label, value):
    return ModelScore(model=model, task=task, metric="accuracy", label=label, estimate=estimate(value))


def pair(task, label, value, base="base"):
    counts = {"win": 1, "tie": 1, "loss": 1, "p": 0.5, "q": 0.5, "outcome": "tie"}
    compared = {"tuned": "tuned", "base": base, "task": task, "metric": "accuracy", "label": label}
    return PairDifference(**compared, **counts, difference=estimate(value))


def page(part=None, **fields):
    """The tables of an evaluation with these fields, as they are read from its file."""
    made = {"suite": "any", "scores": (), "pairs": ()} | fields
    if part is not None:
        made["more"] = part.model_dump(mode="json")
    result = EvaluationResult(schema=1, base="base", models=("tuned", "other"), **made)
    return answer_tables(EvaluationResult.from_json(result.to_json()))


def test_accuracies_stand_beside_their_differences():
    labels = {"neurology": 0.35, "cardiology": 0.55}
    shown = page(
        specialties={"neurology": "Neurology"},
        scores=[
            score(model, "smedqa.text", label, at + step)
            for model, step in (("base", 0.0), ("tuned", 0.125))
            for label, at in labels.items()
        ],
        pairs=[pair("smedqa.text", label, 0.125) for label in labels],
    )
    assert "smedqa.text: accuracy" in shown
    assert all(f">{share}<" in shown for share in ("35.0%", "47.5%", "55.0%", "67.5%"))
    assert '<th scope="row">Neurology</th>' in shown
    assert "difference of accuracy from base" in shown


def test_difficulties_have_a_caption_of_their_own():
    grades = ("difficulty: easy", "difficulty: hard")
    shown = page(
        scores=[score(m, "cases.text", label, 0.45) for m in ("base", "tuned") for label in grades],
        pairs=[pair("cases.text", label, 0.0) for label in grades],
    )
    assert "cases.text: accuracy by difficulty" in shown
    assert '<th scope="row">hard</th>' in shown
    assert "tuned minus base" in shown
    # They are no specialties.
    assert "difference of accuracy from base" not in shown
    assert "tested on" not in shown


def test_levels_by_pair_and_what_they_lack():
    short = PublishedLevel(value=None, missing=("meqsum BERTScore",))
    whole = PublishedLevel(value=40.5, missing=())
    note = "2 of 3 tasks; without mednli"
    part = CluePart(
        levels={
            m: ModelLevels(
                published={"L1": short, "L2": whole}, mended={"L1": estimate(0.3, note), "L2": estimate(0.4)}
            )
            for m in ("base", "tuned", "other")
        },
        level_differences=[
            LevelDifferences(
                tuned="tuned",
                base=base,
                published={"L1": None, "L2": -4.25},
                mended={"L1": estimate(0.1, note), "L2": estimate(-0.2)},
            )
            for base in ("base", "other")
        ],
    )
    shown = page(part, suite="clue")
    assert "not complete: without meqsum BERTScore" in shown
    assert shown.count(note) == 5
    for base in ("base", "other"):
        assert f"tuned against {base}, L2" in shown
    assert shown.count("-4.25") == 2


def test_the_label_tools_say_what_they_did():
    part = SmedqaPart(
        labels=Labelling(
            votes=VoteLabels(quorum=3, records=20, labelled=17),
            conformal=ConformalLabels(
                alpha=0.1, threshold=0.35, calibration=50, coverage=estimate(0.865), size=1.625, empty=2
            ),
        )
    )
    shown = page(part, suite="smedqa")
    for text in ("17 of 20", ">86.5%<", ">1.62<", "0.350", ">0.1<"):
        assert text in shown


def test_what_a_models_own_specialty_adds_is_shown_below_the_matrix():
    part = SmedqaPart(own={"tuned": "neurology"}, diagonal={"smedqa.text": estimate(0.375)})
    differences = [pair("smedqa.text", label, 0.125) for label in ("neurology", "cardiology")]
    scores = [score("base", "smedqa.text", "", 0.5)]
    shown = page(part, suite="smedqa", pairs=differences, scores=scores)
    assert "What a model's own specialty adds" in shown.unescape()
    assert 'value="0.375"' in shown
    # Another suite has a matrix too, and no such sentence.
    other = page(suite="any", pairs=differences, scores=scores)
    assert "difference of accuracy from base" in other
    assert "own specialty adds" not in other


def test_the_first_place_of_what_is_left_out_is_named():
    shown = page(
        faults=(DataFault(what="two options are the same", records=4, first="data.json, record 17"),),
        left_out={"smedqa.text": {"too long": {"n": 3, "first": "q12"}}, "old": {"too long": 2}},
    )
    assert "4 records left out: two options are the same (first: data.json, record 17)" in shown
    assert "smedqa.text: 3 questions left out: too long (first: q12)" in shown
    assert "old: 2 questions left out: too long<" in shown


def test_a_part_of_another_layout_is_one_line():
    with pytest.raises(RunError, match=r"^evaluation\.json: more: levels: .*; run probe evaluate again$") as raised:
        page(suite="clue", more={"levels": 3})
    assert "\n" not in str(raised.value)


def test_an_evaluation_that_cannot_be_read_is_one_line(tmp_path):
    file = tmp_path / "evaluation.json"
    with pytest.raises(RunError, match=r"evaluation\.json: cannot be read"):
        read_evaluation(file)
    file.write_text("{")
    with pytest.raises(RunError, match=r"evaluation\.json: is not JSON .*; run probe evaluate again$"):
        read_evaluation(file)
    file.write_text(json.dumps({"schema": 0, "suite": "smedqa"}))
    with pytest.raises(RunError, match=r"has schema 0, .* reads schema 1; run probe evaluate again$"):
        read_evaluation(file)
