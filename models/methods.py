"""The adapter methods: what an adapter's config says, and which methods cannot be put on a base."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import AdapterError, first_line
from .sources import quiet
from .unknown_fields import check_fields

CONFIG = "adapter_config.json"
PREFIX = "base_model.model."
"""Of every name in an adapter's file, and in peft's wrapper."""
REWRITING = ("OSF", "pissa", "olora")
"""Methods, and starts of LoRA, that take the adapter's first value out of the base's weights, alike at every load."""
LOST = ("pissa_niter", "corda", "loftq", "lora_ga")
"""LoRA initialisations that take out of the base's weights what hung on chance or training data and is kept nowhere."""
NOT_ON_VLLM = (
    "use_dora",
    "modules_to_save",
    "rank_pattern",
    "alpha_pattern",
    "lora_bias",
    "trainable_token_indices",
    "target_parameters",
)
"""Of LoRA's settings, those that vLLM refuses late or passes over without a word."""
VLLM_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM takes as the largest rank of its adapters."""
UNSUITED = {
    "XLORA": "mixes adapters by the input",
    "POLY": "needs a task's number with each input",
    "ADAPTION_PROMPT": "puts learnt tokens before the input",
    "CARTRIDGE": "puts learnt tokens before the input",
    "SHADOW": "runs a second model beside the base",
}


def read_config(folder: Path) -> Any:
    """Return the adapter's peft config.

    Raises:
        AdapterError: The config cannot be read, or has fields that this peft does not know.
    """
    from peft import PeftConfig

    file = folder / CONFIG
    check_fields(file)  # peft drops fields that it does not know, with a warning that `quiet` hides.
    try:
        with quiet():
            config = PeftConfig.from_pretrained(str(folder))
    except Exception as error:  # each method's config checks its fields in its own way
        raise AdapterError(
            f"{file}: not a peft config that can be read ({type(error).__name__}: {first_line(error)}); "
            "save the adapter again with save_pretrained"
        ) from error
    config.inference_mode = True
    return config


def field_notes(folder: Path) -> list[str]:
    """Return a note on the fields of an adapter's config that are ignored because they change nothing."""
    ignored = check_fields(folder / CONFIG)
    return [f"the installed peft does not know {', '.join(ignored)} of {CONFIG}; ignored, as off"] if ignored else []


def vllm_rank(folder: Path, label: str, advice: str) -> int:
    """Return the maximum rank to configure vLLM with for the adapter in `folder`.

    Raises `AdapterError` where vLLM cannot run it.
    """
    config = read_config(folder)
    if config.peft_type.value != "LORA" or config.r > VLLM_RANKS[-1]:
        raise AdapterError(f"{label}: vllm runs LoRA up to rank {VLLM_RANKS[-1]} alone; {advice}")
    given = [name for name in NOT_ON_VLLM if getattr(config, name, None)]
    given += ["init_lora_weights"] * (str(config.init_lora_weights).lower() in REWRITING)
    given += ["bias"] * (config.bias != "none")
    if given:
        raise AdapterError(f"{label}: vllm does not run LoRA with {given[0]}; {advice}")
    return next(size for size in VLLM_RANKS if size >= config.r)


def check_method(config: Any, label: str) -> None:
    """Refuses methods that change the input, and those whose file does not hold all that was trained."""
    method = getattr(config.peft_type, "value", str(config.peft_type))
    start = str(getattr(config, "init_lora_weights", "")).lower()
    remedy = "it cannot be merged into the base either, so compare another kind of adapter"
    if config.is_prompt_learning:
        why = f"its method ({method}) puts learnt tokens before the input, so targets would move"
    elif method in UNSUITED:
        why = f"its method ({method}) {UNSUITED[method]}"
    elif getattr(config, "alora_invocation_tokens", None):
        why = "it is an activated LoRA, which only acts after certain tokens"
    elif start.startswith(LOST):
        why = f"its start ({start}) was taken out of the base's own weights in a way that cannot be found again"
        remedy = "merge it where it was trained and give the full model"
    else:
        return
    raise AdapterError(f"{label}: cannot be compared with its base, because {why}; {remedy}")


def rewritten(config: Any, skeleton: Any) -> set[str]:
    """The base's parameters that the method writes into; `skeleton` is the base with the adapter on it."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    names = [name.replace(".base_layer.", ".") for name, _ in skeleton.named_parameters()]
    start = str(getattr(config, "init_lora_weights", "")).lower()
    out = set()
    if config.peft_type.value in REWRITING or start in REWRITING:
        tuned = tuple(f"{name}." for name, module in skeleton.named_modules() if isinstance(module, BaseTunerLayer))
        out |= {name for name in names if name.startswith(tuned)}
    if getattr(config, "bias", "none") != "none":
        out |= {name for name in names if "bias" in name}
    return out
