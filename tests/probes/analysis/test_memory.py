"""Memory of the statistics does not grow with the number of models: one score table is read at a time."""

import runpy
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pytest
from knowshift.probes.analysis.analyze import analyze
from knowshift.probes.analysis.inputs import AnalysisInputs, ScoreFiles
from synthetic import fewer_draws

pytestmark = pytest.mark.heavy

MADE = runpy.run_path(str(Path(__file__).parents[3] / "benchmarks" / "statistics_memory.py"))
ITEMS, LAYERS = 1000, 12


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    MADE["write_tables"](folder, 8, ITEMS, LAYERS)
    return folder


def peak(inputs: AnalysisInputs) -> int:
    """Return the most bytes that numpy and, in any such call so far, arrow held at once."""
    arrow = pa.system_memory_pool()
    before = pa.default_memory_pool()
    pa.set_memory_pool(arrow)
    try:
        tracemalloc.start()
        analyze(inputs)
        return tracemalloc.get_traced_memory()[1] + arrow.max_memory()
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(before)


def test_eight_models_need_hardly_more_memory_than_one(tables, monkeypatch):
    fewer_draws(monkeypatch)
    inputs = MADE["stored_inputs"]
    analyze(inputs(tables, 1, ITEMS))  # what is computed once and kept for all models is there from now on
    one = peak(inputs(tables, 1, ITEMS))  # first, because arrow's peak cannot be reset
    assert peak(inputs(tables, 8, ITEMS)) < 1.3 * one


def test_stored_tables_give_the_same_results_as_tables_in_memory(tables, monkeypatch):
    fewer_draws(monkeypatch)
    stored = MADE["stored_inputs"](tables, 2, ITEMS)
    held = AnalysisInputs(stored.domain, stored.items, stored.base, dict(stored.tuned), stored.own, "token", 0)
    assert isinstance(stored.tuned, ScoreFiles)
    assert analyze(stored).models == analyze(held).models
