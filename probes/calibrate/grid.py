"""The grid: every arm at every seed, in several processes, a line of results at a time, so that it can go on.

calibration.jsonl   first line: what was run; then one line a model (arm, seed)
scores/HASH/        what each model answered, by what it was taught and asked; read again where only the statistics
                    have changed since
base/               with --base: the base as it reads the fictitious world
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from functools import lru_cache
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from ...errors import RunError
from .arms import ARMS, BY_NAME, Arm
from .world import STANDARD, Size

if TYPE_CHECKING:
    from ..runs.directory import Progress
    from .judging import Judge

RESULTS = "calibration.jsonl"
SCHEMA = 1
SCORES = "scores"
MAKING = ("arms", "asking", "training", "world")
"""What decides how a model is made and asked."""
JUDGING = (
    "calibrate/judging",
    "calibrate/rivals",
    "analysis/pair",
    "analysis/controls",
    "analysis/detectable",
    "results/estimate",
    "analysis/analyze",
    "analysis/knowledge",
    "analysis/ladder",
    "analysis/ledger",
    "analysis/matrix",
    "analysis/resample",
    "analysis/scores",
    "analysis/shift",
    "analysis/strata",
    "analysis/verdict",
    "analysis/views",
)
"""What decides how its answers are judged."""
QUICK_SEEDS = 2
QUICK_ARMS = (
    "null",
    "shift",
    "confidence 0.5",
    "elsewhere",
    "easier",
    "injection 10 %",
    "injection 25 %",
    "mixed 10 %",
)
Task = tuple[str, int]


@dataclass(frozen=True)
class Grid:
    """What is to be measured on one base."""

    base: str
    """Where the base lies."""
    key: str
    """SHA-256 (hex) of its content."""
    tasks: tuple[Task, ...]
    size: Size = STANDARD
    sizes: tuple[int, ...] = (40, 300)

    @property
    def lessons(self) -> str:
        """Content of the modules that make and ask the models."""
        return _content(MAKING, Path(__file__).parent)

    @property
    def answers(self) -> str:
        """What the answers of an arm's seed hang on; the folder in which they are kept."""
        made = json.dumps([self.key, asdict(self.size), self.lessons])
        return hashlib.sha256(made.encode()).hexdigest()[:16]

    @property
    def identity(self) -> dict[str, Any]:
        """What results may stand in one file: seeds and arms may be added."""
        return {
            "schema": SCHEMA,
            "base": self.key,
            "world": asdict(self.size),
            "lessons": self.lessons,
            "judged": _content(JUDGING, Path(__file__).parent.parent),
            "sizes": list(self.sizes),
        }


def tasks(arms: Iterable[Arm] = ARMS, seeds: int | None = None) -> tuple[Task, ...]:
    """Every model of the arms, seed by seed, so that whatever is finished covers all arms alike."""
    chosen = list(arms)
    most = max(seeds or arm.seeds for arm in chosen)
    return tuple((arm.name, seed) for seed in range(most) for arm in chosen if seed < (seeds or arm.seeds))


def quick() -> tuple[Task, ...]:
    return tasks((BY_NAME[name] for name in QUICK_ARMS), QUICK_SEEDS)


def run(grid: Grid, out: Path, jobs: int, progress: Progress | None = None) -> list[dict[str, Any]]:
    """Measures what is not in `out` yet; every record of the grid, in its order. Raises `RunError`."""
    path = out / RESULTS
    done = _held(path, grid)
    todo = [task for task in grid.tasks if task not in done]
    if progress:
        progress("models trained and measured", len(grid.tasks) - len(todo), len(grid.tasks))
    with path.open("a", encoding="utf-8") as file:
        for record in _records(grid, todo, out / SCORES / grid.answers, min(jobs, len(todo))):
            done[record["arm"], record["seed"]] = record
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
            file.flush()
            if progress:
                progress("models trained and measured", sum(task in done for task in grid.tasks), len(grid.tasks))
    return [done[task] for task in grid.tasks]


def _content(modules: Iterable[str], folder: Path) -> str:
    return hashlib.sha256(b"".join((folder / f"{name}.py").read_bytes() for name in modules)).hexdigest()[:16]


def _held(path: Path, grid: Grid) -> dict[Task, dict[str, Any]]:
    """Records in the file, which is made where it is missing; a line cut short by an interruption is cut off.

    Where the same answers are now judged otherwise, none is held and the file begins anew.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(grid.identity) + "\n", encoding="utf-8")
        return {}
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    try:
        first, *lines = [json.loads(line) for line in whole.splitlines()]
    except ValueError as error:
        raise RunError(f"{path}: not the results of a calibration; give another --out or delete the file") from error
    if differs := {name for name in {*first, *grid.identity} if first.get(name) != grid.identity.get(name)}:
        if differs <= {"judged", "sizes"}:
            path.unlink()
            return _held(path, grid)
        what = ", ".join(sorted(differs))
        raise RunError(f"{path}: of another calibration (it differs in: {what}); give another --out or delete it")
    if whole != content:
        os.truncate(path, len(whole))
    return {(line["arm"], line["seed"]): line for line in lines}


def _records(grid: Grid, todo: Sequence[Task], scores: Path, jobs: int) -> Iterator[dict[str, Any]]:
    if jobs <= 1:
        for task in todo:
            yield _measure(grid, scores, *task)
        return
    # Not forked: torch's threads do not survive that.
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _begin) as pool:
        waiting: set[Future[dict[str, Any]]] = set()
        rest = iter(todo)
        try:
            while True:
                # A few beyond those at work, so that none is idle.
                room = range(2 * jobs - len(waiting))
                waiting |= {pool.submit(_measure, grid, scores, *task) for _, task in zip(room, rest, strict=False)}
                if not waiting:
                    return
                finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():  # an interruption need not wait for what they are at
                process.terminate()


def _begin() -> None:
    """A worker of one thread (small models gain nothing from several), which ends when its parent does."""
    import torch

    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's to handle
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        wait_for([parent.sentinel])
        os._exit(1)


def _measure(grid: Grid, scores: Path, arm: str, seed: int) -> dict[str, Any]:
    return _judge(grid.base, grid.key, grid.size, grid.sizes, scores).record(arm, seed)


@lru_cache(maxsize=1)
def _judge(base: str, key: str, size: Size, sizes: tuple[int, ...], scores: Path) -> Judge:
    """One in each process."""
    from ...models.checkpoint import Checkpoint
    from .asking import Bench
    from .judging import Judge

    return Judge(Bench(Checkpoint.open(base), size, scores), sizes)
