"""`--base-only`: what a base knows is what its own logits say, and a plan cites it."""

import json

import knowshift
import numpy as np
import polars as pl
import pytest
import torch
from house import command
from knowshift.cli import main
from knowshift.models.checkpoint import Checkpoint
from knowshift.probes.results.base_knowledge import BaseKnowledge
from knowshift.probes.runs import cache
from knowshift.probes.runs.forecast import forecast


@pytest.fixture
def known(house, tmp_path):
    return knowshift.know_base(house / "base", domain=str(house / "domain"), out=tmp_path / "knows")


def own_scores(base, item):
    """[cues, candidates] log-probability a token of each answer, by the model's own logits."""
    model, tokenizer = base.load().model, base.tokenizer
    out = []
    for cue in item.cues:
        begin = len(tokenizer(cue)["input_ids"])
        row = []
        for candidate in item.candidates:
            ids = torch.tensor([tokenizer(f"{cue} {candidate}")["input_ids"]])
            with torch.inference_mode():
                logits = model(input_ids=ids).logits[0].double().log_softmax(-1)
            picked = logits[range(begin - 1, ids.shape[1] - 1), ids[0, begin:]]
            row.append(float(picked.mean()))
        out.append(row)
    return np.array(out)


def test_every_fact_has_its_place(house, tmp_path, known):
    frame = pl.read_parquet(tmp_path / "knows" / "facts.parquet")
    for name, one in known.specialties.items():
        mine = frame.filter(pl.col("specialties").list.contains(name))
        counts = dict(mine["category"].value_counts().iter_rows())
        assert (one.known, one.maybe_known, one.unknown) == tuple(
            counts.get(category, 0) for category in ("known", "maybe known", "unknown")
        )
        assert one.facts == mine.height == one.known + one.maybe_known + one.unknown
        assert one.clearly_unknown == mine["clearly_unknown"].sum() <= one.unknown
    assert known.controls.facts == frame.height - sum(one.facts for one in known.specialties.values())
    assert BaseKnowledge.read(tmp_path / "knows") == known


def test_leads_are_those_of_the_models_own_logits(house, tmp_path, known):
    """Centred: an answer's mean over the other cues of its relation where it is false is taken off."""
    base = Checkpoint.open(house / "base")
    domain = knowshift.Domain.open(str(house / "domain"))
    facts = [fact for fact in domain.facts if fact.specialties == ("neurology",)]
    scores = [own_scores(base, fact_item(fact)).mean(0) for fact in facts]
    strings = [[fact.answer, *fact.distractors] for fact in facts]
    frame = pl.read_parquet(tmp_path / "knows" / "facts.parquet")
    lead = dict(zip(frame["fact"], frame["lead"], strict=True))
    for fact, own, names in zip(facts, scores, strings, strict=True):
        if fact.id not in lead:
            continue
        centred = []
        for value, name in zip(own, names, strict=True):
            elsewhere = [
                other[others.index(name)]
                for of, other, others in zip(facts, scores, strings, strict=True)
                if of is not fact and name in others[1:]
            ]
            centred.append(value - np.mean(elsewhere) if elsewhere else np.nan)
        if np.isfinite(centred).all():
            like = [len(base.tokenizer(f"x {name}")["input_ids"]) for name in names]
            near = [k for k in range(1, len(names)) if abs(like[k] - like[0]) <= 1]
            assert lead[fact.id] == pytest.approx(centred[0] - max(centred[k] for k in near), abs=2e-3)


def fact_item(fact):
    from types import SimpleNamespace

    return SimpleNamespace(cues=fact.cues, candidates=(fact.answer, *fact.distractors))


def test_a_plan_cites_what_was_found(house, tmp_path):
    cache.clear()
    asked = {"domain": str(house / "domain"), "out": tmp_path / "run"}
    before = forecast(house / "base", [house / "neuro_lora"], **asked)
    assert any("--base-only says it" in line for line in before.notes)
    known = knowshift.know_base(house / "base", domain=str(house / "domain"), out=tmp_path / "knows")
    after = forecast(house / "base", [house / "neuro_lora"], **asked)
    assert known.specialties["neurology"].line in after.notes


def test_the_command_prints_a_table_or_json_alone(house, tmp_path, capsys):
    given = command(house, out=tmp_path / "knows")
    base, options = given[1], given[given.index("--domain") :]
    with pytest.raises(SystemExit) as end:
        main(["compare", base, "--base-only", *options])
    shown = capsys.readouterr().out
    assert end.value.code == 0
    assert "clearly" in shown
    assert "Neurology" in shown
    assert "facts.parquet" in shown
    with pytest.raises(SystemExit):
        main(["compare", base, "--base-only", "--json", *options])
    found = json.loads(capsys.readouterr().out)
    assert set(found["specialties"]) == {"neurology", "cardiology", "gastroenterology"}
    with pytest.raises(SystemExit) as end:
        main([*given, "--base-only"])
    assert end.value.code == 2
    assert "looks at the base alone" in capsys.readouterr().err
