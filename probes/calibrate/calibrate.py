"""`calibrate`: from a base to `calibration.json`, on the base that comes with the package or on a user's."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from ..._version import __version__
from ...errors import RunError, UsageError
from ...progress import Progress
from ...storage import write_whole
from ..results.calibration import Calibration
from ..runs.directory import write_json
from ..runs.processes import Processes
from .arms import BY_NAME
from .docs import markdown
from .grid import Grid, quick, run, tasks
from .settings import settings_from
from .table import calibration
from .world import STANDARD, Size, World

BASE = Path(__file__).parent / "files" / "base.pt"
EMBEDDED = (
    "The base is the one that comes with the package: a Llama of 3 layers and width 64 that read the fictitious world "
    "from nothing (`python -m knowshift.probes.calibrate`), with one token a word."
)
YOURS = (
    "The base was first made to read the fictitious world by a LoRA adapter merged into it, since no model knows its "
    "words: it then differs from the model as given. Tokens are the model's own, so that answers are of several; the "
    "adapters are trained at a lower rate than the small base's."
)


def calibrate(
    out: str | Path,
    base: str | None = None,
    *,
    size: Size = STANDARD,
    sizes: tuple[int, ...] = (40, 300),
    command: str = "knowshift.probes.calibrate",
    progress: Progress | None = None,
    **options: Any,
) -> Calibration:
    """Train and measure models of known truth; write `calibration.json` in `out`, and the tables in Markdown.

    Options are the other fields of `Settings` by name. What was measured before in `out` is not measured again. Raises
    `UsageError`, `RunError`, `CheckpointError`.
    """
    settings = settings_from({"out": out, "base": base, **options})
    out, docs = settings.out, settings.docs
    jobs = settings.jobs
    if Processes.here().count > 1:
        raise UsageError("calibrate: starts its own processes; drop the launcher, and give their number with --jobs")
    if jobs is None:  # every process holds the base
        jobs = 1 if base else os.cpu_count() or 1
    wanted = quick() if settings.small else tasks([BY_NAME[name] for name in settings.arms or BY_NAME], settings.seeds)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"--out {out}: cannot be made ({error.strerror}); give another folder") from error
    place = BASE if base is None else _readable(base, out, size, progress)
    records = run(Grid(str(place), _content(place), wanted, size, sizes), out, jobs, progress)
    hours = sum(sum(record["seconds"]) for record in records) / 3600
    data = calibration(
        records,
        {
            "base": "the embedded base" if base is None else str(base),
            "about_base": EMBEDDED if base is None else YOURS,
            "version": __version__,
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


def _content(place: Path) -> str:
    """SHA-256 (hex) of the base's files."""
    digest = hashlib.sha256()
    for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
        if file.is_file():
            digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()
