"""`hypotheses.json` in the run directory: every test of the run, beside what tells when its files were written.

A file that was written before the run can be shown to have been, by its hash and date; and one that was tried again in
another form is seen to have been.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...errors import RunError
from ..results.finished import Comparison
from ..runs.directory import write_json
from .decide import LEVEL
from .files import Hypothesis, Source
from .material import start

FILE = "hypotheses.json"
SCHEMA_VERSION = 1
READ_BEFORE, DATED_BEFORE, NOT_BEFORE = "read before the run", "dated before the run", "dated after the run began"


def entry(
    comparison: Comparison,
    hypotheses: Sequence[Hypothesis],
    found: dict[str, dict[str, dict[str, Any]]],
    read_at: datetime.datetime | None,
) -> dict[str, Any]:
    """One test, as it is kept: `found` holds results by hypothesis and model."""
    begun = start(comparison.run)
    sources = {hypothesis.source.path: hypothesis.source for hypothesis in hypotheses}
    return {
        "tested": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "run_started": begun.isoformat(timespec="seconds"),
        "base": comparison.data["base"],
        "domain": comparison.data["domain"],
        "level": LEVEL,
        "files": [_file(source, begun, read_at) for source in sources.values()],
        "hypotheses": [{**hypothesis.json(), "results": found[hypothesis.name]} for hypothesis in hypotheses],
    }


def _file(source: Source, begun: datetime.datetime, read_at: datetime.datetime | None) -> dict[str, Any]:
    modified = datetime.datetime.fromtimestamp(source.modified, datetime.UTC)
    # A date can be set by hand; what was read before the run, by this very command, needs no one's word.
    if read_at is not None and read_at.replace(microsecond=0) <= begun:
        before = READ_BEFORE
    else:
        before = DATED_BEFORE if modified < begun else NOT_BEFORE
    return {
        "file": source.path.name,
        "sha256": source.digest,
        "modified": modified.isoformat(timespec="seconds"),
        "before_run": before,
    }


def keep(run: Path, done: dict[str, Any]) -> None:
    """Adds a test to the run's; one of the very same files takes the place of its earlier result."""
    path = run / FILE
    held: list[dict[str, Any]] = []
    if path.is_file():
        try:
            held = list(json.loads(path.read_text(encoding="utf-8"))["tests"])
        except (ValueError, KeyError, TypeError) as error:
            raise RunError(f"{path}: cannot be read ({error}); move it away and test again") from error
    digests = sorted(file["sha256"] for file in done["files"])
    rest = [one for one in held if sorted(file["sha256"] for file in one["files"]) != digests]
    same = next((one for one in held if one not in rest), None)
    if same is not None:  # the first time that it was read is what counts
        done["files"] = same["files"]
    write_json(path, {"schema": SCHEMA_VERSION, "tests": [*rest, done]})
