"""How every model of a run is prompted, and the keys that answers are kept under."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from ...fingerprint import code_fingerprint
from ..runs.cache import score_key
from .prompt_task import PromptTask
from .settings import ENGINES

if TYPE_CHECKING:
    from ...models.checkpoint import Checkpoint

ANSWERING = ("probes.evaluate.opening", "models.checkpoint")
"""Roots of the code that answers depend on."""
PROMPTING = ("probes.evaluate.runner", "probes.evaluate.prompt_task")
"""Modules that put prompts together; they count alone, without what they import."""


@dataclass(frozen=True)
class PromptingConfig:
    """How every model of a run is prompted."""

    context: int
    """Tokens; the same for all models of a run, or one model would read more than another."""
    chat: bool = False
    batch_size: int = 8
    seed: int = 0
    engine: str = ENGINES[0]

    def key(self, ask: PromptTask, checkpoint: Checkpoint) -> str:
        """Return the SHA-256 (hex) of all that the answers depend on, which the batch size is not."""
        return score_key(
            {
                "ask": ask.digest,
                "weights": checkpoint.content_key,
                **self.reader(checkpoint),
            }
        )

    def reader(self, checkpoint: Checkpoint) -> dict[str, object]:
        """Return what the answers to any task depend on besides the task and the weights."""
        return {
            "prompts": self.prompts(checkpoint),
            "dtype": str(checkpoint.dtype),
            "quantization": checkpoint.quantization,
            "context": self.context,
            "chat": self.chat,
            "seed": self.seed,
            "harness": version(),
            "code": code_fingerprint(*ANSWERING, alone=PROMPTING),
        } | ({} if self.engine == ENGINES[0] else {"engine": [self.engine, metadata.version(self.engine)]})

    def prompts(self, checkpoint: Checkpoint) -> tuple[str, str]:
        """Return what decides how prompts are framed and cut: hashes of the chat template and the tokenizer."""
        template = json.dumps(checkpoint.tokenizer.chat_template, sort_keys=True) if self.chat else ""
        return hashlib.sha256(template.encode()).hexdigest(), checkpoint.tokenizer_hash


def version() -> str:
    """Return the version of lm-evaluation-harness that is installed."""
    return metadata.version("lm_eval")
