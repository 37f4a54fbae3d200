"""Tokens of one text at every layer: logits, log-probability and rank; of a passage, with the five likeliest there.

Read by `probes.runs.lens_reading` and `probes.runs.passages`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from .alignment import Encoder
from .architecture import final_logits
from .checkpoint import Checkpoint
from .engines.protocol import Batch, Engine
from .layers import Lens
from .template import Template

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

TOP = 5


@dataclass(frozen=True, slots=True)
class PassageReading:
    """What one model gave each token of a passage; None for a token that no model predicts."""

    starts: list[int]
    """[tokens] characters of the passage."""
    ends: list[int]
    """[tokens]"""
    logprob: list[float | None]
    """[tokens] nats."""
    rank: list[int | None]
    """[tokens] 0 is best."""
    top: list[list[str]]
    """[tokens][5] the likeliest tokens."""
    top_logprob: list[list[float]]
    """[tokens][5] nats."""
    lens: list[list[float | None]] | None
    """[layers][tokens] nats; None without a lens."""
    lens_rank: list[list[int | None]] | None
    """[layers][tokens]"""


@torch.inference_mode()
def read_layers(
    checkpoint: Checkpoint, ids: Sequence[int], columns: Sequence[int], engine: Engine, lens: Lens
) -> Iterator[tuple[Float[Tensor, "columns vocabulary"], Float[Tensor, "columns"], list[int]]]:
    """Layer by layer, of the tokens that follow `columns`: logits there, log-probability (nats) and rank (0 best)."""
    row = torch.tensor([list(ids)], device=checkpoint.device)
    column = torch.tensor(list(columns), dtype=torch.long, device=checkpoint.device)
    alone = torch.zeros_like(row[:, 0])
    batch = Batch(row, torch.zeros_like(column), column, alone, alone)
    for index, residual in enumerate(engine.residuals(checkpoint, batch, lens.layers)):
        logits = final_logits(checkpoint.anatomy, lens.through(index, residual))
        chosen = logits.gather(1, row[0, column + 1, None].to(logits.device))
        yield logits, chosen[:, 0] - logits.logsumexp(1), (logits > chosen).sum(1).tolist()


@torch.inference_mode()
def read_passage(
    checkpoint: Checkpoint, text: str, begin: int, end: int, template: Template, engine: Engine, lens: Lens | None
) -> PassageReading:
    """Return what the model gave each token of `text[begin:end]`.

    The passage is read after all of the text before it that fits the context. Nothing is run where no model predicts
    any of its tokens, or no token holds it.
    """
    encoded = Encoder(checkpoint.tokenizer, template)([text])[0]
    held = [k for k, (low, high) in enumerate(encoded.spans) if low < end and high > begin and high > low]
    first, last = (held[0], held[-1] + 1) if held else (0, 0)
    head = encoded.head
    cut = max(0, last - checkpoint.anatomy.context)  # what does not fit is taken off after the head
    boundary = checkpoint.anatomy.rope_boundary
    # A text beyond the boundary is rotated as such, as where its terms are scored.
    least = 0 if boundary is None or len(encoded.ids) <= boundary else boundary + 1
    ids = encoded.ids[:head] + encoded.ids[head + cut : max(last, least)]
    columns = [k - cut - 1 for k in range(first, last)]
    known = [column for column in columns if column >= max(head - 1, 0)]
    missing = [None] * (len(columns) - len(known))
    layers = lens or Lens((len(checkpoint.anatomy.layers) - 1,))
    logprobs: list[list[float | None]] = [[*missing] for _ in layers.layers]
    ranks: list[list[int | None]] = [[*missing] for _ in layers.layers]
    top: list[list[str]] = [[] for _ in missing]
    top_logprob: list[list[float]] = [[] for _ in missing]
    if known:
        read = read_layers(checkpoint, ids, known, engine, layers)
        for index, (logits, logprob, rank) in enumerate(read):
            logprobs[index] += logprob.tolist()
            ranks[index] += rank
            own = logits  # the last layer's are the model's
        best, tokens = own.log_softmax(1).topk(min(TOP, own.shape[1]))
        top += [checkpoint.tokenizer.batch_decode(row[:, None]) for row in tokens]
        top_logprob += best.tolist()
    spans = [encoded.spans[k] for k in range(first, last)]
    return PassageReading(
        starts=[max(low, begin) - begin for low, _ in spans],
        ends=[min(high, end) - begin for _, high in spans],
        logprob=logprobs[-1],
        rank=ranks[-1],
        top=top,
        top_logprob=top_logprob,
        lens=logprobs if lens else None,
        lens_rank=ranks if lens else None,
    )
