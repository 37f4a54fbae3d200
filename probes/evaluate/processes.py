"""Several processes of one evaluation, as `accelerate launch` and `torchrun` start them: one a GPU, the same command.

Each asks its share of the shards. Shards are kept as files anyway, so the run's folder, which all must see, is all that
they share: the first process waits for the others' shards, puts them together and writes the page. Where one process
fails the launcher ends the rest, and the same command goes on where they stopped.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ...errors import UsageError

POLL = 0.2
"""Seconds between two looks for another process's file."""
PATIENCE = 60.0
"""Seconds of looking before it is said."""

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """This process among all of the run."""

    rank: int = 0
    count: int = 1
    local: int = 0
    """Its number on this machine, which is its GPU's."""

    @classmethod
    def here(cls) -> Processes:
        """As the launcher says in the environment. Raises `UsageError` where that cannot be read."""
        said = {name: os.environ.get(name, default) for name, default in LAUNCHED.items()}
        try:
            rank, count, local = map(int, said.values())
        except ValueError:
            rank = count = local = -1
        if not (0 <= rank < count and local >= 0):
            words = ", ".join(f"{name}={value}" for name, value in said.items())
            raise UsageError(f"the launcher's environment cannot be read ({words}); unset these, or start it anew")
        return cls(rank, count, local)

    @property
    def first(self) -> bool:
        """Whether it is the one that writes what is not a shard, and speaks."""
        return self.rank == 0

    def takes(self, number: int) -> bool:
        """Whether the shard of that number is this process's."""
        return number % self.count == self.rank

    def device(self, wanted: str, device_map: str) -> str:
        """`--device` for this process: of several, each has a GPU of its own. Raises `UsageError`."""
        if self.count == 1:
            return wanted
        if device_map != "none":
            raise UsageError(f"--device-map {device_map}: spreads one process over all GPUs; drop it, or the launcher")
        import torch

        return f"cuda:{self.local}" if wanted in ("auto", "cuda") and torch.cuda.is_available() else wanted

    def wait(self, look: Callable[[], T | None], file: Path) -> T:
        """What `look` finds, once it finds something; after a while it is said which `file` is waited for."""
        begun, said = time.monotonic(), False
        while (found := look()) is None:
            if not said and time.monotonic() - begun > PATIENCE:
                said = True
                sys.stderr.write(
                    f"probe evaluate: process {self.rank} of {self.count} (RANK, WORLD_SIZE) waits for {file}, which "
                    "another process writes\n"
                )
            time.sleep(POLL)
        return found


LAUNCHED = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}
"""What launchers set, and what holds without one."""
ALONE = Processes()
