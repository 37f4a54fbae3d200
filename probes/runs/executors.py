"""Which executor computes a run's shards; a new one is added here."""

from __future__ import annotations

from .execution import SERIAL, Executor, Launched
from .pool import Pool
from .processes import ALONE, Processes


def choose_executor(here: Processes = ALONE, jobs: int = 1) -> Executor:
    """Return the executor for this process of a launcher, or for `jobs` local processes."""
    if here.count > 1:
        return Launched(here)
    return Pool(jobs) if jobs > 1 else SERIAL
