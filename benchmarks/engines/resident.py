"""Highest memory of a stretch of a process. Knows the standard library alone, and torch where a GPU is measured."""

from __future__ import annotations

import ctypes
import gc
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak(work: Callable[[], Any], device: str = "cpu") -> int:
    """Bytes that `work` needed at its highest beyond what was held before it.

    On the CPU the resident set; its mark is set back first where the system can (Linux), so that what loading a model
    took for a moment does not hide what follows. On a GPU what torch allocated there.
    """
    gc.collect()
    if device == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        torch.cuda.synchronize()
        return int(torch.cuda.max_memory_allocated() - before)
    try:
        _give_back()
        CLEAR.write_text("5")  # sets the high-water mark to what is held now
        before = _status("VmRSS")
        work()
        return max(0, _status("VmHWM") - before)
    except OSError:
        before = _highest()
        work()
        return _highest() - before


def _give_back() -> None:
    """What was freed but is still resident: `work` would use it again, and seem to need nothing."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # the GNU library's alone
    if trim:
        trim(0)


def _status(field: str) -> int:
    line = next(line for line in STATUS.read_text(encoding="ascii").splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


def _highest() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
