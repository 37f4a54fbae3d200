"""Several processes of one run, as `torchrun`, `accelerate launch` and Slurm start them: each with the same command.

Each computes its share of the shards. Shards are files anyway, so the run's folder, which all must see, is all that the
processes share: the first waits for the others' shards, puts them together and writes the results and the page. Where
one process fails the launcher ends the rest, and the same command goes on where they stopped.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ...errors import UsageError

POLL = 0.2
"""Seconds between two looks for another process's file."""
PATIENCE = 60.0
"""Seconds of waiting after which a message names the file."""
TORCHRUN = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}
"""What `torchrun` and `accelerate launch` set, and what holds where one of these is missing."""
ARRAY = {
    "SLURM_ARRAY_TASK_ID": "",
    "SLURM_ARRAY_TASK_COUNT": "",
    "SLURM_ARRAY_TASK_MIN": "0",
    "SLURM_ARRAY_TASK_STEP": "1",
}
"""What Slurm sets in each job of an array."""
STEP = {"SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1", "SLURM_LOCALID": "0"}
"""What `srun` sets in each task. SLURM_NTASKS stands in the batch script too, of which there is one process."""

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """This process among all of the run."""

    rank: int = 0
    count: int = 1
    local: int = 0
    """Its number on this machine, by which it takes a GPU."""
    variables: tuple[str, ...] = tuple(TORCHRUN)[:2]
    """The environment variables that number the processes."""

    @classmethod
    def here(cls, environment: Mapping[str, str] = os.environ) -> Processes:
        """Return this process as the launcher's environment numbers it. Raises `UsageError` where that is unreadable.

        `torchrun`'s variables come first, so `WORLD_SIZE=1` makes a process of a Slurm array a run of its own.
        """
        if environment.keys() & {"RANK", "WORLD_SIZE"}:
            rank, count, local = _read(environment, TORCHRUN)
            variables = TORCHRUN
        else:
            # The tasks of each of an array's jobs are numbered together.
            rank, count, local = _read(environment, STEP)
            variables = STEP
            if "SLURM_ARRAY_TASK_ID" in environment:
                number, jobs, least, step = _read(environment, ARRAY)
                index, odd = divmod(number - least, step) if step > 0 else (-1, 0)
                if odd or not 0 <= index < jobs:
                    raise UsageError(
                        f"{_shown(environment, ARRAY)}: the array's numbers are not evenly spaced; give sbatch "
                        "--array=0-N, or set WORLD_SIZE=1 where each job is a run of its own"
                    )
                rank, count, variables = index * count + rank, jobs * count, ARRAY
        if not (0 <= rank < count and local >= 0):
            raise _unreadable(environment, variables)
        return cls(rank, count, local, tuple(variables)[:2])

    @property
    def is_first(self) -> bool:
        """Whether it is the process that writes what is not a shard, and prints."""
        return self.rank == 0

    def takes(self, number: int) -> bool:
        """Return whether the shard of that number is this process's."""
        return number % self.count == self.rank

    def require_folder(self, out: Path | None) -> None:
        """Raise `UsageError` where several processes would each name a folder of their own."""
        if self.count > 1 and out is None:
            raise UsageError("--out: name the run's folder, which the processes of a launcher share")

    def device(self, wanted: str, device_map: str) -> str:
        """Return `--device` for this process: one of several takes a GPU of its own. Raises `UsageError`."""
        if self.count == 1:
            return wanted
        if device_map != "none":
            raise UsageError(f"--device-map {device_map}: spreads one process over all GPUs; drop it, or the launcher")
        import torch

        if wanted not in ("auto", "cuda") or not torch.cuda.is_available():
            return wanted
        # Slurm may show each task its own GPU alone.
        return f"cuda:{self.local % torch.cuda.device_count()}"

    def use_all_threads(self) -> None:
        """Compute on as many threads as one process without `torchrun` would, so that both write the same bytes.

        `torchrun` gives each of its processes one thread unless the user sets OMP_NUM_THREADS, and the rounding of a
        matrix product depends on the number of threads.
        """
        if self.count == 1 or not os.environ.get("TORCHELASTIC_RUN_ID"):
            return
        import psutil
        import torch

        with suppress(psutil.Error, OSError):
            if "OMP_NUM_THREADS" not in psutil.Process(os.getppid()).environ():
                torch.set_num_threads(psutil.cpu_count(logical=False) or torch.get_num_threads())

    def wait(self, look: Callable[[], T | None], file: Path, writer: int = 0) -> T:
        """Return what `look` finds in `file`, once process `writer` has written it; a long wait is explained once."""
        begun, is_explained = time.monotonic(), False
        while (found := look()) is None:
            if not is_explained and time.monotonic() - begun > PATIENCE:
                is_explained = True
                sys.stderr.write(
                    f"probe: process {self.rank} of {self.count} ({', '.join(self.variables)}) waits for {file}, which "
                    f"process {writer} writes; if process {writer} does not run, start it with the same command, or "
                    "end all and run the command without a launcher: what is finished is kept. Where each process "
                    "is a run of its own, set WORLD_SIZE=1\n"
                )
            time.sleep(POLL)
        return found


def _read(environment: Mapping[str, str], variables: Mapping[str, str]) -> list[int]:
    try:
        return [int(environment.get(name, default)) for name, default in variables.items()]
    except ValueError:
        raise _unreadable(environment, variables) from None


def _shown(environment: Mapping[str, str], variables: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={environment.get(name, default)}" for name, default in variables.items())


def _unreadable(environment: Mapping[str, str], variables: Mapping[str, str]) -> UsageError:
    return UsageError(
        f"the launcher's environment cannot be read ({_shown(environment, variables)}); unset these, or start it anew"
    )


ALONE = Processes()
