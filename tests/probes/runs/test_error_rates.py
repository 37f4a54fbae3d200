"""Which of the calibration's error rates a run is given."""

from dataclasses import replace

from knowshift.probes.results.comparison import ComparisonResult
from knowshift.probes.runs.compare import _error_rate
from made_runs import write_run


def test_all_own_facts_count_and_not_only_those_that_the_base_did_not_know(tmp_path):
    model = next(iter(ComparisonResult.read(write_run(tmp_path / "run")).models.values()))
    few = model.model_copy(update={"acquired": replace(model.acquired, n=6)})
    rates = _error_rate(few, "token")
    assert rates.own_facts == few.ledger.own.facts > 6
    assert rates.other_facts == few.ledger.other.facts
