"""Freed memory goes back to the system, so that long work needs no more of it than its largest part."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress


def release_freed_memory() -> None:
    """Return what Arrow's pool and the C library have freed, and keep for later, to the system.

    Both keep freed blocks of many sizes; what is computed model by model would else seem to need more with every model.
    """
    import pyarrow as pa

    gc.collect()
    pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):  # only glibc has it
        ctypes.CDLL("libc.so.6").malloc_trim(0)
