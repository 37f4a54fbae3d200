"""What a comparison would load, read and take; nothing is run, no weight is read. The option `--plan`.

Time is the multiply-adds that cannot be avoided, over a rate of matrix products measured here for a fraction of a
second; memory is counted from shapes. Both are estimates: they say whether to start now, tonight, or elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...models.engines.select import DEFAULT
from ...models.table import TEMPERATURES
from ...progress import Progress
from . import cache
from .base_only import known_before
from .forecast_parts import Afterwards, afterwards
from .plan import ComparisonPlan, Note, plan_comparison
from .scores import score_store
from .settings import Settings, settings_from

if TYPE_CHECKING:
    from ...models.checkpoint import Checkpoint
    from ...models.placement import Placement
    from ...models.scoring import ScoringPlan

PROBE_SECONDS = 0.5
ROWS = 1024
"""Of the matrix product that is timed."""
ABOVE = 1.25
"""Time over that of the multiply-adds alone: attention, norms, batches that do not fill the machine."""
A_LOGIT = 500.0
"""Operations in whose time a logit's share of softmax and rank is done; measured on a CPU with widths 128 and 768."""
LAYER_CALL = 4e-4
"""Seconds that a layer takes, however few tokens there are."""
COLUMNS = ("model", "kind", "held as", "scored before", "memory", "parameters", "sequences", "tokens")


@dataclass(frozen=True, slots=True)
class ModelForecast:
    """One model of the comparison."""

    name: str
    kind: str
    """`base`, an adapter's method, or `full`."""
    parameters: int
    """For an adapter, those that it adds to its base."""
    dtype: str
    quantization: str
    bytes: int
    """In memory."""
    sequences: int
    tokens: int
    """To be read for all its items, padding included."""
    held: str
    """Where its scores are already: `run`, `cache`, `in part`; empty where they are to be computed."""
    left: int
    """Tokens still to be read."""
    operations: float
    """Multiply-adds, twice, that these take."""
    seconds: float | None
    """None where a service runs it."""

    def row(self) -> tuple[str, ...]:
        """Its line, under `COLUMNS`."""
        form = self.dtype if self.quantization == "none" else self.quantization
        before = {"": "no", "in part": "in part"}.get(self.held, f"in the {self.held}")
        counts = f"{self.parameters:,}", f"{self.sequences:,}", f"{self.tokens:,}"
        return self.name, self.kind, form, before, cache.shown_size(self.bytes), *counts


@dataclass(frozen=True, slots=True)
class Forecast:
    """What `--plan` prints."""

    items: int
    dropped: int
    """Items whose span finds no tokens."""
    models: list[ModelForecast]
    device: str
    engine: str
    rate: float | None
    """Floating-point operations a second, as measured here; None where a service runs the models."""
    notes: list[str]
    memory: int
    """Bytes at the peak, weights and what is computed from them; the program's own half GiB left out."""
    free: int
    """Bytes that are free now where the models would lie."""
    after: Afterwards | None = None
    """What follows the scores; None where a service runs the models."""

    @property
    def passes(self) -> int:
        """Models that run over the items: at most one pass for the base and one for each tuned model."""
        return sum(model.left > 0 for model in self.models)

    @property
    def seconds(self) -> float | None:
        """In all; None where a service runs the models."""
        scores = self.score_seconds
        return None if scores is None or self.after is None else scores + self.after.total

    @property
    def score_seconds(self) -> float | None:
        """For the scores alone."""
        every = [model.seconds for model in self.models if model.seconds is not None]
        return sum(every) if len(every) == len(self.models) else None

    @property
    def tokens(self) -> int:
        """That are still to be read."""
        return sum(model.left for model in self.models)

    def json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "passes": self.passes,
            "tokens": self.tokens,
            "seconds": self.seconds,
            "score_seconds": self.score_seconds,
        }

    def lines(self) -> list[str]:
        """For a terminal."""
        dropped = f", of which {self.dropped:,} are dropped" if self.dropped else ""
        need, free = cache.shown_size(self.memory), cache.shown_size(self.free)
        return [
            *_table([COLUMNS, *(model.row() for model in self.models)]),
            f"items: {self.items:,}{dropped}",
            f"passes: {self.passes} of {len(self.models)}, {self.tokens:,} tokens, with {self.engine} on {self.device}",
            f"time: {self._expected()}",
            f"memory: about {need} at the peak, {free} free{'' if self.memory <= self.free else ': too little'}",
            *self.notes,
        ]

    def _expected(self) -> str:
        if self.seconds is None or self.rate is None:
            return "depends on the service that runs the models (--remote)"
        rate = f"at {self.rate / 1e9:,.0f} GFLOP/s, as a matrix product runs here now"
        if self.after is None or self.score_seconds is None:
            return f"about {_time(self.seconds)} for the scores, {rate}"
        parts = {
            "scores": self.score_seconds,
            "passages": self.after.passages,
            "statistics": self.after.statistics,
            "page": self.after.page,
        }
        shown = ", ".join(f"{name} {_time(seconds)}" for name, seconds in parts.items() if seconds)
        return f"about {_time(self.seconds)} ({shown}), {rate}"


def forecast(
    base: str | Path,
    tuned: Sequence[str | Path] | str | Path,
    settings: Settings | None = None,
    *,
    note: Note | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Forecast:
    """What `compare` with the same arguments would do. Raises what it would raise before its first forward pass."""
    settings = settings_from(settings, options)
    specs = [tuned] if isinstance(tuned, str | Path) else list(tuned)
    ready = plan_comparison(base, specs, settings, note or (lambda line: None), progress)
    out = ready.out()
    rate = None if settings.remote else _rate(ready.base)
    every = ready.models
    plan = ready.plans[""]
    notes = ["a tuned lens is trained first, which is not counted here"] if ready.lens.kind == "tuned" else []
    if (full := _alone(ready)) and not settings.remote:
        shared = " and one adapter at a time" if len(full) < len(ready.models) - 1 else ""
        notes.append(f"in memory: the base{shared}; then, one after the other and each alone: {', '.join(full)}")
    notes += known_before(ready)
    return Forecast(
        items=len(ready.items),
        dropped=len(plan.aligned.dropped),
        models=[_model(ready, name, checkpoint, out, rate) for name, checkpoint in every.items()],
        device=str(ready.base.placement.device),
        engine=ready.engine.name,
        rate=rate,
        notes=notes,
        memory=_memory(ready),
        free=_free(ready.base.placement),
        after=None if rate is None else afterwards(ready, rate, LAYER_CALL),
    )


def _model(ready: ComparisonPlan, name: str, checkpoint: Checkpoint, out: Path, rate: float | None) -> ModelForecast:
    plan, key = ready.plans[name], ready.keys[name]
    shards = score_store(out, ready.file(name), key).held_shards()
    held = "run" if shards is None else "cache" if cache.holds(key) else "in part" if shards else ""
    left = set() if held in ("run", "cache") else set(range(plan.shards)).difference(shards or ())
    sequences = plan.aligned.sequences
    work = np.array(
        [sum(sequences[index].length for batch in shard for index in batch) for shard in plan.batches.shards]
    )
    share = float(work[sorted(left)].sum() / work.sum()) if left else 0.0
    # Other engines read every row in full, the tokens that rows share too.
    tokens = plan.batches.tokens if ready.engine.name == DEFAULT else sum(sequence.length for sequence in sequences)
    anatomy = checkpoint.anatomy
    layers = 1 if name in ready.unread or not ready.lens.layers else len(ready.lens.layers)
    # Every weight of the layers at every token, and the head at each place, once for each layer that is read.
    inside = sum(weight.numel() for weight in anatomy.layers.parameters())
    logits = _places(plan) * layers * anatomy.vocabulary
    operations = share * 2.0 * (tokens * inside + logits * anatomy.width)
    tempered = share * (logits + _places(plan) * (len(TEMPERATURES) - 1) * anatomy.vocabulary)
    calls = share * sum(map(len, plan.batches.shards)) * len(anatomy.layers)
    return ModelForecast(
        name=name or checkpoint.name,
        kind=checkpoint.method or checkpoint.kind,
        parameters=checkpoint.parameters,
        dtype=str(checkpoint.dtype).removeprefix("torch."),
        quantization=checkpoint.quantization,
        bytes=checkpoint.nbytes,
        sequences=len(sequences),
        tokens=tokens,
        held=held,
        left=round(share * tokens),
        operations=operations,
        seconds=None if rate is None else (ABOVE * operations + A_LOGIT * tempered) / rate + LAYER_CALL * calls,
    )


def _places(plan: ScoringPlan) -> int:
    """Positions at which something is predicted; the candidates of a cue share those whose tokens they share."""
    count = 0
    begin: Sequence[int] = (-1,)
    seen: set[tuple[int, ...]] = set()
    for sequence in plan.aligned.sequences:
        shared = sequence.shared
        if not shared or sequence.ids[:shared] != begin:
            begin, seen = sequence.ids[:shared], set()
        for place in sequence.targets:
            ends = range(place.first, place.last)
            read = {tuple(sequence.ids[shared:end]) if shared else (end,) for end in ends}
            count += len(read - seen)
            seen |= read
    return count


def _rate(checkpoint: Checkpoint) -> float:
    """Floating-point operations a second of a matrix product of the model's width, in its dtype, on its device."""
    import torch

    width = checkpoint.anatomy.width
    device, dtype = checkpoint.placement.device, checkpoint.dtype
    rows = torch.ones(ROWS, width, device=device, dtype=dtype)
    weight = torch.ones(width, 4 * width, device=device, dtype=dtype)

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    rows @ weight  # the first call prepares
    wait()
    begin, runs = time.perf_counter(), 0
    while time.perf_counter() - begin < PROBE_SECONDS:
        rows @ weight
        wait()
        runs += 1
    return 2.0 * ROWS * width * 4 * width * runs / (time.perf_counter() - begin)


def _memory(ready: ComparisonPlan) -> int:
    """The largest of what is in memory at a time: the base and one adapter, or one full fine-tune."""
    together = [ready.base.nbytes + max((c.nbytes for c in ready.tuned.values() if c.base is ready.base), default=0)]
    together += [ready.models[name].nbytes for name in _alone(ready)]
    return max(together) + max(
        _worked_with(checkpoint, ready.plans[name], len(ready.lens.layers)) for name, checkpoint in ready.models.items()
    )


def _alone(ready: ComparisonPlan) -> list[str]:
    """Full fine-tunes and rounded bases, which are read when the base has been let go."""
    return [name for name, checkpoint in ready.models.items() if name and checkpoint.base is not ready.base]


def _worked_with(checkpoint: Checkpoint, plan: ScoringPlan, layers: int) -> int:
    """Bytes beside the weights: of a batch's inner layers, or of the logits that `own_logprobs` has of one sequence."""
    from ...models.plan import BATCH_TOKENS
    from ...models.unembedding import held_bytes
    from .validity import picks, predicting, probed_sequences

    anatomy, size = checkpoint.anatomy, checkpoint.dtype.itemsize
    inner: int = getattr(anatomy.config, "intermediate_size", None) or 4 * anatomy.width
    longest = max((sequence.length for sequence in plan.aligned.sequences), default=0)
    batch = max(BATCH_TOKENS, longest) * (10 * anatomy.width + 4 * inner) * size
    places = max(
        (
            sum(t.last - t.first for i in batch for t in plan.aligned.sequences[i].targets)
            for shard in plan.batches.shards
            for batch in shard
        ),
        default=0,
    )
    kept = places * max(1, layers) * anatomy.width * size * 2
    readout = held_bytes(anatomy, checkpoint.placement.device)
    few, probed = picks(checkpoint), probed_sequences(plan)
    rows = max((len(predicting(each)) if few else len(each.ids) for each in probed), default=0)
    return max(batch, kept + readout, rows * anatomy.vocabulary * (size + 4)) + kept


def _free(placement: Placement) -> int:
    import torch

    device = placement.device
    if device.type == "cuda" and placement.device_map == "none":
        return int(torch.cuda.mem_get_info(device)[0])
    import psutil

    # accelerate fills every GPU, then the CPU.
    devices = range(torch.cuda.device_count() if placement.device_map == "auto" else 0)
    return sum(int(torch.cuda.mem_get_info(each)[0]) for each in devices) + int(psutil.virtual_memory().available)


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Words to the left, figures to the right."""
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = ["<" if at < COLUMNS.index("memory") else ">" for at in range(len(wide))]
    return [
        "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, wide, strict=True)).rstrip()
        for row in rows
    ]


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
