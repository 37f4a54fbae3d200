"""Facts of nine candidates: a cue read once for all of them, against each candidate as a sequence of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import material
import numpy as np
import torch
from contenders import Contender, Opened, Run, ours, rival
from material import Shape, Work, open_model
from rivals import Rival, close
from settings import Settings, say
from timing import clock, ratios, rounds, spread

COUNT = 8
"""Facts in a call."""
HARNESS = Contender("lm-eval, `loglikelihood` of each candidate", rival("lm_eval", "targets"), needs="lm_eval")


def measure(shape: Shape, folder: Path, settings: Settings) -> dict[str, Any]:
    """Seconds for each way, and how often the cue read once goes into the time of the other ways."""
    checkpoint = open_model(folder, settings.device, settings.dtype)
    opened = Opened(checkpoint, folder, settings.threads)
    count = 2 if settings.quick else COUNT
    works = {together: material.facts(shape, count, checkpoint.device, together=together) for together in (True, False)}
    ways: dict[str, tuple[Run, Work]] = {
        f"{how}, {what}": (ours(lens)(opened), works[together])
        for lens, what in ((False, "no lens"), (True, "every layer"))
        for together, how in ((True, "cue once"), (False, "a sequence a candidate"))
    }
    if not HARNESS.missing:
        ways[HARNESS.name] = HARNESS.open(opened), works[False]
    apart = {what: _apart(ways, what) for what in ("no lens", "every layer")}

    def call(name: str) -> float:
        run, work = ways[name]
        seconds = clock(lambda: run(work), settings.device)
        seconds = run.seconds if isinstance(run, Rival) else seconds
        say(f"  {seconds:8.3f} s  {name}")
        return seconds

    seconds = rounds({name: lambda name=name: call(name) for name in ways}, settings.rounds)
    rows = []
    for name, took in seconds.items():
        once = seconds["cue once, every layer" if name.endswith("every layer") else "cue once, no lens"]
        rows.append({"name": name, "ratio": ratios(took, once), "seconds": spread(took), "rounds": took})
    close()
    tokens = sum(sequence.length for sequence in works[False].sequences)
    return {
        "model": shape.label,
        "facts": count,
        "tokens": tokens,
        "missing": HARNESS.missing,
        "rows": rows,
        "apart": apart,
    }


def _apart(ways: dict[str, tuple[Run, Work]], what: str) -> float:
    """The most that the two ways differ, nats; each has a target a row, in an order of its own."""
    found = []
    with torch.inference_mode():
        for how in ("cue once", "a sequence a candidate"):
            run, work = ways[f"{how}, {what}"]
            values = run(work)
            assert values is not None
            keys = [(target.item, target.role) for _, _, target in work.spans()]
            found.append(values[:, sorted(range(len(keys)), key=keys.__getitem__)])
    return float(np.abs(found[0] - found[1]).max())
