"""Every contender on the same batches of one model: time, the bound, and peak memory in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from alone import alone
from bound import Machine, products
from contenders import CONTENDERS, FULL, PLAIN, Contender, Opened, Run
from knowshift.models.checkpoint import Checkpoint
from material import Shape, Work, open_model, texts
from resident import peak
from rivals import Rival, close
from settings import Settings, say
from timing import clock, ratios, rounds, spread

TRIAL = {"rows": 2, "tokens": 24}
"""What every contender reads first, unmeasured, and must agree on."""
TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.5, torch.float16: 0.1}
"""Nats, of a target's sum."""


def measure(
    shape: Shape, folder: Path, settings: Settings, contenders: Sequence[Contender] = CONTENDERS
) -> dict[str, Any]:
    """The table of the model of `shape` in `folder`."""
    checkpoint = open_model(folder, settings.device, settings.dtype)
    opened = Opened(checkpoint, folder, settings.threads)
    here = [contender for contender in contenders if not contender.missing]
    runs = {contender.name: contender.open(opened) for contender in here}
    apart = agreement(shape, {contender.name: runs[contender.name] for contender in here}, checkpoint)
    works = {share: texts(shape, share, checkpoint.device) for share in {contender.share for contender in here}}
    layers = {"layers": len(checkpoint.anatomy.layers), "last": 1, "none": 0}
    least = {each.name: products(checkpoint.anatomy, works[each.share], layers[each.reads]) for each in here}
    machine = Machine(checkpoint.device, checkpoint.dtype)
    matrices = {product.shape for wanted in least.values() for product in wanted}

    def timed(contender: Contender) -> Callable[[], float]:
        run, work = runs[contender.name], works[contender.share]

        def once() -> float:
            seconds = clock(lambda: run(work), settings.device)
            seconds = run.seconds if isinstance(run, Rival) else seconds
            say(f"  {seconds:8.3f} s  {contender.name}")
            return seconds

        return once

    calls = {contender.name: timed(contender) for contender in here}
    if settings.device == "cuda":  # kernels are chosen and memory is taken at the first call
        rounds(calls, 1)
    seconds = rounds({**calls, "": lambda: clock(lambda: machine.measure(matrices), settings.device)}, settings.rounds)
    rows = [{"name": contender.name, "missing": contender.missing} for contender in contenders]
    for row, contender in zip(rows, contenders, strict=True):
        if contender.missing:
            continue
        took = seconds[contender.name]
        row |= {"ratio": ratios(took, seconds[PLAIN.name]), "seconds": spread(took), "rounds": took}
        bounds = [machine.seconds(least[contender.name], each) for each in range(settings.rounds)]
        row |= {"bound": machine.seconds(least[contender.name]), "bound_ratio": ratios(took, bounds)}
        row |= {"apart": apart.get(contender.name)}
    close()
    work = works[PLAIN.share]
    about = {
        "model": shape.label,
        "shape": str(shape),
        "batches": [list(batch.ids.shape) for batch, _ in work.batches],
        "weights": sum(weight.nbytes for weight in checkpoint.model.parameters()),
        "rate": machine.rate(),
    }
    del opened, checkpoint, runs, calls, machine, works, work  # memory for the others
    for row in rows:
        if not row["missing"]:
            row["peak"] = alone(settings, peak_of, row["name"], shape, folder, settings)
            say(f"  {row['peak'] / 1e6:8.0f} MB  {row['name']}")
    return {**about, "rows": rows}


def agreement(shape: Shape, runs: dict[str, Run], checkpoint: Checkpoint) -> dict[str, float]:
    """How far each contender's numbers are from full reading's, nats. Ends where one is fast by being wrong."""
    work = trial(shape, checkpoint.device)
    with torch.inference_mode():
        found = {name: run(work) for name, run in runs.items()}
    full = found[FULL.name]
    assert full is not None
    apart = {name: float(np.abs(each - full[-len(each) :]).max()) for name, each in found.items() if each is not None}
    for name, distance in apart.items():
        if not distance <= TOLERANCE[checkpoint.dtype]:
            raise SystemExit(f"{name}: its log-probabilities are up to {distance:.2g} nats from full reading's")
    return apart


def peak_of(name: str, shape: Shape, folder: Path, settings: Settings) -> int:
    """Bytes above the weights that opening the contender of that name and one call take."""
    contender = next(each for each in CONTENDERS if each.name == name)
    opened = Opened(open_model(folder, settings.device, settings.dtype), folder, settings.threads)
    work = texts(shape, contender.share, opened.checkpoint.device)
    # What is taken once (imports, kernels) is there before.
    run = contender.open(opened)
    run(trial(shape, opened.checkpoint.device))
    if isinstance(run, Rival):
        run(work)
        close()
        return run.peak
    return peak(lambda: contender.open(opened)(work), opened.device)


def trial(shape: Shape, device: torch.device) -> Work:
    return texts(replace(shape, **TRIAL), 0.2, device)
