"""One passage of a text, every token of it: log-probability, rank, the likeliest five, and the layers through the lens.

Read by `probes.passages`. The passage is read after all of the text that stands before it and fits the context.
"""

from __future__ import annotations

from typing import Any

import torch

from .alignment import Encoder
from .architecture import final_logits
from .checkpoint import Checkpoint
from .engines.protocol import Batch, Engine
from .layers import Lens
from .template import Template

TOP = 5


@torch.inference_mode()
def read_passage(
    checkpoint: Checkpoint, text: str, begin: int, end: int, template: Template, engine: Engine, lens: Lens | None
) -> dict[str, Any]:
    """Of each token of `text[begin:end]`: its characters there, and what the model gave it.

    `starts`, `ends` [tokens] in characters of the passage; `logprob` (nats), `rank` (0 best), both null for a token
    that no model predicts; `top`, `top_logprob` [tokens][5]; `lens`, `lens_rank` [layers][tokens], null without lens.
    """
    encoded = Encoder(checkpoint.tokenizer, template)([text])[0]
    held = [k for k, (low, high) in enumerate(encoded.spans) if low < end and high > begin and high > low]
    first, last = held[0], held[-1] + 1
    head = encoded.head
    cut = max(0, last - checkpoint.anatomy.context)  # what does not fit is taken off after the head
    ids = encoded.ids[:head] + encoded.ids[head + cut : last]
    places = [k - cut - 1 for k in range(first, last)]
    known = [place >= max(head - 1, 0) for place in places]
    row = torch.tensor([ids], device=checkpoint.device)
    column = torch.tensor([place for place, ok in zip(places, known, strict=True) if ok], device=checkpoint.device)
    target = torch.tensor([encoded.ids[k] for k, ok in zip(range(first, last), known, strict=True) if ok])
    alone = torch.zeros_like(row[:, 0])
    batch = Batch(row, torch.zeros_like(column), column, alone, alone)
    layers = lens or Lens((len(checkpoint.anatomy.layers) - 1,))
    grids: dict[str, list[list[Any]]] = {"lens": [], "lens_rank": []}
    missing: list[Any] = [None] * known.count(False)
    for index, residual in enumerate(engine.residuals(checkpoint, batch, layers.layers)):
        logits = final_logits(checkpoint.anatomy, layers.through(index, residual))
        goal = target.to(logits.device)[:, None]
        chosen, total = logits.gather(1, goal), logits.logsumexp(1)
        grids["lens"].append([*missing, *(chosen[:, 0] - total).tolist()])
        grids["lens_rank"].append([*missing, *(logits > chosen).sum(1).tolist()])
    best, tokens = (logits - total[:, None]).topk(min(TOP, logits.shape[1]))
    words = checkpoint.tokenizer.batch_decode(tokens.reshape(-1, 1))
    width = tokens.shape[1]
    spans = [encoded.spans[k] for k in range(first, last)]
    return {
        "starts": [max(low, begin) - begin for low, _ in spans],
        "ends": [min(high, end) - begin for _, high in spans],
        "logprob": grids["lens"][-1],
        "rank": grids["lens_rank"][-1],
        "top": [*([] for _ in missing), *(words[k * width : (k + 1) * width] for k in range(len(tokens)))],
        "top_logprob": [*([] for _ in missing), *best.tolist()],
        "lens": grids["lens"] if lens else None,
        "lens_rank": grids["lens_rank"] if lens else None,
    }
