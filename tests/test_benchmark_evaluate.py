"""The benchmark of answers: what it counts where a run is broken off."""

import importlib.util
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from evaluation import Scripted
from knowshift.probes.evaluate import answers
from knowshift.probes.evaluate.prompt_task import PromptTask
from knowshift.probes.evaluate.prompting import PromptingConfig
from knowshift.probes.evaluate.runner import ask_model
from knowshift.probes.runs.tables import write_table

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("bench_evaluate", ROOT / "benchmarks" / "evaluate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def asked(bench, folder, breaker):
    docs = tuple({"id": str(i), "question": str(i), "choices": ["a", "b"], "target": ""} for i in range(150))
    ask = PromptTask("t", "choices", docs, "Say {{ id }}:")
    parts = 1
    while True:
        lm = breaker.counted(Scripted(lambda prompt, said: -1.0), "m")
        try:
            return ask_model(
                ask, lambda lm=lm: lm, PromptingConfig(context=64), folder, "key", "m t", breaker.progress
            ), parts
        except KeyboardInterrupt:
            parts += 1


def test_what_is_asked_twice_is_the_shard_that_was_in_flight(bench, tmp_path):
    breaker = bench.Breaker()
    table, parts = asked(bench, tmp_path, breaker)
    assert parts == 2
    assert table["id"].to_pylist() == [str(i) for i in range(150)]
    # Shards of 64, 64 and 22: half of the last was in flight.
    assert len(breaker.asked) == 150
    assert {int(id) for (_, _, id), n in breaker.asked.items() if n > 1} == set(range(128, 139))


def test_answers_kept_twice_lost_or_changed_are_seen(bench, tmp_path):
    def write(name, ids, said):
        rows = [{"id": id, "question": id, "logprobs": [], "answer": said, "prompt": ""} for id in ids]
        path = tmp_path / name / "scores" / "m" / "t.parquet"
        write_table(pa.Table.from_pylist(rows, schema=answers.SCHEMA), path, "key", answers.SCHEMA)
        assert pl.read_parquet(path).height == len(ids)
        return tmp_path / name

    whole = write("whole", "abc", "x")
    assert bench.compared(whole, write("same", "abc", "x")) == {"kept twice": 0, "lost": 0, "other": 0}
    assert bench.compared(whole, write("twice", "abb", "x")) == {"kept twice": 1, "lost": 1, "other": 0}
    assert bench.compared(whole, write("changed", "abc", "y")) == {"kept twice": 0, "lost": 0, "other": 3}
