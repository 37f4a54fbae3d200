"""nnsight's tracing (0.8): the model is wrapped as it is, adapter layers and all, and traced here or on NDIF.

nnsight compiles the body of a `with` block from the file it stands in, so the trace is a function of this module and
nothing that is made at run time. For NDIF that source is what travels, with the names it uses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

import torch

from ...errors import EngineError
from .. import ndif
from ..interventions import EMBEDDING, Intervention
from .changes import Change, changes_by_layer, check_support
from .faults import engine_errors
from .protocol import Batch

if TYPE_CHECKING:
    from jaxtyping import Float, Int
    from torch import Tensor

    from ..architecture import Anatomy
    from ..checkpoint import Checkpoint


class NnsightEngine:
    """nnsight in this process, or on NDIF for the models that `models.ndif` finds; every row is read in full."""

    name = "nnsight"

    def __init__(self, *, remote: bool = False) -> None:
        self.version = f"1 (nnsight {metadata.version('nnsight')}{', on NDIF' if remote else ''})"
        self.supports_interventions = not remote
        self._decoder: Any = None
        self._envoy: Any = None
        if remote:
            ndif.check_key()

    @torch.inference_mode()
    def residuals(
        self,
        checkpoint: Checkpoint,
        batch: Batch,
        layers: Sequence[int],
        interventions: Sequence[Intervention] = (),
    ) -> Float[Tensor, "layers places width"]:
        """See `Engine.residuals`. Raises `EngineError` where nnsight cannot read the model."""
        check_support(self, interventions)
        with engine_errors(checkpoint.name, self.name):
            return self._read(checkpoint, batch, layers, interventions)

    def _read(
        self, checkpoint: Checkpoint, batch: Batch, layers: Sequence[int], interventions: Sequence[Intervention]
    ) -> Float[Tensor, "layers places width"]:
        anatomy = checkpoint.anatomy
        if (there := ndif.envoy_of(checkpoint.model)) is not None:
            if interventions:
                raise EngineError(f"{checkpoint.name}: NDIF runs it, where residuals cannot be changed; open it here")
            ids, row, column = (tensor.cpu() for tensor in (batch.ids, batch.row, batch.column))
            with ndif.asking(checkpoint.name):
                blocks = there.get(ndif.path_of(checkpoint.model, anatomy.layers))
                asked = [blocks[index] for index in layers]
                kept = _trace(there, asked, ids, row, column, torch.device("cpu"), ndif.WHERE)
            return kept.to(anatomy.exit)
        if self._decoder is not anatomy.decoder:
            self._decoder, self._envoy = anatomy.decoder, _wrapped(anatomy)
        blocks = self._envoy.get(ndif.path_of(anatomy.decoder, anatomy.layers))
        if interventions:
            changes = changes_by_layer(interventions, batch, len(anatomy.layers))
            # In the order of the layers, because a trace meets each once.
            first = {0} if EMBEDDING in changes else set()
            every = [(index, blocks[index]) for index in sorted({*layers, *changes, *first} - {EMBEDDING})]
            read = _trace_changed(self._envoy, every, changes, batch.ids, batch.row, batch.column, anatomy.exit)
            return torch.stack([read[index] for index in layers])
        traced = [blocks[index] for index in layers]
        return _trace(self._envoy, traced, batch.ids, batch.row, batch.column, anatomy.exit)

    def release(self) -> None:
        """See `Engine.release`."""
        self._decoder = self._envoy = None


def _wrapped(anatomy: Anatomy) -> Any:
    from nnsight import NNsight

    class Decoder(NNsight):  # type: ignore[misc]  # nnsight has no types
        @property
        def device(self) -> torch.device:
            """Where token ids are moved to: not to the first weight, which accelerate may keep elsewhere."""
            return anatomy.entry

    return Decoder(anatomy.decoder)


def _trace(
    envoy: Any,
    blocks: list[Any],
    ids: Int[Tensor, "rows length"],
    row: Int[Tensor, "places"],
    column: Int[Tensor, "places"],
    device: torch.device,
    where: bool | str = False,
) -> Float[Tensor, "layers places width"]:
    from nnsight import save

    options = {"remote": where} if where else {}
    with envoy.trace(ids, use_cache=False, **options) as tracer:
        kept = save([])
        for block in blocks:
            output = block.output
            hidden = output[0] if isinstance(output, tuple) else output
            kept.append(hidden[row.to(hidden.device), column.to(hidden.device)].to(device))
        tracer.stop()  # the head is not run
    return torch.stack(kept)


def _trace_changed(
    envoy: Any,
    blocks: list[tuple[int, Any]],
    changes: Mapping[int, Change],
    ids: Int[Tensor, "rows length"],
    row: Int[Tensor, "places"],
    column: Int[Tensor, "places"],
    device: torch.device,
) -> dict[int, Float[Tensor, "places width"]]:
    """As `_trace` in this process, with what leaves `blocks` changed; by the layers' numbers."""
    from nnsight import save

    with envoy.trace(ids, use_cache=False) as tracer:
        kept = save({})
        if EMBEDDING in changes:
            blocks[0][1].input = changes[EMBEDDING](blocks[0][1].input)
        for index, block in blocks:
            output = block.output
            hidden = output[0] if isinstance(output, tuple) else output
            if index in changes:
                hidden = changes[index](hidden)
                block.output = (hidden, *output[1:]) if isinstance(output, tuple) else hidden
            kept[index] = hidden[row.to(hidden.device), column.to(hidden.device)].to(device)
        tracer.stop()  # the head is not run
    return dict(kept)
