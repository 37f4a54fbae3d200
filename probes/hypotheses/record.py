"""`hypotheses.json` in the run directory: every test of the run, and what shows when its files were written.

A file that was written before the run can be shown to have been, by its hash and date; and one that was tried again in
another form is visible as such.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...errors import RunError
from ..results.finished import Comparison
from ..results.hypotheses import HypothesisFile, HypothesisRecord, HypothesisTestResult, ModelOutcome
from .decide import LEVEL
from .files import Hypothesis, Source
from .material import start

READ_BEFORE, DATED_BEFORE, NOT_BEFORE = "read before the run", "dated before the run", "dated after the run began"
Outcomes = Mapping[str, Mapping[str, ModelOutcome]]
"""By hypothesis and model."""


def test_result(
    comparison: Comparison, hypotheses: Sequence[Hypothesis], found: Outcomes, read_at: datetime.datetime | None
) -> HypothesisTestResult:
    """Return one test as it is kept.

    Args:
        comparison: The run.
        hypotheses: Those that were tested.
        found: Their outcomes.
        read_at: When their files were read, where that was before the run.
    """
    begun = start(comparison.run)
    sources = {hypothesis.source.path: hypothesis.source for hypothesis in hypotheses}
    return HypothesisTestResult(
        tested=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        run_started=begun.isoformat(timespec="seconds"),
        base=comparison.result.base,
        domain=comparison.result.domain,
        level=LEVEL,
        files=tuple(_file(source, begun, read_at) for source in sources.values()),
        hypotheses=tuple(hypothesis.result(found[hypothesis.name]) for hypothesis in hypotheses),
    )


def _file(source: Source, begun: datetime.datetime, read_at: datetime.datetime | None) -> HypothesisFile:
    modified = datetime.datetime.fromtimestamp(source.modified, datetime.UTC)
    # A date can be set by hand; what was read before the run, by this very command, needs no one's word.
    if read_at is not None and read_at.replace(microsecond=0) <= begun:
        before = READ_BEFORE
    else:
        before = DATED_BEFORE if modified < begun else NOT_BEFORE
    return HypothesisFile(
        file=source.path.name,
        sha256=source.digest,
        modified=modified.isoformat(timespec="seconds"),
        before_run=before,
    )


def keep(run: Path, done: HypothesisTestResult) -> HypothesisTestResult:
    """Add a test to the run's record and return it as it is kept.

    A test of the very same files replaces its earlier result, but keeps when they were first read.

    Raises:
        RunError: The record cannot be read.
    """
    held: tuple[HypothesisTestResult, ...] = ()
    path = run / HypothesisRecord.FILE
    if path.is_file():
        try:
            held = HypothesisRecord.read(run).tests
        except RunError as error:
            fault = str(error).removeprefix(f"{path}: ").rpartition("; ")[0]
            raise RunError(f"{path}: cannot be read ({fault}); move it away and test again") from error
    same = next((test for test in held if _digests(test) == _digests(done)), None)
    if same is not None:
        done = done.model_copy(update={"files": same.files})
    rest = (test for test in held if _digests(test) != _digests(done))
    HypothesisRecord(schema=HypothesisRecord.VERSION, tests=(*rest, done)).write(run)
    return done


def _digests(test: HypothesisTestResult) -> list[str]:
    return sorted(file.sha256 for file in test.files)
