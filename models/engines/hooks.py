"""The default engine: the model's own modules with a forward hook on each layer.

It serves every architecture that `models.architecture` knows and adds nothing to the time of a forward pass. The
head is not run: residuals are kept at a batch's places alone. Tokens that rows share (a cue before its candidates)
are read once, and the last layer's feed-forward part at those places alone, where the model is seen to give the same
numbers so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from importlib import metadata
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch

from ..interventions import EMBEDDING, Intervention
from .changes import Change, changes_by_layer
from .protocol import Batch
from .thinning import thinned
from .trees import Trees, build_trees

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor, nn

    from ..architecture import Anatomy
    from ..checkpoint import Checkpoint

WINDOWS = ("sliding_window", "attention_chunk_size", "window_size")
"""Config attributes for how far back a layer sees, which a tree's mask does not say."""
PASS_TOKENS = 1024
"""Tokens that go through the decoder at a time on a CPU, or one row: so few that what the layers hand on stays in the
caches. A batch of twice as many, read in two passes, takes 4 to 8 % less time than in one."""
TRIAL_TOKENS = 13
"""Different tokens that a trial of another way to read is made with."""


class HooksEngine:
    """Forward hooks on `transformers` modules."""

    name = "hooks"
    supports_interventions = True

    def __init__(self) -> None:
        self.version = f"1 (transformers {metadata.version('transformers')})"
        self._agrees: WeakKeyDictionary[nn.Module, dict[str, bool]] = WeakKeyDictionary()

    @torch.inference_mode()
    def residuals(
        self,
        checkpoint: Checkpoint,
        batch: Batch,
        layers: Sequence[int],
        interventions: Sequence[Intervention] = (),
    ) -> Float[Tensor, "layers places width"]:
        """See `Engine.residuals`."""
        anatomy = checkpoint.anatomy
        if interventions:
            changes = changes_by_layer(interventions, batch, len(anatomy.layers))
            # Whole rows in one pass: what is shared in a tree, or skipped in the last layer, could not be changed.
            return _passed(anatomy, layers, batch.row, batch.column, False, {"input_ids": batch.ids}, changes)
        thin = self.thins(anatomy)
        if bool(batch.shared.any()) and self.reads_trees(anatomy):
            trees = build_trees(batch)
            if max(trees.ids.shape[1], batch.ids.shape[1]) <= _reach(anatomy):
                # A tree may hold more tokens than the context; no position in it is beyond.
                return _in_trees(anatomy, trees, layers, thin)
        return _in_rows(anatomy, batch, layers, thin)

    def release(self) -> None:
        """See `Engine.release`: it holds nothing."""

    def reads_trees(self, anatomy: Anatomy) -> bool:
        """Whether trees give what rows give.

        Not every architecture heeds a mask and positions (a recurrent one cannot), and none says so.
        """
        return self._tried(
            anatomy,
            "trees",
            lambda: _agrees(anatomy, lambda each, last: _in_trees(anatomy, build_trees(each), last, False)),
        )

    def thins(self, anatomy: Anatomy) -> bool:
        """Whether the last layer's feed-forward part gives the same at the places alone."""
        return self._tried(anatomy, "thin", lambda: _agrees(anatomy, lambda each, last: _in_rows(anatomy, each, last)))

    def _tried(self, anatomy: Anatomy, what: str, trial: Callable[[], bool]) -> bool:
        """What a trial said of a model; it is made once."""
        known = self._agrees.setdefault(anatomy.decoder, {})
        if what not in known:
            known[what] = trial()
        return known[what]


def _agrees(anatomy: Anatomy, way: Callable[[Batch, Sequence[int]], Tensor]) -> bool:
    """Whether a way to read gives what reading whole rows does, tried on two short ones."""
    # The ids come from all over the vocabulary. The first ones are often reserved, and layers can amplify the rounding
    # of an untrained embedding until equivalent ways seem to differ.
    numbers = (2 * torch.arange(TRIAL_TOKENS) + 1) * anatomy.vocabulary // (2 * TRIAL_TOKENS)
    stem, *own = numbers.split([TRIAL_TOKENS - 8, 4, 4])
    ids = torch.stack([torch.cat([stem, part]) for part in own])
    row, column = torch.arange(2).repeat_interleave(4), len(stem) + torch.arange(4).repeat(2)
    alike = torch.zeros(2, dtype=torch.long)
    batch = Batch(*(tensor.to(anatomy.entry) for tensor in (ids, row, column, alike, alike + len(stem))))
    layers = [len(anatomy.layers) - 1]
    rows = _in_rows(anatomy, batch, layers, thin=False)
    try:
        read = way(batch, layers)
    except Exception:  # whatever the architecture's author did with a mask, or in a layer
        return False
    limit = 1e-4 if rows.dtype == torch.float32 else 5e-2
    return bool(((read - rows).norm(dim=-1) <= limit * rows.norm(dim=-1)).all())


def _reach(anatomy: Anatomy) -> float:
    """Tokens up to which a tree may give what rows give.

    Beyond a window layers see less than a tree's mask says; some, as GPT-Neo's, count it by places in the tree, not by
    positions. Beyond the boundary of long RoPE a tree, which holds nothing after its places, could be short where its
    rows are long.
    """
    sizes = [getattr(anatomy.config, name, None) for name in WINDOWS] + [anatomy.rope_boundary]
    return min((size for size in sizes if isinstance(size, int) and size > 0), default=float("inf"))


def _in_rows(
    anatomy: Anatomy, batch: Batch, layers: Sequence[int], thin: bool = True
) -> Float[Tensor, "layers places width"]:
    # No mask is needed: padding is on the right.
    return _kept(anatomy, layers, batch.row, batch.column, thin, input_ids=batch.ids)


def _in_trees(
    anatomy: Anatomy, trees: Trees, layers: Sequence[int], thin: bool = True
) -> Float[Tensor, "layers places width"]:
    dtype = next(anatomy.decoder.parameters()).dtype
    # Additive, because eager attention adds it; where a query sees nothing the lowest number keeps the softmax finite.
    mask = torch.zeros(trees.sees.shape, dtype=dtype, device=trees.ids.device)
    mask.masked_fill_(~trees.sees, torch.finfo(dtype).min)
    inputs = {"input_ids": trees.ids, "attention_mask": mask[:, None], "position_ids": trees.positions}
    return _kept(anatomy, layers, trees.row, trees.column, thin, **inputs)


def _kept(
    anatomy: Anatomy, layers: Sequence[int], row: Tensor, column: Tensor, thin: bool, **inputs: Tensor
) -> Float[Tensor, "layers places width"]:
    """The residuals that leave `layers` at (row, column); one pass over `inputs`, or a few of their rows at a time."""
    rows, length = inputs["input_ids"].shape
    step = _rows_at_once(anatomy, rows, length)
    parts = []
    for first in range(0, rows, step):
        here = (row >= first) & (row < first + step)
        if len(row) and not bool(here.any()):  # what these rows begin with is read in another
            continue
        part = {name: value[first : first + step] for name, value in inputs.items()}
        parts.append(_passed(anatomy, layers, row[here] - first, column[here], thin, part))
    return torch.cat(parts, 1)


def _rows_at_once(anatomy: Anatomy, rows: int, length: int) -> int:
    """Like shares of `rows`; all where a pass is costly in itself: on a GPU, or with layers brought in for each."""
    if anatomy.entry.type != "cpu" or any(weight.is_meta for weight in anatomy.decoder.parameters()):
        return rows
    passes = -(-rows // max(1, PASS_TOKENS // length))
    return -(-rows // passes)


def _passed(
    anatomy: Anatomy,
    layers: Sequence[int],
    row: Tensor,
    column: Tensor,
    thin: bool,
    inputs: dict[str, Tensor],
    changes: Mapping[int, Change] | None = None,
) -> Float[Tensor, "layers places width"]:
    kept: dict[int, Tensor] = {}

    def keep(index: int) -> Any:
        def hook(_module: Any, _inputs: Any, output: Any) -> None:
            hidden = output[0] if isinstance(output, tuple) else output
            # Layers may lie on several devices.
            kept[index] = hidden[row.to(hidden.device), column.to(hidden.device)].to(anatomy.exit)

        return hook

    handles: list[Any] = []
    try:
        # First the changes, so that what is kept has them.
        handles += (_register(anatomy, layer, change) for layer, change in (changes or {}).items())
        handles += (anatomy.layers[index].register_forward_hook(keep(index)) for index in layers)
        size = tuple(inputs["input_ids"].shape)
        with thinned(anatomy, size, row, column) if thin else nullcontext():
            anatomy.decoder(**inputs, use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    return torch.stack([kept[index] for index in layers])


def _register(anatomy: Anatomy, layer: int, change: Change) -> Any:
    """Register the change of what leaves a layer, or enters the first one; return the hook's handle."""

    def enter(_module: Any, inputs: Any, named: Any) -> tuple[Any, dict[str, Any]]:
        if inputs:
            return (change(inputs[0]), *inputs[1:]), named
        return inputs, {**named, "hidden_states": change(named["hidden_states"])}

    def leave(_module: Any, _inputs: Any, output: Any) -> Any:
        return (change(output[0]), *output[1:]) if isinstance(output, tuple) else change(output)

    if layer == EMBEDDING:
        return anatomy.layers[0].register_forward_pre_hook(enter, with_kwargs=True)
    return anatomy.layers[layer].register_forward_hook(leave)
