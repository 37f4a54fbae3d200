"""The translators of a tuned lens: one affine map a layer, put before the model's final norm and head.

A residual at layer k is carried to where the last layer's residuals lie, so that norm and head read it in the basis
they were made for (Belrose et al. 2023, arXiv 2303.08112, section 3). The maps are trained on the base alone
(`models.lens_training`) and serve every model tuned from it, each followed by that model's own norm and head: with
maps of its own, what a tuned model gained at a layer could not be told from what its maps gained. The limit of that:
where a fine-tune turned the residuals themselves, the base's maps do not follow, and what is then missing at early
layers may be there. The last layer has no map.

Residual form, h + W h + b, so that W = 0, b = 0 is the raw lens to the bit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import linear

from ..errors import UsageError, first_line
from ..storage import write_whole
from .choices import LENS_FILE

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from .checkpoint import Checkpoint

FORMAT = "knowshift-lens"
VERSION = 1


def translate(
    residual: Float[Tensor, "rows width"], weight: Float[Tensor, "width width"], bias: Float[Tensor, "width"]
) -> Float[Tensor, "rows width"]:
    """h + W h + b, in float32."""
    wide = residual.float()
    return wide + linear(wide, weight, bias)


@dataclass(frozen=True, eq=False, slots=True)
class Translators:
    """A trained lens of a model with one layer more than it has maps."""

    weight: Float[Tensor, "maps width width"]
    bias: Float[Tensor, "maps width"]
    record: Mapping[str, Any]
    """How it came about: `recipe` (all that decides it), names, tokens, held-out `losses` (nats per token)."""

    def __call__(self, layer: int, residual: Float[Tensor, "rows width"]) -> Float[Tensor, "rows width"]:
        """Residuals that left `layer`, where the final norm expects them; those of the last layer as they are."""
        return residual if layer == len(self.weight) else translate(residual, self.weight[layer], self.bias[layer])

    @property
    def width(self) -> int:
        return self.bias.shape[1]

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the maps."""
        found = hashlib.sha256()
        for tensor in (self.weight, self.bias):
            found.update(str(tuple(tensor.shape)).encode() + tensor.detach().cpu().numpy().tobytes())
        return found.hexdigest()

    def to(self, device: torch.device) -> Translators:
        return replace(self, weight=self.weight.to(device), bias=self.bias.to(device))

    def save(self, path: Path) -> None:
        """Writes one safetensors file, whole or not at all; the record stands in its header."""
        from safetensors.torch import save

        tensors = {"weight": self.weight.detach().cpu().contiguous(), "bias": self.bias.detach().cpu().contiguous()}
        # One entry: safetensors writes several in any order, and the same lens should be the same bytes.
        held = {"format": FORMAT, "version": VERSION, "digest": self.digest, **self.record}
        content = save(tensors, {FORMAT: json.dumps(held, sort_keys=True)})
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)

    @classmethod
    def open(cls, path: Path, base: Checkpoint | None = None) -> Translators:
        """Reads what `save` wrote. Raises `UsageError` where it is no lens, damaged, or another base's than `base`."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "pt") as file:
                about = (file.metadata() or {}).get(FORMAT)
                tensors = {name: file.get_tensor(name) for name in ("weight", "bias")} if about else {}
        except FileNotFoundError as error:
            raise UsageError(f"{path}: no such file; give a tuned lens, or texts to train one on") from error
        except (SafetensorError, OSError, ValueError) as error:
            raise UsageError(f"{path}: damaged or no safetensors file ({first_line(error)}); train it again") from error
        if not about:
            raise UsageError(
                f"{path}: holds no tuned lens; give a {LENS_FILE} that --lens tuned wrote, or texts to train one on"
            )
        try:
            record = json.loads(about)
            version = record.pop("version")
            if version == VERSION:
                del record["format"]
                digest, lens = record.pop("digest"), cls(tensors["weight"], tensors["bias"], record)
                whole, trained_on = lens.digest == digest, f"{record['base']}, {record['recipe']['base'][:12]}…"
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"{path}: damaged (its record is not one of a lens); train it again") from error
        if version != VERSION:
            raise UsageError(f"{path}: a lens of another version than {VERSION}, which is read here; train it again")
        if not whole:
            raise UsageError(f"{path}: damaged (its maps are not those it was written with); train it again")
        if base is not None and record["recipe"]["base"] != base.content_key:
            raise UsageError(
                f"{path}: was trained on another base ({trained_on}; "
                f"{base.name} is {base.content_key[:12]}…); give texts to train one on this base"
            )
        return lens
