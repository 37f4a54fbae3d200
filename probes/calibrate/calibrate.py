"""`calibrate`: from a base to `calibration.json`, on the base that comes with the package or on a user's."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..._version import __version__
from ...errors import RunError, UsageError
from ...progress import Progress
from ...storage import write_whole
from ..analysis.rule import RULE
from ..results.calibration import Calibration
from ..runs.directory import write_json
from ..runs.processes import Processes
from .arms import BY_NAME
from .docs import markdown
from .grid import Grid, quick, run, tasks
from .samples import SIZES
from .settings import settings_from
from .table import calibration
from .world import STANDARD, Size, World

BASES = 5
"""Bases that come with the package, each the reader of a world of its own."""
EVALUATION = 200
"""The first seed that states error rates. A few below it were looked at before the rule was last changed."""
DEVELOPMENT = 1000
"""The first development seed: on these a rule is chosen, and no error rate is stated from them."""
EMBEDDED = (
    "The five bases are those that come with the package: Llamas of 3 layers and width 64, each of which read a "
    "fictitious world of its own from nothing (`python -m knowshift.probes.calibrate`), with one token a word."
)
YOURS = (
    "The base was first made to read the fictitious world by a LoRA adapter merged into it, since no model knows its "
    "words: it then differs from the model as given. Tokens are the model's own, so that answers are of several; the "
    "adapters are trained at a lower rate than the small base's."
)


def base_path(seed: int, folder: Path | None = None) -> Path:
    """Return where the base of one world lies."""
    return (folder or Path(__file__).parent / "files") / f"base-{seed}.pt"


def calibrate(
    out: str | Path,
    base: str | None = None,
    *,
    size: Size = STANDARD,
    sizes: tuple[int, ...] = tuple(SIZES),
    bases: Sequence[Path] | None = None,
    command: str = "knowshift.probes.calibrate",
    progress: Progress | None = None,
    **options: Any,
) -> Calibration:
    """Train and measure models of known truth; write `calibration.json` in `out`, and the tables in Markdown.

    Options are the other fields of `Settings` by name. `bases` take the place of those that come with the package. What
    was measured before in `out` is not measured again. Raises `UsageError`, `RunError`, `CheckpointError`.
    """
    settings = settings_from({"out": out, "base": base, **options})
    out, docs = settings.out, settings.docs
    jobs = settings.jobs
    if Processes.here().count > 1:
        raise UsageError("calibrate: starts its own processes; drop the launcher, and give their number with --jobs")
    if jobs is None:  # every process holds the base
        jobs = 1 if base else os.cpu_count() or 1
    first = DEVELOPMENT if settings.development else EVALUATION
    chosen = [BY_NAME[name] for name in settings.arms or BY_NAME]
    wanted = quick(first) if settings.small else tasks(chosen, settings.seeds, first)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"--out {out}: cannot be made ({error.strerror}); give another folder") from error
    places = [base_path(seed) for seed in range(BASES)] if base is None else [_readable(base, out, size, progress)]
    if bases is not None:
        places = list(bases)
    grid = Grid(tuple(map(str, places)), tuple(map(_content, places)), wanted, size, sizes)
    records = run(grid, out, jobs, progress)
    hours = sum(sum(record["seconds"]) for record in records) / 3600
    data = calibration(
        records,
        {
            "base": "the embedded bases" if base is None else str(base),
            "about_base": EMBEDDED if base is None else YOURS,
            "version": __version__,
            "rule": RULE,
            "commit": _commit(),
            "development": settings.development,
            "command": command,
            "hours": hours,
            "pool": size.relations * size.facts,
        },
    )
    data.write(out)
    if docs is not None:
        docs.parent.mkdir(parents=True, exist_ok=True)
        write_whole(docs, markdown(data).encode())
    return data


def _readable(base: str, out: Path, size: Size, progress: Progress | None) -> Path:
    """A user's base as it reads the fictitious world; made once in `out`."""
    from ...models.checkpoint import Checkpoint
    from .training import taught_to_read

    given = Checkpoint.find(base)
    place, record = out / "base", out / "base.json"
    if record.is_file():
        if json.loads(record.read_text(encoding="utf-8"))["of"] != given.content_key:
            raise RunError(f"--out {out}: holds the calibration of another base; give another folder")
        return place
    taught_to_read(given.load(), World(size), place, progress=progress)
    write_json(record, {"of": given.content_key, "base": base})
    return place


def _commit() -> str:
    """Return the commit that the code is checked out at; empty where it is no checkout, or git is missing."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""


def _content(place: Path) -> str:
    """SHA-256 (hex) of the base's files."""
    digest = hashlib.sha256()
    for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
        if file.is_file():
            digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()
