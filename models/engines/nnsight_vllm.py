"""nnsight's vLLM backend: the trace travels on vLLM's own requests, a row each, and runs beside its weights.

vLLM reads a checkpoint's folder itself, into the GPU; the copy in this process serves the readout and the checks, so
`--device cpu` leaves the GPU to vLLM. Its kernels are its own: expect its numbers within the tolerance of half
precision, not to 1e-4. Where this was written there was no GPU: `read_rows` is tested through nnsight's
`TransformersModel`, which takes the same trace, and the rest follows nnsight 0.8.1 and its documentation.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ...errors import EngineError, first_line
from ..interventions import Intervention
from ..methods import vllm_rank
from ..sources import quiet
from .changes import check_support
from .faults import engine_errors
from .protocol import Batch

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from ..checkpoint import Checkpoint

ADVICE = "use --engine nnsight"


class NnsightVllmEngine:
    """One vLLM engine for a base and its adapters; it gives way to the next base's."""

    name = "nnsight-vllm"
    supports_interventions = False

    def __init__(self) -> None:
        if find_spec("vllm") is None:
            raise EngineError(
                f"--engine {self.name}: vllm is not installed; install it with: pip install 'nnsight[vllm]' "
                "(Linux, NVIDIA GPU), or use --engine nnsight"
            )
        self.version = f"1 (nnsight {metadata.version('nnsight')}, vllm {metadata.version('vllm')})"
        self._booted: tuple[str, int] | None = None
        self._llm: Any = None
        self._adapters: dict[str, int] = {}

    def residuals(
        self,
        checkpoint: Checkpoint,
        batch: Batch,
        layers: Sequence[int],
        interventions: Sequence[Intervention] = (),
    ) -> Float[Tensor, "layers places width"]:
        """See `Engine.residuals`. Raises `EngineError` where vLLM cannot serve the model."""
        check_support(self, interventions)
        with engine_errors(checkpoint.name, self.name, ADVICE):
            options = self._boot(checkpoint)
            anatomy = checkpoint.anatomy
            names = _layers(self._llm._module, len(anatomy.layers))
            blocks = [self._llm.get(names[index]) for index in layers]
            return read_rows(self._llm, blocks, batch, options).to(anatomy.exit)

    def release(self) -> None:
        """See `Engine.release`: vLLM's engine stays, because the base's adapters run on it."""

    def _boot(self, checkpoint: Checkpoint) -> dict[str, Any]:
        """Start vLLM for the checkpoint, and return the options of its requests."""
        base = checkpoint.base or checkpoint
        options: dict[str, Any] = {"temperature": 0.0, "max_tokens": 1}
        rank = 0
        if checkpoint.base is not None:
            folder = checkpoint.path
            rank = vllm_rank(folder, checkpoint.name, ADVICE)
        if self._booted is None or self._booted[0] != base.spec or self._booted[1] < rank:
            self._llm = self._booted = None  # the GPU is free before the next one asks for it
            self._adapters = {}
            self._llm = _open(base, rank)
            self._booted = base.spec, rank
        if rank:
            from vllm.lora.request import LoRARequest

            number = self._adapters.setdefault(checkpoint.spec, len(self._adapters) + 1)
            options["lora_request"] = LoRARequest(f"adapter{number}", number, str(folder))
        return options


def _open(base: Checkpoint, rank: int) -> Any:
    if Path(base.spec).is_file():
        raise EngineError(f"{base.name}: vllm reads Hugging Face folders alone; save it as one, or {ADVICE}")
    if base.placement.quantize != "none":
        raise EngineError(f"{base.name}: vllm reads the weights as they are stored; drop --quantize, or {ADVICE}")
    from nnsight.modeling.vllm import VLLM

    lora = {"enable_lora": True, "max_lora_rank": rank} if rank else {}
    try:
        with quiet():
            return VLLM(
                base.spec,
                dispatch=True,
                dtype=str(base.dtype).removeprefix("torch."),
                max_model_len=base.anatomy.context,
                **lora,
            )
    except Exception as error:  # vLLM's, CUDA's, the worker's
        raise EngineError(
            f"{base.name}: vllm cannot serve it ({first_line(error)}); give it the GPU alone with --device cpu, or "
            f"{ADVICE}"
        ) from error


def _layers(model: Any, count: int) -> list[str]:
    """What vLLM's model, whose modules are its own, calls the decoder's layers."""
    lists = ((name, module) for name, module in model.named_modules() if isinstance(module, torch.nn.ModuleList))
    found = next((name for name, module in lists if len(module) == count), None)
    if found is None:
        raise EngineError(f"{type(model).__name__}: {count} layers are not found in vllm's model; {ADVICE}")
    return [f"{found}.{index}" for index in range(count)]


def read_rows(
    llm: Any, blocks: list[Any], batch: Batch, options: dict[str, Any]
) -> Float[Tensor, "layers places width"]:
    """The residuals that leave `blocks` at the batch's places; each row is a request of its own."""
    from nnsight import save

    wanted = {row: torch.nonzero(batch.row == row)[:, 0] for row in batch.row.unique().tolist()}
    columns = {row: batch.column[places].cpu() for row, places in wanted.items()}
    # What follows a row's last place is not read.
    prompts = [batch.ids[row, : int(column.max()) + 1].tolist() for row, column in columns.items()]
    # Counted from the end, because a backend may pad on the left.
    back = [column - len(prompt) for column, prompt in zip(columns.values(), prompts, strict=True)]
    with llm.trace() as tracer:
        rows = save([None] * len(prompts))
        for index, prompt in enumerate(prompts):
            with tracer.invoke(prompt, **options):
                kept = []
                for block in blocks:
                    output = block.output
                    # vLLM's layers return the residual and what is still to be added to it.
                    hidden = output[0] + output[1] if isinstance(output, tuple) else output
                    kept.append(hidden.flatten(0, -2)[back[index]].clone())
                rows[index] = torch.stack(kept).cpu()
    order = torch.cat(list(wanted.values())).cpu()
    return torch.cat(list(rows), 1)[:, order.argsort()]
