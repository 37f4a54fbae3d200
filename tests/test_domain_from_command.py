"""`probe domain from` as a person calls it, and the comparison that takes its source for the training data."""

import json

import pytest
from house import command
from training_files import facts, question, write_form, write_json

pytestmark = pytest.mark.heavy


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_from_a_file_to_a_checked_domain(place, probe):
    write_form(place / "train.jsonl", "alpaca")
    code, out, err = probe("domain", "from", "train.jsonl", "--name", "towns")
    assert code == 0, err
    for line in (
        "facts: 120 from 120 records, in 3 wordings each;",
        "relations: 5 (",
        "specialties: 3 (",
        "training data of its comparisons, unless told otherwise: train.jsonl",
        "next: probe domain check towns",
    ):
        assert line in out
    code, out, _ = probe("domain", "check", "towns")
    assert code == 0
    assert "to mend" not in out


def test_what_was_skipped_is_printed_by_reason(place, probe):
    records = [{"question": question(subject, noun), "answer": answer} for subject, noun, answer, _ in facts()]
    records += [{"question": "What is the seat of Port Nowhere?"}, {"question": "Is it old?", "answer": "No."}]
    write_json(place / "train.jsonl", records)
    code, out, _ = probe("domain", "from", "train.jsonl", "--name", "towns", "--contrast", "none")
    assert code == 0
    assert "skipped: 1 without an answer" in out
    assert "skipped: 1 with an answer of yes or no" in out
    assert "contrast: none" in out
    assert "judge models with --own none" in out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("train.jsonl", "--name", "taken"), "taken: is there already and not empty"),
        (("empty.jsonl", "--name", "x"), "empty.jsonl: no record in it"),
        (("texts.jsonl", "--name", "x"), "texts.jsonl: no question with an answer in its 3 records"),
        (("same.jsonl", "--name", "x"), "the only answer that there is"),
        (("one.csv", "--name", "x"), "one.csv: none of its 1 records becomes a fact (1 of a relation with fewer than"),
        (("none.jsonl", "--name", "x"), "none.jsonl: no such file or folder"),
        (("train.jsonl", "--name", "x", "--contrast", "nowhere"), "contrast nowhere: "),
        (("train.jsonl", "--name", "x", "--map", "west"), "--map west: expected LABEL=SPECIALTY"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(place, probe, arguments, line):
    write_form(place / "train.jsonl", "pairs")
    write_json(place / "empty.jsonl", [])
    write_json(place / "texts.jsonl", [{"text": "Once upon a time."}] * 3)
    write_json(place / "same.jsonl", [{"question": f"What is the seat of {n}?", "answer": "Bardol"} for n in range(9)])
    (place / "one.csv").write_text("subject,relation,object\nPort A,seat,Bardol\n")
    (place / "taken").mkdir()
    (place / "taken" / "mine").write_text("")
    code, out, err = probe("domain", "from", *arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("probe: ")
    assert line in err
    assert len(err.splitlines()) == 1
    assert not (place / "x").exists()
    assert not list(place.glob(".x-*"))


@pytest.fixture
def taught(house, tmp_path):
    """The house's domain as if it had been made from a file with six of its facts."""
    import shutil

    folder = shutil.copytree(house / "domain", tmp_path / "domain")
    records = [json.loads(line) for line in (folder / "facts.jsonl").read_text().splitlines()]
    six = [fact for fact in records if fact["specialties"] == ["neurology"]][:6]
    write_json(tmp_path / "train.jsonl", [{"question": fact["cues"][0], "answer": fact["answer"]} for fact in six])
    toml = folder / "domain.toml"
    toml.write_text('training_data = "../train.jsonl"\n' + toml.read_text())
    return folder


def call(house, domain, *more, out):
    return [*command(house, house / "neuro_lora", domain=domain, out=out), "--no-lens", *more]


def test_a_comparison_takes_the_source_for_the_training_data(house, taught, tmp_path, probe):
    code, out, err = probe(*call(house, taught, out=tmp_path / "run"))
    assert code == 0, err
    assert "was made from train.jsonl, which is taken for the training data of all models" in out + err
    found = json.loads((tmp_path / "run" / "comparison.json").read_text())["models"]["neuro_lora"]["training"]
    assert found["file"]["name"] == "train.jsonl"
    assert found["facts"]["exact"] == 6
    assert (found["seen"]["ledger"]["own"]["facts"], found["unseen"]["ledger"]["own"]["facts"]) == (6, 6)


def test_another_file_or_none_may_be_given(house, taught, tmp_path, probe):
    code, out, err = probe(*call(house, taught, "--training-data", "none", out=tmp_path / "run"))
    assert code == 0, err
    assert "taken for the training data" not in out + err
    found = json.loads((tmp_path / "run" / "comparison.json").read_text())["models"]["neuro_lora"]
    assert not found.get("training")


def test_a_source_that_is_gone_is_told(house, taught, tmp_path, probe):
    (tmp_path / "train.jsonl").unlink()
    code, out, err = probe(*call(house, taught, out=tmp_path / "run"))
    assert code == 0, err
    assert "train.jsonl, from which it was made, is not there" in out + err
