"""The grid: every arm at every seed, in several processes, a line of results at a time, so that it can go on.

Seeds go round over the bases, each the reader of a world of its own.

calibration.jsonl   first line: bases and world; then one line a model (arm, seed) with its key (`keys`)
scores/             what each model answered, under a key of its own; read again where only the statistics have
                    changed since
base/               with --base: the base as it reads the fictitious world
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import RunError
from ...storage import write_whole
from ..runs.execution import Unit
from ..runs.executors import choose_executor
from .arms import ARMS, BY_NAME, Arm
from .keys import record_key
from .world import STANDARD, Size, world

if TYPE_CHECKING:
    from ...progress import Progress
    from .judging import Judge

RESULTS = "calibration.jsonl"
SCHEMA = 3
RECORDS = Path(__file__).parent / "files" / "records.jsonl.gz"
"""The records that come with the package, so that a new clone goes on where another machine stopped."""
SCORES = "scores"
QUICK_SEEDS = 2
QUICK_ARMS = ("null", "own_diet", "own at T 0.5", "general lost", "shift", "injection 10 %", "injection 100 %", "both")
Task = tuple[str, int]


@dataclass(frozen=True)
class Grid:
    """What is to be measured on one base."""

    bases: tuple[str, ...]
    """Where the bases lie; the place of each is the seed of its world."""
    keys: tuple[str, ...]
    """SHA-256 (hex) of their content."""
    tasks: tuple[Task, ...]
    size: Size = STANDARD
    sizes: tuple[int, ...] = (40, 300)

    @property
    def identity(self) -> dict[str, Any]:
        """What all records of a file share; each has a key of its own besides."""
        return {"schema": SCHEMA, "bases": list(self.keys), "world": json.loads(json.dumps(asdict(self.size)))}

    def place(self, seed: int) -> int:
        """Return which base, and which world, the models of a seed have."""
        return seed % len(self.bases)

    def record_key(self, arm: str, seed: int) -> str:
        """Return the key of a model's record; one that was written under another is measured again."""
        place = self.place(seed)
        return record_key(self.keys[place], BY_NAME[arm], world(self.size, place), seed, self.sizes)


def tasks(arms: Iterable[Arm] = ARMS, seeds: int | None = None, first: int = 0) -> tuple[Task, ...]:
    """Return every model of the arms, seed by seed, so that whatever is finished covers all arms alike.

    Args:
        arms: The arms.
        seeds: Models of each; by default as many as the arm says.
        first: The first seed; a development seed is none of those that state error rates.
    """
    chosen = list(arms)
    most = max(seeds or arm.seeds for arm in chosen)
    return tuple((arm.name, first + n) for n in range(most) for arm in chosen if n < (seeds or arm.seeds))


def quick(first: int = 0) -> tuple[Task, ...]:
    """Return the models of `--quick`."""
    return tasks((BY_NAME[name] for name in QUICK_ARMS), QUICK_SEEDS, first)


def run(grid: Grid, out: Path, jobs: int, progress: Progress | None = None) -> list[dict[str, Any]]:
    """Measure what is not in `out` yet; return every record of the grid, in its order. Raises `RunError`."""
    path = out / RESULTS
    done = {**_packaged(grid), **_held(path, grid)}

    def find(shard: int) -> dict[str, Any] | None:
        return done.get(grid.tasks[shard])

    def keep(_shard: int, record: dict[str, Any]) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")

    unit = Unit(
        label="models trained and measured",
        key=" ".join(grid.keys),
        sizes=[1] * len(grid.tasks),
        compute=partial(_records, grid, out / SCORES),
        find=find,
        keep=keep,
        file=lambda _shard: path,
    )
    records = choose_executor(jobs=jobs).run(unit, progress)
    assert records is not None  # there is no other process to assemble them
    return records


def _packaged(grid: Grid) -> dict[Task, dict[str, Any]]:
    """Return the records that come with the package and hold for the grid: what was measured once is not again."""
    if not RECORDS.is_file():
        return {}
    first, *records = [json.loads(line) for line in gzip.decompress(RECORDS.read_bytes()).splitlines()]
    if first != grid.identity:
        return {}
    return {(one["arm"], one["seed"]): one for one in records if one["arm"] in BY_NAME and _is_valid(one, grid)}


def pack(out: Path, to: Path = RECORDS) -> int:
    """Write the records of `out` to the package, in an order of their own; return their number."""
    first, *lines = (out / RESULTS).read_text(encoding="utf-8").splitlines()
    every = [(json.loads(line), line) for line in lines]
    ordered = sorted(every, key=lambda one: (one[0]["seed"], one[0]["arm"]))
    text = "\n".join([first, *(line for _, line in ordered)]) + "\n"
    write_whole(to, gzip.compress(text.encode(), mtime=0))
    return len(ordered)


def _held(path: Path, grid: Grid) -> dict[Task, dict[str, Any]]:
    """Return the records of the file that hold for the grid; the file is made where it is missing.

    Records whose key has changed are dropped from the file, and so is a line cut short by an interruption. Those of
    other arms and seeds stay.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(grid.identity) + "\n", encoding="utf-8")
        return {}
    content = path.read_bytes()
    try:
        first, *records = [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]
    except ValueError as error:
        raise RunError(f"{path}: not the results of a calibration; give another --out or delete the file") from error
    if differs := {name for name in {*first, *grid.identity} if first.get(name) != grid.identity.get(name)}:
        what = ", ".join(sorted(differs))
        raise RunError(f"{path}: of another calibration (it differs in: {what}); give another --out or delete it")
    valid = [record for record in records if _is_valid(record, grid)]
    lines = [json.dumps(line, ensure_ascii=False) + "\n" for line in (grid.identity, *valid)]
    write_whole(path, "".join(lines).encode())
    return {(record["arm"], record["seed"]): record for record in valid}


def _is_valid(record: Mapping[str, Any], grid: Grid) -> bool:
    task = record["arm"], record["seed"]
    return task not in grid.tasks or record.get("key") == grid.record_key(*task)


def _records(grid: Grid, scores: Path, shards: Sequence[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Measure models by their places in the grid; called in worker processes."""
    for shard in shards:
        yield shard, _measure(grid, scores, *grid.tasks[shard])


def _measure(grid: Grid, scores: Path, arm: str, seed: int) -> dict[str, Any]:
    judge = _judge(grid, grid.place(seed), scores)
    return {**judge.record(BY_NAME[arm], seed), "key": grid.record_key(arm, seed)}


@lru_cache(maxsize=2)
def _judge(grid: Grid, place: int, scores: Path) -> Judge:
    """Return the judge of one base's models; few in each process, for each holds a base and its scores."""
    from ...models.checkpoint import Checkpoint
    from .asking import Bench
    from .judging import Judge

    made = world(grid.size, place)
    return Judge(Bench(Checkpoint.open(grid.bases[place]), made, scores, grid.keys[place]), grid.sizes)
