"""Scores of a run come from the run, from the cache, or are computed; an interrupted run goes on to the same bytes."""

import shutil
from dataclasses import replace

import pytest
from knowshift.errors import ItemError
from knowshift.probes.runs import cache
from knowshift.probes.runs.scores import score_model, score_store
from knowshift.terms.items import Item
from synthetic import fact


def store(run, key="k" * 64):
    return score_store(run, "base", key)


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
    undisturbed = store(tmp_path / "undisturbed")
    whole = Counting()
    table = score_model(undisturbed, plan, checkpoint, engine=whole)
    assert whole.passes > 4
    shutil.rmtree(tmp_path / "cache")

    run, first, then = store(tmp_path / "run"), Counting(stop=whole.passes // 2), Counting()
    with pytest.raises(KeyboardInterrupt):
        score_model(run, plan, checkpoint, engine=first)
    shards = sorted((tmp_path / "run" / "scores" / ".parts").rglob("*.parquet"))
    assert 1 < len(shards) < plan.shards
    shards[0].write_bytes(shards[0].read_bytes()[:-40])  # the kill's own doing, or a bad disk's
    seen = []
    again = score_model(
        store(tmp_path / "run"), plan, checkpoint, engine=then, progress=lambda *step: seen.append(step)
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
    table = score_model(store(tmp_path / "one"), plan, checkpoint)
    idle = Counting(stop=0)
    for folder in ("one", "two"):  # from the run itself, from the cache
        assert score_model(store(tmp_path / folder), plan, checkpoint, engine=idle).equals(table)
    (entry,) = (tmp_path / "cache").rglob("*.parquet")
    entry.write_bytes(entry.read_bytes()[:-100])
    anew = Counting()
    assert score_model(store(tmp_path / "three"), plan, checkpoint, engine=anew).equals(table)
    assert anew.passes > 0
    assert cache.fetch("k" * 64) is not None
    another = Counting()
    score_model(store(tmp_path / "one", "j" * 64), plan, checkpoint, engine=another)
    assert another.passes == anew.passes


@pytest.mark.usefixtures("own_cache")
def test_a_model_that_gives_no_numbers_stops_the_run_before_anything_is_kept(tmp_path, scored):
    checkpoint, plan = scored

    class Broken(Counting):
        def residuals(self, *arguments):
            return super().residuals(*arguments) * float("nan")

    with pytest.raises(ItemError, match=r"base: item \S+ has a log-probability of nan"):
        score_model(store(tmp_path / "run"), plan, checkpoint, engine=Broken())
    assert list(tmp_path.rglob("*.parquet")) == []
