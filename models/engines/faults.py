"""What goes wrong inside a backend: a shortage of memory, which a smaller batch cures, and everything else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ...errors import EngineError, KnowshiftError, first_line

SHORTAGES = ("out of memory", "can't allocate memory", "not enough memory")
"""torch's words for it; on the CPU and on MPS it raises a bare RuntimeError."""


def out_of_memory(error: BaseException) -> bool:
    text = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(words in text for words in SHORTAGES)


@contextmanager
def engine_errors(model: str, engine: str, advice: str = "use --engine hooks") -> Iterator[None]:
    """Turn what a backend raises into an `EngineError` of one line; let a shortage of memory through."""
    try:
        yield
    except KnowshiftError:
        raise
    except Exception as error:  # the backend's, its worker's, the model's own
        if out_of_memory(error):
            raise
        raise EngineError(f"{model}: {engine} cannot read it ({first_line(error)}); {advice}") from error
