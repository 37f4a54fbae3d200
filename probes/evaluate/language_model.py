"""Adapt a checkpoint to the harness's model class.

The harness ties the weights of a model that it is given anew, which would undo an adapter on them, gives the tokenizer
a padding token, and writes by the model's own sampling settings. So it is given the model's forward pass and `generate`
alone, a copy of the tokenizer, and greedy decoding.
"""

from __future__ import annotations

import contextlib
import copy
import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from ...errors import UsageError

if TYPE_CHECKING:
    from lm_eval.api.model import LM

    from ...models.checkpoint import Checkpoint

INSTALL = "pip install 'knowshift[evaluate]'"


def require() -> None:
    """Raises `UsageError` where lm-evaluation-harness is not installed."""
    from importlib.util import find_spec

    if find_spec("lm_eval") is None:
        raise UsageError(f"probe evaluate: lm-evaluation-harness is not installed; {INSTALL}")


def language_model(checkpoint: Checkpoint, context: int, batch_size: int = 1) -> LM:
    """Return the harness's model around `checkpoint`; it can only encode while the weights are not in memory."""
    with quiet():
        held: Any = CheckpointProxy(checkpoint)
        return _class()(
            pretrained=held,
            tokenizer=patched_tokenizer(checkpoint),
            max_length=context,
            batch_size=_together(checkpoint, context, batch_size),
            softmax_dtype="float32",
            backend="causal",
        )


def _together(checkpoint: Checkpoint, context: int, batch_size: int) -> int:
    """Return how many prompts are read together: one where a long one would change how others are rotated."""
    boundary = checkpoint.anatomy.rope_boundary
    return batch_size if boundary is None or context <= boundary else 1


class HarnessFixes:
    """Mix-in that corrects two behaviours of the harness; put it before any of the harness's model classes."""

    add_bos_token: bool | None
    tokenizer: Any

    def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = False) -> list[float]:
        """A beginning token is put before a text; one that the tokenizer adds too would be read as a part of it."""
        held, self.add_bos_token = self.add_bos_token, False
        try:
            found: list[float] = super().loglikelihood_rolling(requests, disable_tqdm)  # type: ignore[misc]
        finally:
            self.add_bos_token = held
        return found

    def apply_chat_template(self, chat_history: Any, add_generation_prompt: bool = True) -> str:
        """Where the template takes no system message, the harness would drop it: the user says it then."""
        if chat_history[0]["role"] == "system" and not takes_system(self.tokenizer):
            chat_history = _by_the_user(chat_history)
        found: str = super().apply_chat_template(chat_history, add_generation_prompt)  # type: ignore[misc]
        return found


@cache
def _class() -> type[Any]:
    from lm_eval.models.huggingface import HFLM

    return type("Read", (HarnessFixes, HFLM), {})


def takes_system(tokenizer: Any) -> bool:
    """Whether the tokenizer's chat template says what a system message says."""
    from jinja2 import TemplateError

    said = "Answer in one word"
    try:
        return said in tokenizer.apply_chat_template(
            [{"role": "system", "content": said}, {"role": "user", "content": "Why"}],
            tokenize=False,
            add_generation_prompt=True,
        )
    except TemplateError:
        return False


def _by_the_user(messages: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    system, first, *rest = messages
    return [{**first, "content": f"{system['content']}\n\n{first['content']}"}, *map(dict, rest)]


def patched_tokenizer(checkpoint: Checkpoint) -> Any:
    """Return a copy of the tokenizer with an end token and a padding token, each with a row in the model."""
    tokenizer: Any = copy.deepcopy(checkpoint.tokenizer)
    rows = checkpoint.config.get_text_config().vocab_size
    known = [tokenizer.eos_token_id, tokenizer.bos_token_id, tokenizer.unk_token_id, 0]
    usable = tokenizer.convert_ids_to_tokens(next(id for id in known if id is not None and id < rows))
    for name in ("eos_token", "pad_token"):
        id = getattr(tokenizer, f"{name}_id")
        if id is None or id >= rows:
            setattr(tokenizer, name, usable)
    return tokenizer


class CheckpointProxy:
    """Give the harness what it needs of a model and nothing that it could change."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.config, self.device, self.name_or_path = checkpoint.config, checkpoint.device, checkpoint.name
        self._checkpoint = checkpoint

    def __call__(self, ids: Any) -> Any:
        return self._checkpoint.model(ids)

    def generate(self, **options: Any) -> Any:
        """Greedy; a model's own sampling settings, penalties and lengths would make two models of a pair differ."""
        from transformers import GenerationConfig

        model: Any = self._checkpoint.model
        own = model.generation_config
        ends = getattr(own, "eos_token_id", None) or self.config.eos_token_id
        # What is given to generate() is filled up from the model's own; so that is what has to go.
        model.generation_config = GenerationConfig(eos_token_id=ends, do_sample=False)
        try:
            return model.generate(**options)
        finally:
            model.generation_config = own


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the harness's bars and notices; what matters of them is said by us."""
    loggers = [logging.getLogger(name) for name in ("lm_eval", "lm-eval", "transformers", "datasets")]
    levels: Mapping[logging.Logger, int] = {logger: logger.level for logger in loggers}
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)
