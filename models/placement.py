"""How a model is put into memory: on which device or devices, in which dtype, quantised or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from logging import ERROR, getLogger
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..errors import CheckpointError, UsageError, first_line
from .choices import (
    DEFAULT_DEVICE,
    DEFAULT_DEVICE_MAP,
    DEFAULT_DTYPE,
    DEFAULT_QUANTIZATION,
    DEVICE_MAPS,
    DTYPES,
    QUANTIZATIONS,
)

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

# Where no GPU is it says so when peft is imported, and of every layer what it casts to: no one can act on either.
getLogger("bitsandbytes").setLevel(ERROR)

TORCH_DTYPES: dict[str, torch.dtype] = {name: getattr(torch, name) for name in DTYPES if name != DEFAULT_DTYPE}
PACKAGES = {
    "bitsandbytes": ("bitsandbytes",),
    "gptq": ("gptqmodel", "optimum"),
    "awq": ("gptqmodel",),
    "compressed-tensors": ("compressed_tensors",),
    "torchao": ("torchao",),
    "hqq": ("hqq",),
    "quanto": ("optimum.quanto",),
}
"""What a model that was stored quantised needs, by the method that its config names."""
INSTALL = {"compressed_tensors": "compressed-tensors", "optimum.quanto": "optimum-quanto"}


@dataclass(frozen=True, slots=True)
class Placement:
    """What was asked for; what it comes to for a model depends on its config."""

    device: torch.device
    dtype: str = DEFAULT_DTYPE
    """One of `DTYPES`."""
    quantize: str = DEFAULT_QUANTIZATION
    """One of `QUANTIZATIONS`."""
    device_map: str = DEFAULT_DEVICE_MAP
    """One of `DEVICE_MAPS`."""

    @classmethod
    def of(
        cls,
        device: str | torch.device = DEFAULT_DEVICE,
        dtype: str = DEFAULT_DTYPE,
        quantize: str = DEFAULT_QUANTIZATION,
        device_map: str = DEFAULT_DEVICE_MAP,
    ) -> Placement:
        """Check the options against this machine. Raises `UsageError`."""
        for name, value, known in (
            ("dtype", dtype, DTYPES),
            ("quantize", quantize, QUANTIZATIONS),
            ("device_map", device_map, DEVICE_MAPS),
        ):
            if value not in known:
                raise UsageError(f"{name} {value!r} is unknown; expected {', '.join(known)}")
        if quantize != "none" and (missing := _missing("bitsandbytes")):
            raise UsageError(f"quantize {quantize}: needs {_install(missing)}, or leave it out")
        return cls(_device(device), dtype, quantize, device_map)

    def dtype_of(self, config: PretrainedConfig) -> torch.dtype:
        """Return the dtype that a model of `config` computes in."""
        if self.dtype != DEFAULT_DTYPE:
            return TORCH_DTYPES[self.dtype]
        own: Any = config.get_text_config().dtype or config.dtype
        own = TORCH_DTYPES.get(own, own) if isinstance(own, str) else own
        return torch.float32 if self.device.type == "cpu" or own is None else own

    def check(self, config: PretrainedConfig, path: Path) -> None:
        """Check that a model of `config` can be loaded like this here. Raises `CheckpointError`, `UsageError`."""
        stored = stored_quantization(config)
        if stored and self.quantize != "none":
            raise UsageError(f"{path}: is stored quantised already ({stored}); leave --quantize out")
        if stored and (missing := _missing(stored)):
            raise CheckpointError(f"{path}: is stored quantised ({stored}), which needs {_install(missing)}")

    def options(self, config: PretrainedConfig) -> dict[str, Any]:
        """Return the arguments of `from_pretrained`, except for the dtype."""
        out: dict[str, Any] = {}
        if self.device_map == "auto":
            out["device_map"] = "auto"
        elif self.device.type != "cpu" or self.quantize != "none":  # bitsandbytes would take a GPU unasked
            out["device_map"] = {"": self.device}
        if self.quantize != "none":
            from transformers import BitsAndBytesConfig

            bits = {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_compute_dtype": self.dtype_of(config)}
            out["quantization_config"] = BitsAndBytesConfig(
                **(bits if self.quantize == "4bit" else {"load_in_8bit": True})
            )
        return out

    def nbytes(self, skeleton: PreTrainedModel) -> int:
        """Bytes that the weights of a model take, whose skeleton is in the dtype that it computes in."""
        whole = sum(weight.nbytes for weight in skeleton.parameters())
        if self.quantize == "none":
            return whole
        # bitsandbytes rounds every linear layer but the head, and keeps a scale for each 64 weights (4bit) or row.
        head = skeleton.get_output_embeddings()
        linear = [m.weight for m in skeleton.modules() if isinstance(m, torch.nn.Linear) and m is not head]
        kept = sum(weight.numel() * (0.5 + 4 / 64 if self.quantize == "4bit" else 1) for weight in linear)
        return whole - sum(weight.nbytes for weight in linear) + int(kept)

    def quantization(self, config: PretrainedConfig) -> str:
        """How a model of `config` is rounded: `none`, `4bit`, `8bit`, or the method that it is stored with."""
        return stored_quantization(config) or self.quantize


def ready(model: PreTrainedModel) -> PreTrainedModel:
    """A model as it is scored: in eval mode, without gradients, and with weights that calls leave as they are."""
    modules: Iterator[Any] = model.modules()
    for module in modules:
        if hasattr(module, "support_avx512bf16_for_cpu"):
            # bitsandbytes would repack the weights, which adapters share, at the first call, and compute in bfloat16.
            module.support_avx512bf16_for_cpu = False
    model.eval().requires_grad_(False)
    return model


def stored_quantization(config: PretrainedConfig) -> str | None:
    """The method that a model's config says its weights were rounded with."""
    held: Any = getattr(config, "quantization_config", None)
    if held is None:
        return None
    method = held.get("quant_method") if isinstance(held, dict) else getattr(held, "quant_method", None)
    return str(getattr(method, "value", method) or "bitsandbytes")


def _missing(method: str) -> list[str]:
    def there(package: str) -> bool:
        try:
            return find_spec(package) is not None
        except ModuleNotFoundError:  # of a package inside one that is missing
            return False

    return [package for package in PACKAGES.get(method, ()) if not there(package)]


def _install(packages: list[str]) -> str:
    names = [INSTALL.get(package, package) for package in packages]
    return f"{' and '.join(names)}; install with: pip install {' '.join(names)}"


def _device(device: str | torch.device) -> torch.device:
    if str(device) == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        if chosen.type == "meta":
            raise NotImplementedError("it holds no numbers")
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # unknown name, or not on this machine
        raise UsageError(
            f"device {str(device)!r} cannot be used here ({first_line(error)}); expected auto, cpu or cuda"
        ) from error
    return chosen
