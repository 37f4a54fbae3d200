"""What the cost grows with: items (through all of `models.scoring`), layers and vocabulary."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from alone import alone
from contenders import LENS, PLAIN, Opened
from knowshift.models.scoring import plan_scoring, score_shards
from knowshift.terms.items import Item
from material import Shape, make_model, open_model, texts, words
from resident import peak
from settings import Settings, say
from side_by_side import peak_of
from timing import clock, ratios, rounds, spread

ITEMS = (100, 1000, 10_000)
ITEM_SHAPE = Shape(4, 128, 4, 4000, 1, 48)
SHAPE = Shape(4, 256, 4, 8000, 8, 128)
LAYERS = (2, 4, 8, 16)
VOCABULARIES = (8000, 32_000, 128_000)


def items(place: Path, settings: Settings) -> dict[str, Any]:
    """Seconds and peak memory for 10², 10³ and 10⁴ items, each count in a process of its own."""
    folder = make_model(ITEM_SHAPE, place / "items", settings.dtype)
    rows = []
    for count in (20, 200) if settings.quick else ITEMS:
        rows.append({"items": count, **alone(settings, score_items, count, folder, settings)})
        say(f"  {count} items: {rows[-1]['seconds']:.2f} s, {rows[-1]['peak'] / 1e6:.0f} MB")
    return {"model": ITEM_SHAPE.label, "tokens": ITEM_SHAPE.tokens, "rows": rows}


def score_items(count: int, folder: Path, settings: Settings) -> dict[str, Any]:
    """Seconds, and bytes above what was held before, from items to the last shard's table; tables are let go."""
    checkpoint = open_model(folder, settings.device, settings.dtype)
    warm = _items(10)
    for _ in score_shards(plan_scoring(warm, checkpoint), checkpoint):
        pass
    wanted = _items(count)
    seconds = 0.0

    def work() -> None:
        nonlocal seconds
        begin = time.perf_counter()
        found = sum(len(table) for _, table in score_shards(plan_scoring(wanted, checkpoint), checkpoint))
        seconds = time.perf_counter() - begin
        assert found == count

    held = peak(work, checkpoint.device.type)
    return {"seconds": seconds, "peak": held}


def _items(count: int) -> list[Item]:
    work = texts(replace(ITEM_SHAPE, rows=count), 0.02, torch.device("cpu"), seed=2)
    out = []
    for number, sequence in enumerate(work.sequences):
        text = words(sequence.ids)
        target = sequence.targets[-1]
        start = len(words(sequence.ids[: target.first])) + 1
        out.append(
            Item(
                f"term:{number}:{start}",
                "term",
                ("own",),
                str(number),
                "",
                text=text,
                document=str(number),
                start=start,
                end=start + len(words(sequence.ids[target.first : target.last])),
            )
        )
    return out


def layers(place: Path, settings: Settings) -> dict[str, Any]:
    return _grown(place, settings, [replace(SHAPE, layers=count) for count in LAYERS], "layers")


def vocabulary(place: Path, settings: Settings) -> dict[str, Any]:
    return _grown(place, settings, [replace(SHAPE, vocabulary=size) for size in VOCABULARIES], "vocabulary")


def _grown(place: Path, settings: Settings, shapes: list[Shape], what: str) -> dict[str, Any]:
    """The lens at every layer and plain `model(ids)` on each shape, in turn."""
    if settings.quick:
        shapes = [replace(shape, width=64, rows=2, tokens=32) for shape in shapes[:2]]
    calls: dict[str, Callable[[], float]] = {}
    folders = {shape: make_model(shape, place / f"{what}-{getattr(shape, what)}", settings.dtype) for shape in shapes}
    for shape, folder in folders.items():
        opened = Opened(open_model(folder, settings.device, settings.dtype), folder, settings.threads)
        work = texts(shape, LENS.share, opened.checkpoint.device)
        for contender in (PLAIN, LENS):
            run = contender.open(opened)
            calls[f"{shape} {contender.name}"] = lambda run=run, work=work: clock(lambda: run(work), settings.device)
    rounds(calls, 1)
    seconds = rounds(calls, settings.rounds)
    rows = []
    for shape, folder in folders.items():
        took, plain = (seconds[f"{shape} {contender.name}"] for contender in (LENS, PLAIN))
        row = {what: getattr(shape, what), "seconds": spread(took), "ratio": ratios(took, plain), "rounds": took}
        rows.append({**row, "peak": alone(settings, peak_of, LENS.name, shape, folder, settings)})
        say(f"  {rows[-1][what]} {what}: {rows[-1]['ratio']['median']:.2f}, {rows[-1]['peak'] / 1e6:.0f} MB")
    return {"model": SHAPE.label if not settings.quick else shapes[0].label, "rows": rows}
