"""The engine protocol. Written by `models.engines.*`, read by `models.scoring` and `probes.runs.lens_reading`.

An engine only produces residuals; the readout (`models.readout`) turns them into log-probabilities. So engines can
be each other's oracle: the same numbers to 1e-4. `models.engines.select` opens one by its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Float, Int
    from torch import Tensor

    from ..checkpoint import Checkpoint
    from ..interventions import Intervention


@dataclass(slots=True)
class Batch:
    """Rows padded on the right: a causal model's earlier positions never see the padding.

    A place is a position whose residual is kept, once for however many targets it predicts. Rows of one stem begin
    with the same tokens; an engine may read these once, or pass over that and read every row in full.
    """

    ids: Int[Tensor, "rows length"]
    row: Int[Tensor, "places"]
    """Ascending."""
    column: Int[Tensor, "places"]
    stem: Int[Tensor, "rows"]
    """Stems are numbered from 0 and their rows lie together."""
    shared: Int[Tensor, "rows"]
    """How many tokens the rows of a row's stem share; 0 for a row on its own."""


class Engine(Protocol):
    """Runs the decoder of one opened checkpoint and keeps residuals at a batch's places only."""

    name: str
    version: str
    """Its own and its backend's: scores of another version are another cache entry."""
    supports_interventions: bool
    """Whether `residuals` takes interventions. A plugin's engine that lacks this attribute does not, and need not know
    the parameter: see `models.engines.changes.check_support`."""

    def residuals(
        self,
        checkpoint: Checkpoint,
        batch: Batch,
        layers: Sequence[int],
        interventions: Sequence[Intervention] = (),
    ) -> Float[Tensor, "layers places width"]:
        """Residual stream after each decoder layer in `layers` (ascending, zero-based) at the batch's places.

        The last of `layers` must be the model's last layer: its residual, through the model's own final norm and
        head, gives the model's own log-probabilities. They lie where the head runs (`Anatomy.exit`). Called inside
        `checkpoint.active()`.

        Interventions of one layer are made in the order given; the residual returned for that layer has them made.

        Raises:
            EngineError: This backend cannot serve the model, or cannot make interventions.
            UsageError: An intervention does not fit the model or the batch.
        """
        ...

    def release(self) -> None:
        """Lets go of what it holds of the checkpoint read last; called when all its batches are done."""
        ...
