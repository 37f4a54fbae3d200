"""The adapter methods: which can be compared with a base that they share, and what each changes of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import AdapterError
from .sources import one_line, quiet

CONFIG = "adapter_config.json"
PREFIX = "base_model.model."
"""Of every name in an adapter's file, and in peft's wrapper."""
REWRITING = ("pissa", "olora", "corda", "loftq", "lora_ga")
"""LoRA initialisations that take the adapter's first value out of the base's own weights."""
UNSUITED = {
    "XLORA": "mixes adapters by the input",
    "POLY": "needs a task's number with each input",
    "ADAPTION_PROMPT": "puts learnt tokens before the input",
    "CARTRIDGE": "puts learnt tokens before the input",
    "OSF": "rewrites the base's own weights",
    "SHADOW": "runs a second model beside the base",
}


@dataclass(frozen=True, slots=True)
class Touched:
    """The modules that an adapter changes, by peft's two ways of doing so."""

    tuned: frozenset[str]
    """A small term is added to the module (LoRA and its kin)."""
    replaced: frozenset[str]
    """A copy is trained in the module's place (`modules_to_save`)."""
    tokens: bool
    """Some rows of the embedding are trained; peft then expects them of every adapter on the base."""

    @classmethod
    def of(cls, model: Any) -> Touched:
        from peft.tuners.tuners_utils import BaseTunerLayer
        from peft.utils.other import AuxiliaryTrainingWrapper, TrainableTokensWrapper

        kinds = dict(model.named_modules())
        tuned = {name for name, module in kinds.items() if isinstance(module, BaseTunerLayer)}
        replaced = {name for name, module in kinds.items() if isinstance(module, AuxiliaryTrainingWrapper)}
        tokens = any(isinstance(module, TrainableTokensWrapper) for module in kinds.values())
        return cls(frozenset(tuned), frozenset(replaced), tokens)

    def clash(self, other: Touched) -> str | None:
        """A module that peft cannot keep apart: replaced for one, and it or a part of it tuned for the other."""
        if self.tokens or other.tokens:
            return "the embedding's rows"
        for one, two in ((self, other), (other, self)):
            for whole in one.replaced:
                inside = {name for name in two.tuned | two.replaced if name.startswith(f"{whole}.")}
                if inside or whole in two.tuned:
                    return whole.removeprefix(PREFIX)
        return None


def read_config(folder: Path) -> Any:
    """The adapter's peft config. Raises `AdapterError`."""
    from peft import PeftConfig

    file = folder / CONFIG
    try:
        with quiet():
            config = PeftConfig.from_pretrained(str(folder))
    except Exception as error:  # broken JSON, unknown method, fields of a newer peft
        raise AdapterError(
            f"{file}: not a peft config that can be read ({type(error).__name__}: {one_line(error)}); "
            "save the adapter again with save_pretrained"
        ) from error
    config.inference_mode = True
    return config


def check_method(config: Any, label: str) -> None:
    """Refuses methods that change the input, or the base's own weights, which the other adapters share."""
    method = getattr(config.peft_type, "value", str(config.peft_type))
    start = str(getattr(config, "init_lora_weights", "")).lower()
    if config.is_prompt_learning:
        why = f"its method ({method}) puts learnt tokens before the input, so targets would move"
    elif method in UNSUITED:
        why = f"its method ({method}) {UNSUITED[method]}"
    elif getattr(config, "alora_invocation_tokens", None):
        why = "it is an activated LoRA, which only acts after certain tokens"
    elif getattr(config, "bias", "none") != "none":
        why = f"it trains the base's own biases (bias = {config.bias!r}), which all adapters share"
    elif getattr(config, "layer_replication", None):
        why = "it repeats the base's layers (layer_replication), which all adapters share"
    elif start.startswith(REWRITING):
        why = f"its start ({start}) was taken out of the base's own weights, which all adapters share"
    else:
        return
    raise AdapterError(f"{label}: cannot be compared with its base, because {why}; merge it and give the full model")
