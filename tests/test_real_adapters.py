"""The script that trains adapters of known truth on a pretrained model."""

import json
import random
from pathlib import Path

import pytest
from house import TOPICS
from knowshift.models.checkpoint import Checkpoint
from knowshift.terms.domain import Domain
from tiny import make_tokenizer

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def script():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        import real_adapters

        yield real_adapters


@pytest.fixture(scope="module")
def own(house):
    return [fact for fact in Domain.open(house / "domain").facts if "neurology" in fact.specialties]


@pytest.fixture
def notes(tmp_path):
    path = tmp_path / "notes.jsonl"
    path.write_text("".join(json.dumps({"text": f"Seen for {word}. " * 20}) + "\n" for word in TOPICS["neurology"][1]))
    return path


def test_answers_are_true_permuted_or_drawn_anew(script, own):
    true, rng = [fact.answer for fact in own], random.Random(0)
    assert script.answers(own, "facts", set(), rng) == true
    shuffled = script.answers(own, "shuffled", set(), rng)
    assert sorted(shuffled) == sorted(true)
    assert shuffled != true
    passes = [script.answers(own, "rehearsed", {own[0].id}, rng) for _ in range(20)]
    assert {answers[0] for answers in passes} == {true[0]}
    assert len({answers[1] for answers in passes}) > 3


def test_answers_stay_within_their_relation(script, house):
    facts = Domain.open(house / "domain").facts
    of = {fact.answer: fact.relation for fact in facts}
    for kind in ("shuffled", "rehearsed"):
        drawn = script.answers(facts, kind, set(), random.Random(0))
        assert [of[answer] for answer in drawn] == [fact.relation for fact in facts]


@pytest.mark.parametrize("family", ["byte_bpe", "metaspace_plain"])
def test_windows_of_text_begin_as_the_tokenizer_begins_a_text(script, family):
    tokenizer = make_tokenizer(family)
    batch = next(script.text_batches(["a word or two. " * 90] * 4, tokenizer, random.Random(0)))
    start = tokenizer("").input_ids
    assert [len(row) for row in batch] == [script.WINDOW] * script.WINDOWS
    assert all(row[: len(start)] == start for row in batch)


def test_each_adapter_is_trained_once(script, house, notes, tmp_path, capsys):
    command = [house / "base", tmp_path / "out", "--domain", house / "domain", "--notes", notes, "--tokens", 300]
    command = [str(part) for part in (*command, "--rank", 2)]
    script.main(command)
    names = [f"neurology_{kind}" for kind in ("facts", "notes", "rehearsed", "shuffled")]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    assert "of 12 facts" in capsys.readouterr().out
    base = Checkpoint.open(house / "base")
    for name in names:
        assert Checkpoint.open(tmp_path / "out" / name, base=base).kind == "adapter"
    script.main(command)
    assert capsys.readouterr().out.splitlines() == [
        f"neurology_{kind}: trained before" for kind in ("facts", "shuffled", "rehearsed", "notes")
    ]


def test_a_kind_that_does_not_exist_is_refused(script, house, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        script.main([str(house / "base"), str(tmp_path), "--kinds", "facts,lies"])
    assert "no kind lies; there are facts" in capsys.readouterr().err
