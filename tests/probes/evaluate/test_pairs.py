"""Published scores: differences, and counts that name the base."""

import json
import os
from pathlib import Path

import pytest
from knowshift.errors import UsageError
from knowshift.probes.evaluate.pairs import published
from knowshift.probes.evaluate.settings import pairs_of

MATERIALS = os.environ.get("KNOWSHIFT_MATERIALS")
needs_materials = pytest.mark.skipif(not MATERIALS, reason="KNOWSHIFT_MATERIALS is not set")

# The papers' differences, as the background gives them: L1, L2.
DIFFERENCES = {
    ("meditron-7b", "llama2-7b"): (-8.65, None),
    ("meditron-70b", "Llama-2-70b"): (-4.59, None),
    ("ClinicalCamel-70B", "Llama-2-70b-chat"): (-7.19, None),
    ("ClinicalCamel-70B", "Llama-2-70b"): (0.54, None),
    ("internistai/base-7b-v0.2", "Mistral-7B-v0.1"): (4.25, 19.09),
    ("BioMistral-7B", "Mistral-7B-Instruct-v0.1"): (0.26, 0.71),
    ("BioMistral-7B-DARE", "Mistral-7B-Instruct-v0.1"): (2.93, 2.70),
    ("Llama3-OpenBioLLM-8B", "Meta-Llama-3-8B-Instruct"): (-15.17, -15.17),
    ("JSL-Med-Sft-Llama-3-8B", "Meta-Llama-3-8B-Instruct"): (-29.37, -24.93),
    ("Llama3-Aloe-8B-Alpha", "Meta-Llama-3-8B-Instruct"): (-5.87, -10.30),
    ("Llama3-OpenBioLLM-70B", "Meta-Llama-3-70B-Instruct"): (-4.79, -10.44),
}


@needs_materials
def test_the_published_scores_give_the_published_differences():
    found = published(Path(MATERIALS) / "clue" / "published_levels.json")
    held = {(row.tuned, row.base, row.measure): row.difference for row in found.pairs}
    for (tuned, base), levels in DIFFERENCES.items():
        for measure, expected in zip(("L1", "L2"), levels, strict=True):
            assert held.get((tuned, base, measure)) == expected


@needs_materials
def test_the_published_differences_of_longhealth():
    found = published(Path(MATERIALS) / "clue" / "published_levels.json")
    held = {(row.tuned, row.measure): row.difference for row in found.pairs}
    # 62.9 − 91.7 and 1.55 − 56.25 (background, section 2), and the other two tasks of the larger one.
    assert held["Llama3-OpenBioLLM-70B", "longhealth task3"] == -28.8
    assert held["Llama3-OpenBioLLM-8B", "longhealth task3"] == -54.7
    assert held["Llama3-OpenBioLLM-70B", "longhealth task1"] == -1.45
    assert held["Llama3-OpenBioLLM-70B", "longhealth task2"] == -2.3
    assert held["internistai/base-7b-v0.2", "longhealth task1"] == 52.15


@needs_materials
def test_how_many_decline_hangs_on_the_base_of_clinical_camel():
    found = published(Path(MATERIALS) / "clue" / "published_levels.json")
    assert [str(count) for count in found.counts if count.measure == "L1"] == [
        "L1: 9 of 12 decline (ClinicalCamel-70B paired with Llama-2-70b-chat)",
        "L1: 8 of 12 decline (ClinicalCamel-70B paired with Llama-2-70b)",
    ]
    chosen_base = published(Path(MATERIALS) / "clue" / "published_levels.json", ["ClinicalCamel-70B=Llama-2-70b"])
    (chosen,) = [count for count in chosen_base.counts if count.measure == "L1"]
    assert (chosen.loss, chosen.models, chosen.paired_with) == (8, 12, {})


@pytest.mark.parametrize(
    ("content", "pairs", "says"),
    [
        ("{", [], "cannot be read as JSON"),
        ("[]", [], "holds no scores"),
        (json.dumps({"levels_percent": {"a": {"L1": "high"}}}), ["a=a"], "expected a number"),
        (json.dumps({"levels_percent": [["a", 1]]}), ["a=a"], "expected {model: {measure: score}}"),
        (json.dumps({"levels_percent": {"a": 40.3}}), ["a=a"], "expected {model: {measure: score}}"),
        ('{"levels_percent": {"a": {"L1": NaN}}}', ["a=a"], "expected a number"),
        (json.dumps({"levels_percent": {"a": {"L1": 1}}, "pairs": ["ab"]}), [], 'expected ."tuned", "base"., found'),
        (json.dumps({"levels_percent": {"a": {"L1": 1}}, "pairs": [["a"]]}), [], 'expected ."tuned", "base"., found'),
        (json.dumps({"levels_percent": {"a": {"L1": 1}}, "pairs": {"a": "a"}}), [], "pairs: expected"),
        (json.dumps({"levels_percent": {"a": {"L1": 1}}}), ["a=b"], "no scores of b"),
        (json.dumps({"levels_percent": {"a": {"L1": 1}}}), [], "holds no pairs"),
        (json.dumps({"levels_percent": {"a": {"L1": 1}}}), ["a"], "expected TUNED=BASE"),
    ],
)
def test_broken_scores_are_one_line(tmp_path, content, pairs, says):
    file = tmp_path / "scores.json"
    file.write_text(content)
    with pytest.raises(UsageError, match=says) as raised:
        published(file, pairs)
    assert "\n" not in str(raised.value)


def test_equal_scores_are_a_tie(tmp_path):
    file = tmp_path / "scores.json"
    file.write_text(json.dumps({"levels_percent": {"a": {"L1": 50.001}, "b": {"L1": 50.0}}, "pairs": [["a", "b"]]}))
    (count,) = json.loads(published(file).model_dump_json())["counts"]
    assert count == {"measure": "L1", "models": 1, "win": 0, "tie": 1, "loss": 0, "with": {}}


def test_each_tuned_model_has_the_base_unless_a_pair_says_otherwise():
    assert pairs_of("base", ["a", "b"], []) == [("a", "base"), ("b", "base")]
    # One tuned model beside two bases; the second base is no tuned model.
    assert pairs_of("chat", ["camel", "raw"], ["camel=chat", "camel=raw"]) == [("camel", "chat"), ("camel", "raw")]
    assert pairs_of("chat", ["camel", "raw", "other"], ["camel=raw"]) == [("camel", "raw"), ("other", "chat")]
    for wrong in ("camel", "camel=nobody", "camel=camel"):
        with pytest.raises(UsageError, match="--pair"):
            pairs_of("chat", ["camel"], [wrong])
