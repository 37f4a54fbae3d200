"""What the page shows of an evaluation, from a file made here."""

import pytest
from knowshift.reports.evaluation import suite


def estimate(value, note=""):
    return {
        "estimate": value,
        "low": value - 0.1,
        "high": value + 0.1,
        "unit": "share",
        "n": 9,
        "method": "t",
        "note": note,
    }


def score(model, task, label, value):
    return {"model": model, "task": task, "metric": "accuracy", "label": label, "estimate": estimate(value)}


def pair(task, label, value, base="base"):
    return {
        "tuned": "tuned",
        "base": base,
        "task": task,
        "metric": "accuracy",
        "label": label,
        "win": 1,
        "tie": 1,
        "loss": 1,
        "p": 0.5,
        "q": 0.5,
        "outcome": "tie",
        "difference": estimate(value),
    }


@pytest.fixture
def found():
    return {"suite": "any", "base": "base", "models": ["tuned", "other"], "scores": [], "pairs": [], "more": {}}


def test_accuracies_stand_beside_their_differences(found):
    labels = {"neurology": 0.35, "cardiology": 0.55}
    found["specialties"] = {"neurology": "Neurology"}
    for model, step in (("base", 0.0), ("tuned", 0.125)):
        found["scores"] += [score(model, "smedqa.text", label, at + step) for label, at in labels.items()]
    found["pairs"] = [pair("smedqa.text", label, 0.125) for label in labels]
    page = suite(found)
    assert "smedqa.text: accuracy" in page
    assert all(f">{shown}<" in page for shown in ("35.0%", "47.5%", "55.0%", "67.5%"))
    assert '<th scope="row">Neurology</th>' in page
    assert "difference of accuracy from base" in page


def test_difficulties_have_a_caption_of_their_own(found):
    grades = ("difficulty: easy", "difficulty: hard")
    found["scores"] = [score(m, "cases.text", label, 0.45) for m in ("base", "tuned") for label in grades]
    found["pairs"] = [pair("cases.text", label, 0.0) for label in grades]
    page = suite(found)
    assert "cases.text: accuracy by difficulty" in page
    assert '<th scope="row">hard</th>' in page
    assert "tuned minus base" in page
    # They are no specialties.
    assert "difference of accuracy from base" not in page
    assert "tested on" not in page


def test_levels_by_pair_and_what_they_lack(found):
    short = {"value": None, "missing": ["meqsum BERTScore"]}
    whole = {"value": 40.5, "missing": []}
    note = "2 of 3 tasks; without mednli"
    found["more"] = {
        "levels": {
            m: {"published": {"L1": short, "L2": whole}, "mended": {"L1": estimate(0.3, note), "L2": estimate(0.4)}}
            for m in ("base", "tuned", "other")
        },
        "level_differences": [
            {
                "tuned": "tuned",
                "base": base,
                "published": {"L1": None, "L2": -4.25},
                "mended": {"L1": estimate(0.1, note), "L2": estimate(-0.2)},
            }
            for base in ("base", "other")
        ],
    }
    page = suite(found)
    assert "not complete: without meqsum BERTScore" in page
    assert page.count(note) == 5
    for base in ("base", "other"):
        assert f"tuned against {base}, L2" in page
    assert page.count("-4.25") == 2


def test_the_label_tools_say_what_they_did(found):
    found["more"] = {
        "labels": {
            "votes": {"quorum": 3, "records": 20, "labelled": 17},
            "conformal": {
                "alpha": 0.1,
                "threshold": 0.35,
                "calibration": 50,
                "coverage": estimate(0.865),
                "size": 1.625,
                "empty": 2,
            },
        }
    }
    page = suite(found)
    for shown in ("17 of 20", ">86.5%<", ">1.62<", "0.350", ">0.1<"):
        assert shown in page


def test_the_first_place_of_what_is_left_out_is_named(found):
    found["faults"] = [{"what": "two options are the same", "records": 4, "first": "data.json, record 17"}]
    found["left_out"] = {"smedqa.text": {"too long": {"n": 3, "first": "q12"}}, "old": {"too long": 2}}
    page = suite(found)
    assert "4 records left out: two options are the same (first: data.json, record 17)" in page
    assert "smedqa.text: 3 questions left out: too long (first: q12)" in page
    assert "old: 2 questions left out: too long<" in page
