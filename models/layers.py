"""Which layers are read, and through what: the choice of `--layers`, and the raw or the tuned lens.

Layers are numbered from 0, as `transformers` numbers its modules. The last one is always read: its residual, through
the model's own end, is the model's own output. Knows no torch; read by scoring, the lens page and the probes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from .choices import LENS_FILE

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from .architecture import Anatomy
    from .translators import Translators

LayerSpec = str | int | Sequence[int]
"""`all`, a stride (4, "4"), or a list ([0, 6, 11], "0,6,11"; a list of one as "6,")."""


@dataclass(frozen=True, eq=False, slots=True)
class Lens:
    """The layers of one model that are read, and what is put before its final norm."""

    layers: tuple[int, ...]
    """Zero-based, ascending; ends in the model's last layer."""
    translators: Translators | None = None
    """Of a tuned lens; None for the raw one."""

    def through(self, index: int, residual: Float[Tensor, "rows width"]) -> Float[Tensor, "rows width"]:
        """Residuals that left the index-th of `layers`, as they enter the final norm."""
        return residual if self.translators is None else self.translators(self.layers[index], residual)


def misfit(base: Anatomy, tuned: Anatomy, translated: bool) -> str:
    """Why a tuned model cannot be laid beside its base layer by layer; empty where it can."""
    if len(tuned.layers) != len(base.layers):
        return f"has {len(tuned.layers)} layers, the base {len(base.layers)}"
    if translated and tuned.width != base.width:
        return f"is {tuned.width} wide, the base, whose tuned lens it would be read through, {base.width}"
    return ""


def is_trained(data: Path) -> bool:
    """Whether `--lens-data` names a trained lens, not texts."""
    return data.suffix == Path(LENS_FILE).suffix


def parse_layers(wanted: LayerSpec) -> int | tuple[int, ...]:
    """A stride (1 for `all`), or a list. Raises `UsageError` where it is neither."""
    text = wanted if isinstance(wanted, str) else str(wanted).strip("[]()")
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        text += ","
    text = re.sub(r"\s", "", text)
    if text == "all":
        return 1
    if re.fullmatch(r"0*[1-9]\d*", text):
        return int(text)
    if re.fullmatch(r"\d+(,\d+)*,*", text):
        return tuple(sorted({int(layer) for layer in text.split(",") if layer}))
    raise UsageError(
        f"--layers {wanted}: give all, a stride (4 for every fourth layer), or a list of layers from 0 (0,6,11)"
    )


def choose_layers(wanted: LayerSpec, count: int, model: str) -> tuple[int, ...]:
    """The chosen of `count` layers, ascending; a stride is counted back from the last. Raises `UsageError`."""
    choice = parse_layers(wanted)
    if isinstance(choice, int):
        return tuple(range((count - 1) % choice, count, choice))
    if choice[-1] >= count:
        raise UsageError(f"--layers {choice[-1]}: {model} has {count} layers; give numbers from 0 to {count - 1}")
    return tuple(sorted({*choice, count - 1}))
