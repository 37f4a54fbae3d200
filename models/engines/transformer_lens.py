"""transformer-lens's bridge (`TransformerBridge`, 4.3): the residuals that its hook names stand for.

The bridge renames and replaces a model's modules, computes attention itself, and on fused query-key-value layers
(GPT-2, NeoX) leaves an adapter out without a word. So it is put around a merged twin of the checkpoint (see
`models.merged`), and at every load its logits must be the model's own. It is built from the model in memory
(`build_bridge_from_module`, what `boot_transformers` ends in), because booting by name opens the tokenizer anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

import torch

from ...errors import EngineError, first_line
from ..interventions import EMBEDDING, Intervention
from ..merged import merged
from ..sources import quiet
from .changes import Change, changes_by_layer
from .protocol import Batch

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from ..checkpoint import Checkpoint

ADVICE = "use --engine hooks"
TOLERANCE = 1e-4
"""Of the logits, relative to their norm, in float32."""
HALF_TOLERANCE = 5e-2
"""The same in bfloat16 or float16."""


class TransformerLensEngine:
    """A bridge around one checkpoint at a time; every row is read in full."""

    name = "transformer-lens"
    supports_interventions = True

    def __init__(self) -> None:
        self.version = f"1 (transformer-lens {metadata.version('transformer-lens')})"
        self._checkpoint: Checkpoint | None = None
        self._bridge: Any = None
        self._options: dict[str, Any] = {}

    def residuals(
        self,
        checkpoint: Checkpoint,
        batch: Batch,
        layers: Sequence[int],
        interventions: Sequence[Intervention] = (),
    ) -> Float[Tensor, "layers places width"]:
        """See `Engine.residuals`. Raises `EngineError` where the bridge cannot serve the model."""
        if self._checkpoint is not checkpoint:
            self.release()
            self._bridge = _bridge(checkpoint, batch.ids[:1])
            # Nothing of the head's product is read, so one position of it will do.
            self._options = {"use_cache": False} | (
                {"logits_to_keep": 1} if checkpoint.anatomy.supports_logits_to_keep else {}
            )
            self._checkpoint = checkpoint
        kept: dict[int, Tensor] = {}

        def keep(index: int) -> tuple[str, Any]:
            def hook(residual: Tensor, hook: Any) -> None:
                kept[index] = residual[batch.row, batch.column]

            return f"blocks.{index}.hook_out", hook

        changes = changes_by_layer(interventions, batch, len(checkpoint.anatomy.layers))
        # First the changes, so that what is kept has them.
        hooks = [_hook(layer, change) for layer, change in changes.items()] + [keep(index) for index in layers]
        with torch.inference_mode():
            self._bridge.run_with_hooks(batch.ids, return_type=None, fwd_hooks=hooks, **self._options)
        return torch.stack([kept[index] for index in layers])

    def release(self) -> None:
        """See `Engine.release`."""
        self._checkpoint = self._bridge = None


def _hook(layer: int, change: Change) -> tuple[str, Any]:
    """Return the name of the place where `change` belongs, and a hook that makes it there."""

    def hook(residual: Tensor, hook: Any) -> Tensor:
        return change(residual)

    return ("blocks.0.hook_in" if layer == EMBEDDING else f"blocks.{layer}.hook_out"), hook


def _bridge(checkpoint: Checkpoint, probe: Tensor) -> Any:
    """A bridge that gives the checkpoint's own logits on `probe` [1, length]. Raises `EngineError`."""
    from transformer_lens.model_bridge.sources import build_bridge_from_module

    _check_plain(checkpoint)
    with checkpoint.active() as model, torch.inference_mode():
        own = model(input_ids=probe, use_cache=False).logits.float()
    # Outside of inference mode, which a caller may have turned on: the bridge takes views of weights.
    with torch.inference_mode(False), torch.no_grad(), quiet():
        model = merged(checkpoint)
        kind = type(model).__name__
        try:
            bridge = build_bridge_from_module(model, kind, hf_config=model.config)
            got = bridge(probe.clone(), use_cache=False).float()
        except Exception as error:  # the bridge raises what its adapters raise
            raise EngineError(
                f"{checkpoint.name}: transformer-lens cannot serve {kind} ({first_line(error)}); {ADVICE}"
            ) from error
    apart = float(((got - own).norm(dim=-1) / own.norm(dim=-1)).max())
    limit = TOLERANCE if checkpoint.dtype == torch.float32 else HALF_TOLERANCE
    if not apart <= limit:
        raise EngineError(
            f"{checkpoint.name}: transformer-lens's logits are not the model's own (they differ by {apart:.1e} of "
            f"their size, allowed is {limit:.0e}); {ADVICE}"
        )
    return bridge


def _check_plain(checkpoint: Checkpoint) -> None:
    model: Any = checkpoint.model
    spread = {str(place) for place in (getattr(model, "hf_device_map", None) or {}).values()}
    if getattr(model, "is_quantized", False):
        why = "a quantised model, whose weights it cannot read"
    elif len(spread) > 1:
        why = f"a model that lies on several devices ({', '.join(sorted(spread))})"
    else:
        return
    raise EngineError(f"{checkpoint.name}: transformer-lens cannot serve {why}; {ADVICE}")
