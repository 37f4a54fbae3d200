"""Open the harness's model of a checkpoint with the engine that was chosen."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from . import language_model

if TYPE_CHECKING:
    from lm_eval.api.model import LM

    from ...models.checkpoint import Checkpoint
    from .prompting import PromptingConfig


@contextlib.contextmanager
def open_model(checkpoint: Checkpoint, config: PromptingConfig) -> Iterator[LM]:
    """Yield the harness's model around `checkpoint`, ready to answer."""
    if config.engine == "vllm":
        from .on_vllm import vllm_model

        with vllm_model(checkpoint, config) as lm:
            yield lm
    else:
        with checkpoint.active():
            yield language_model.language_model(checkpoint, config.context, config.batch_size)


@contextlib.contextmanager
def lazy_model(checkpoint: Checkpoint, config: PromptingConfig) -> Iterator[Callable[[], LM]]:
    """Yield a function that opens the model at its first call; where no answer is missing, no weights are read."""
    with contextlib.ExitStack() as stack:
        yield cache(lambda: stack.enter_context(open_model(checkpoint, config)))
