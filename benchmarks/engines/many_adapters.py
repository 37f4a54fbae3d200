"""N adapters on one base: what N + 1 models cost, against N + 1 times the base alone, and the weights in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from contenders import Opened, ours
from knowshift.models.checkpoint import Checkpoint
from knowshift.models.sharing import clone_sharing_weights
from knowshift.models.sources import quiet
from material import Shape, open_model, texts
from settings import Settings, say
from timing import clock, ratios, rounds, spread

COUNTS = (1, 4, 16)
RANK = 8
MODULES = ["q_proj", "v_proj"]


def measure(shape: Shape, folder: Path, settings: Settings) -> dict[str, Any]:
    """Time and weights for 1, 4 and 16 LoRA adapters; every layer read, 6.5 % of tokens targets."""
    counts = COUNTS[:2] if settings.quick else COUNTS
    base = open_model(folder, settings.device, settings.dtype)
    whole = _held([base])
    models = [base]
    for seed in range(counts[-1]):
        place = _write(base, folder.parent / f"{folder.name}-lora-{seed}", seed)
        models.append(Checkpoint.find(place, base=base).load())
    work = texts(shape, 0.065, base.device)

    def call(checkpoint: Checkpoint) -> float:
        run = ours(lens=True)(Opened(checkpoint, folder, settings.threads))
        return clock(lambda: run(work), settings.device)

    calls = {str(index): (lambda checkpoint=checkpoint: call(checkpoint)) for index, checkpoint in enumerate(models)}
    rounds(calls, 1)
    seconds = rounds(calls, settings.rounds)
    rows = []
    for count in counts:
        took = [sum(seconds[str(index)][turn] for index in range(count + 1)) for turn in range(settings.rounds)]
        passes = [(count + 1) * seconds["0"][turn] for turn in range(settings.rounds)]
        held = _held(models[: count + 1])
        own = sum(checkpoint.nbytes for checkpoint in models[1 : count + 1])
        rows.append(
            {
                "adapters": count,
                "seconds": spread(took),
                "ratio": ratios(took, passes),
                "weights": held / whole,
                "copies": (held - own) / whole,
            }
        )
        say(
            f"  {count} adapters: {rows[-1]['ratio']['median']:.2f} × {count + 1} passes, "
            f"{rows[-1]['copies']:.3f} copies of the weights"
        )
    return {"model": shape.label, "rank": RANK, "modules": MODULES, "rows": rows}


def _write(base: Checkpoint, place: Path, seed: int) -> Path:
    """A LoRA on the base whose every tensor is drawn at random."""
    from peft import LoraConfig, get_peft_model

    options = {"r": RANK, "target_modules": MODULES, "task_type": "CAUSAL_LM"}
    with torch.random.fork_rng(), torch.no_grad(), quiet():
        torch.manual_seed(seed)
        tuned = get_peft_model(clone_sharing_weights(base.model), LoraConfig(**options))
        for name, weight in tuned.named_parameters():
            if "lora_" in name:
                weight.normal_(std=0.02)
        tuned.save_pretrained(place)
    return place


def _held(models: list[Checkpoint]) -> int:
    """Bytes of all tensors of the models, what they share counted once."""
    storages = {}
    for checkpoint in models:
        for tensor in (*checkpoint.model.parameters(), *checkpoint.model.buffers()):
            storage = tensor.untyped_storage()
            storages[storage.data_ptr()] = storage.nbytes()
    return sum(storages.values())
