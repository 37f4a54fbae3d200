"""The harness's own vLLM model on a checkpoint's folder, with the corrections of `language_model`.

vLLM reads the folder itself: a base, a full fine-tune, or a LoRA adapter on its base. Its kernels are its own, so its
numbers agree with transformers' within the tolerance of the dtype; they are kept under a key of their own.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ...errors import AdapterError, CheckpointError, UsageError, first_line
from .language_model import HarnessFixes, patched_tokenizer, quiet

if TYPE_CHECKING:
    from lm_eval.api.model import LM

    from ...models.checkpoint import Checkpoint
    from .prompting import PromptingConfig

ADVICE = "or give --engine transformers"
SPARE = 1
"""Tokens of the context that vLLM keeps free: vLLM always generates one token."""


def require() -> None:
    """Raises `UsageError` where vLLM is not installed."""
    if find_spec("vllm") is None:
        raise UsageError(f"--engine vllm: vllm is not installed; install it (pip install vllm), {ADVICE}")


@contextmanager
def vllm_model(checkpoint: Checkpoint, asking: PromptingConfig) -> Iterator[LM]:
    """The harness's model, whose engine is let go at the end. Raises `CheckpointError` where vLLM cannot serve it."""
    base = checkpoint.base or checkpoint
    if base.path.is_file():
        raise CheckpointError(f"{base.name}: vllm reads Hugging Face folders alone; save it as one, {ADVICE}")
    lora = _lora(checkpoint)
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")  # its workers write past `quiet`
    with TemporaryDirectory() as folder:
        # The engine takes a path, and an adapter may bring a tokenizer of its own.
        tokenizer = patched_tokenizer(checkpoint)
        tokenizer.save_pretrained(folder)
        try:
            with quiet():
                lm = _class()(
                    pretrained=str(base.path),
                    tokenizer=folder,
                    dtype=str(checkpoint.dtype).removeprefix("torch."),
                    max_model_len=asking.context + SPARE,
                    batch_size="auto",
                    seed=asking.seed,
                    generation_config="vllm",
                    **lora,
                )
        except Exception as error:  # vLLM's, CUDA's, a worker's
            raise CheckpointError(f"{checkpoint.name}: vllm cannot serve it ({first_line(error)}); {ADVICE}") from error
        try:
            yield lm
        except Exception as error:
            if not type(error).__module__.startswith("vllm."):
                raise
            raise CheckpointError(f"{checkpoint.name}: vllm failed ({first_line(error)}); {ADVICE}") from error
        finally:
            del lm.model
            _let_go()


def _class() -> type[Any]:
    from lm_eval.models.vllm_causallms import VLLM

    return type("Read", (HarnessFixes, VLLM), {})


def _lora(checkpoint: Checkpoint) -> dict[str, Any]:
    if checkpoint.base is None:
        return {}
    from ...models.methods import read_config, vllm_rank

    folder = checkpoint.path
    rank = vllm_rank(folder, checkpoint.name, ADVICE)
    named = read_config(folder).target_modules
    # Where it is not told which, vLLM puts LoRA around the head too, whose product then fails at a prompt's
    # log-probabilities (0.32).
    if isinstance(named, str) or "lm_head" in named:
        raise AdapterError(f"{checkpoint.name}: vllm cannot weigh prompts with LoRA on {named}; {ADVICE}")
    return {"lora_local_path": str(folder), "max_lora_rank": rank, "lora_target_modules": sorted(named)}


def _let_go() -> None:
    from vllm.distributed.parallel_state import cleanup_dist_env_and_memory

    gc.collect()
    cleanup_dist_env_and_memory()
