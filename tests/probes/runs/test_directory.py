"""A run directory is one run's alone, and an interrupted run goes on to the same bytes."""

import datetime
import json
import shutil
from dataclasses import replace

import pytest
from knowshift.errors import ItemError, RunError
from knowshift.probes.runs import cache
from knowshift.probes.runs.directory import RunDirectory, write_json
from knowshift.terms.items import Item
from synthetic import fact

IDENTITY = {"base": "b", "models": {"m": "1"}, "seed": 0, "template": {"text": None}}


def claim(path, **other):
    return RunDirectory.claim(path, {**IDENTITY, **other}, {"command": "probe compare", "seed": 0})


def refused(path, **other):
    with pytest.raises(RunError) as caught:
        claim(path, **other)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_new_folder_holds_the_runs_record(tmp_path):
    claim(tmp_path / "runs" / "one")
    record = json.loads((tmp_path / "runs" / "one" / "run.json").read_text())
    assert record == {"schema": 1, "command": "probe compare", "seed": 0, "identity": IDENTITY}


def test_the_same_run_goes_on(tmp_path):
    claim(tmp_path)
    (tmp_path / "scores" / "base.parquet").write_text("scores")
    claim(tmp_path)
    assert (tmp_path / "scores" / "base.parquet").read_text() == "scores"


def test_a_run_that_goes_on_began_when_it_began(tmp_path):
    for moment in ("yesterday", "today"):
        RunDirectory.claim(tmp_path, IDENTITY, {"created": moment, "command": moment})
    record = json.loads((tmp_path / "run.json").read_text())
    assert (record["created"], record["command"]) == ("yesterday", "today")


def test_a_run_goes_on_on_another_day(tmp_path):
    def dated(**other):
        return RunDirectory.dated(tmp_path / "base-m", {**IDENTITY, **other}, "comparison.json").name

    today = f"base-m-{datetime.date.today():%Y-%m-%d}"
    assert dated() == today
    for day in ("2026-01-01", "2026-01-02"):
        claim(tmp_path / f"base-m-{day}")
    claim(tmp_path / "base-m-and-more-2026-01-03")
    claim(tmp_path / "base-m-2026-01-03", seed=1)
    assert dated() == "base-m-2026-01-02"
    assert dated(seed=1) == "base-m-2026-01-03"
    (tmp_path / "base-m-2026-01-02" / "comparison.json").write_text("{}")
    assert dated() == "base-m-2026-01-01", "the later one is finished"
    (tmp_path / today).mkdir()
    assert dated() == today


def test_a_run_killed_before_its_record_was_whole_goes_on(tmp_path):
    (tmp_path / "scores").mkdir()
    (tmp_path / ".run.json.7.part").write_text('{"sch')
    claim(tmp_path)
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["run.json", "scores"]


@pytest.mark.parametrize(
    ("other", "named"), [({"seed": 1}, "seed"), ({"models": {}, "seed": 3}, "models, seed"), ({"new": 1}, "new")]
)
def test_another_run_is_refused_with_what_differs_and_left_as_it_was(tmp_path, other, named):
    claim(tmp_path)
    before = (tmp_path / "run.json").read_bytes()
    assert f"another run lies there (it differs in: {named})" in refused(tmp_path, **other)
    assert (tmp_path / "run.json").read_bytes() == before


@pytest.mark.parametrize("record", ["", "{", "[]", "7", '{"identity": null}', '{"schema": 1}', '{"identity": [1]}'])
def test_a_record_that_is_none_is_refused(tmp_path, record):
    (tmp_path / "run.json").write_text(record)
    assert "is not a run's record" in refused(tmp_path)


def test_a_folder_with_other_things_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    assert "holds other things and no run" in refused(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_is_refused(tmp_path, below):
    (tmp_path / "out").write_text("x")
    assert "is a file; give a folder" in refused(tmp_path / "out" / below)


def test_json_is_there_whole_or_not_at_all(tmp_path):
    write_json(tmp_path / "x.json", {"a": "ä"})
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "x.json", {"a": float("nan")})
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == {"a": "ä"}
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


class Counting:
    """The default engine, counting its passes; after `stop` of them it is interrupted."""

    name, version = "hooks", "1"

    def __init__(self, stop=10**9):
        self.passes, self.stop = 0, stop

    def residuals(self, checkpoint, batch, layers):
        from knowshift.models.engines.hooks import HooksEngine

        if self.passes == self.stop:
            raise KeyboardInterrupt
        self.passes += 1
        return HooksEngine().residuals(checkpoint, batch, layers)

    def release(self):
        """It holds nothing."""


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """A tiny model and a plan of many shards."""
    from knowshift.models.checkpoint import Checkpoint
    from knowshift.models.plan import BatchPlan
    from knowshift.models.scoring import plan_scoring
    from tiny import make_tokenizer, tiny_model

    path = tmp_path_factory.mktemp("model")
    tiny_model("llama", vocab_size=600).save_pretrained(path)
    make_tokenizer("byte_bpe").save_pretrained(path)
    items = [fact(f"f{i}", "s0", ("bread", "ships", "river", "rain"), cues=2) for i in range(6)]
    items.append(Item("term:t:8", "term", ("s0",), "ship", "ship", text="the old ships", document="t", start=8, end=13))
    checkpoint = Checkpoint.open(path, device="cpu")
    plan = plan_scoring(items, checkpoint)
    lengths = [len(sequence.ids) for sequence in plan.aligned.sequences]
    return checkpoint, replace(plan, batches=BatchPlan.of(lengths, batch_tokens=64, shard_tokens=128))


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KNOWSHIFT_CACHE", str(tmp_path / "cache"))


@pytest.mark.usefixtures("own_cache")
def test_an_interrupted_run_goes_on_to_the_same_bytes(tmp_path, scored):
    checkpoint, plan = scored
    undisturbed = claim(tmp_path / "undisturbed")
    whole = Counting()
    table = undisturbed.score("base", "k" * 64, plan, checkpoint, engine=whole)
    assert whole.passes > 4
    shutil.rmtree(tmp_path / "cache")

    run, first, then = claim(tmp_path / "run"), Counting(stop=whole.passes // 2), Counting()
    with pytest.raises(KeyboardInterrupt):
        run.score("base", "k" * 64, plan, checkpoint, engine=first)
    shards = sorted((tmp_path / "run" / "scores" / ".parts").rglob("*.parquet"))
    assert 1 < len(shards) < plan.shards
    shards[0].write_bytes(shards[0].read_bytes()[:-40])  # the kill's own doing, or a bad disk's
    seen = []
    again = claim(tmp_path / "run").score(
        "base", "k" * 64, plan, checkpoint, engine=then, progress=lambda *step: seen.append(step)
    )
    assert again.equals(table)
    assert then.passes < whole.passes
    files = [tmp_path / name / "scores" / "base.parquet" for name in ("run", "undisturbed")]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert not (tmp_path / "run" / "scores" / ".parts" / f"base-{'k' * 16}").exists()
    done = [d for _, d, _ in seen]
    assert 0 < done[0] < done[-1] == seen[-1][2]
    assert done == sorted(done)


@pytest.mark.usefixtures("own_cache")
def test_scores_are_shared_through_the_cache_and_computed_anew_where_it_is_broken(tmp_path, scored):
    checkpoint, plan = scored
    table = claim(tmp_path / "one").score("base", "k" * 64, plan, checkpoint)
    idle = Counting(stop=0)
    for folder in ("one", "two"):  # from the run itself, from the cache
        assert claim(tmp_path / folder).score("base", "k" * 64, plan, checkpoint, engine=idle).equals(table)
    (entry,) = (tmp_path / "cache").rglob("*.parquet")
    entry.write_bytes(entry.read_bytes()[:-100])
    anew = Counting()
    assert claim(tmp_path / "three").score("base", "k" * 64, plan, checkpoint, engine=anew).equals(table)
    assert anew.passes > 0
    assert cache.fetch("k" * 64) is not None
    another = Counting()
    claim(tmp_path / "one").score("base", "j" * 64, plan, checkpoint, engine=another)
    assert another.passes == anew.passes


@pytest.mark.usefixtures("own_cache")
def test_a_model_that_gives_no_numbers_stops_the_run_before_anything_is_kept(tmp_path, scored):
    checkpoint, plan = scored

    class Broken(Counting):
        def residuals(self, *arguments):
            return super().residuals(*arguments) * float("nan")

    with pytest.raises(ItemError, match=r"base: item \S+ has a log-probability of nan"):
        claim(tmp_path / "run").score("base", "k" * 64, plan, checkpoint, engine=Broken())
    assert list(tmp_path.rglob("*.parquet")) == []
