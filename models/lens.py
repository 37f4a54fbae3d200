"""One text through the logit lens of several models: tokens × layers. Read by the command `probe lens`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ..errors import UsageError
from .alignment import Encoder
from .architecture import final_logits
from .checkpoint import Checkpoint
from .engines.hooks import HooksEngine
from .engines.protocol import Batch
from .template import Template


@torch.inference_mode()
def read_lens(
    base: str | Path,
    tuned: Sequence[str | Path],
    text: str,
    *,
    device: str = "auto",
    dtype: str = "auto",
    template: str = "none",
    config: Path | None = None,
) -> dict[str, Any]:
    """Log-probability (nats), zero-based rank and top token at every layer for every token of `text`.

    Returns plain lists: `tokens`, `layers` (from 1), and for each model `logprob`, `rank`, `top` as
    [layers][tokens]. A token that no model predicts (the very first) holds None. Raises `CheckpointError`,
    `UsageError`.
    """
    if not text.strip():
        raise UsageError("--text is empty; give a text to read")
    form = Template.parse(template)
    root = Checkpoint.open(base, config=config, device=device, dtype=dtype)
    opened = [root, *(Checkpoint.open(spec, base=root, device=device, dtype=dtype) for spec in tuned)]
    shown: list[str] | None = None
    models = []
    for checkpoint in opened:
        tokens, reading = _read(checkpoint, text, form)
        if shown is not None and tokens != shown:
            raise UsageError(f"{checkpoint.name}: cuts the text into other tokens than {root.name}; compare one by one")
        shown = tokens
        models.append({"name": checkpoint.name, **reading})
    layers = list(range(1, len(root.anatomy.layers) + 1))
    return {"text": text, "tokens": shown, "layers": layers, "models": models, "template": form.label}


def _read(checkpoint: Checkpoint, text: str, template: Template) -> tuple[list[str], dict[str, Any]]:
    encoded = Encoder(checkpoint.tokenizer, template)([text])[0]
    if len(encoded.ids) > checkpoint.anatomy.context:
        raise UsageError(
            f"--text has {len(encoded.ids)} tokens, {checkpoint.name} reads {checkpoint.anatomy.context}; shorten it"
        )
    first = max(encoded.head, 1)
    ids = torch.tensor([encoded.ids], device=checkpoint.device)
    column = torch.arange(first - 1, len(encoded.ids) - 1, device=checkpoint.device)
    alone = torch.zeros_like(ids[:, 0])
    batch, target = Batch(ids, torch.zeros_like(column), column, alone, alone), ids[0, first:, None]
    # What no model predicts is shown empty.
    missing: list[Any] = [None] * (first - encoded.head)
    out: dict[str, list[list[Any]]] = {"logprob": [], "rank": [], "top": []}
    with checkpoint.active():
        layers = range(len(checkpoint.anatomy.layers))
        for residual in HooksEngine().residuals(checkpoint, batch, list(layers)):
            logits = final_logits(checkpoint.anatomy, residual)
            chosen = logits.gather(1, target)
            out["logprob"].append([*missing, *(chosen[:, 0] - logits.logsumexp(1)).tolist()])
            out["rank"].append([*missing, *(logits > chosen).sum(1).tolist()])
            out["top"].append([*(["" for _ in missing]), *checkpoint.tokenizer.batch_decode(logits.argmax(1)[:, None])])
    tokens = [str(checkpoint.tokenizer.decode([token])) for token in encoded.ids[encoded.head :]]
    return tokens, out
