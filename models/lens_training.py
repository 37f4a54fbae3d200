"""Training a tuned lens: each layer's map (`models.translators`) learns to give the model's own final distribution.

The loss is KL(final layer ‖ layer k), nats per token; SGD with Nesterov momentum, clipped gradients, a rate that falls
to zero and a slight pull towards the identity (Belrose et al. 2023, arXiv 2303.08112, section 3 and appendix; their
package `tuned-lens` has the same form). Steps are smaller here than there: a lens is trained on one file of texts.
The final norm divides by a residual's size, so one rate serves models of any scale.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import kl_div
from torch.nn.utils import clip_grad_norm_

from ..errors import CheckpointError, CorpusError, UsageError
from ..fingerprint import code_fingerprint
from ..terms.reading.content import Content
from ..terms.reading.formats import format_of
from ..terms.reading.load import read_records
from ..terms.records import Faults
from .alignment import Encoder
from .architecture import Anatomy, final_logits
from .engines.hooks import HooksEngine
from .engines.protocol import Batch
from .translators import Translators, translate
from .unembedding import whole_rows

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from .checkpoint import Checkpoint

    Map = tuple[Float[Tensor, "width width"], Float[Tensor, "width"]]

HELD_OUT = 8192
"""Most tokens of the held-out part, which is at most a tenth of the file."""
EVALUATED = 8
"""Held-out windows that are read at a time."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast."""

    steps: int = 250
    tokens: int = 512
    """A step; as many as the model is wide, where that is more."""
    window: int = 256
    """Most tokens of one text that are read together."""
    rate: float = 1.0
    momentum: float = 0.9
    decay: float = 1e-3
    clip: float = 1.0
    """Largest norm of one layer's gradient."""


SCHEDULE = Schedule()


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Texts to train a lens on."""

    name: str
    hash: str
    """SHA-256 (hex) of the file."""
    texts: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> TrainingData:
        """Read a text, or the field `text` of the records of a file of any other form (`terms.reading`).

        Raises:
            UsageError: The file cannot be read.
            DomainError: A record has no text.
        """
        faults = Faults()
        try:
            content = path.read_bytes()
            form = format_of(path)
            if form is None or form.is_prose:
                texts: tuple[str, ...] = (Content(path).whole(),)
            else:
                texts = tuple(record.text("text") for record in read_records(path, faults))
        except CorpusError as error:
            raise UsageError(f"--lens-data {error}; give a text file or records with `text`") from error
        except OSError as error:
            why = error.strerror or error
            raise UsageError(f"--lens-data {path}: cannot be read ({why}); give a text file, .jsonl or lens") from error
        faults.raise_any()
        return cls(path.name, hashlib.sha256(content).hexdigest(), texts)


@dataclass(frozen=True, slots=True)
class Window:
    """Tokens of one text that are read together."""

    ids: list[int]
    first: int
    """The first place that is learned from: the very first draws all attention and is like no other."""

    @property
    def places(self) -> int:
        return len(self.ids) - self.first


def recipe(base: Checkpoint, data: TrainingData, seed: int, schedule: Schedule = SCHEDULE) -> dict[str, Any]:
    """Return all that decides a lens."""
    return {
        "code": code_fingerprint("models.lens_training", "models.checkpoint"),
        "base": base.content_key,
        "dtype": str(base.dtype),
        "quantization": base.quantization,
        "device": base.placement.device.type,
        "data": data.hash,
        "seed": seed,
        **asdict(schedule),
    }


def train(
    base: Checkpoint,
    data: TrainingData,
    *,
    seed: int = 0,
    schedule: Schedule = SCHEDULE,
    progress: Callable[[str, int, int], None] | None = None,
) -> Translators:
    """Trains the maps of every layer of `base` but the last; the same for one seed on one machine.

    The `record` of what it returns holds the losses of the held-out part, raw and tuned, nats per token of each map.
    Raises `UsageError` where there is too little to train or to train on, `CheckpointError` where a loss is not finite.
    """
    training, held_out = windows_of(base, data, seed, schedule)
    random = torch.Generator().manual_seed(seed)
    # The caller may not have meant to learn anything.
    with base.active(), torch.inference_mode(False), torch.enable_grad():
        parts = base.anatomy
        maps = [_identity(parts.width, parts.exit) for _ in parts.layers[:-1]]
        engine = HooksEngine()  # one, because it tries a model out once
        raw = _held_out_loss(engine, base, parts, held_out, maps)
        _descend(engine, base, parts, training, maps, schedule, random, progress)
        tuned = _held_out_loss(engine, base, parts, held_out, maps)
    if broken := [layer for layer, loss in enumerate(tuned) if not math.isfinite(loss)]:
        raise CheckpointError(
            f"{base.name}: the tuned lens has a loss of {tuned[broken[0]]} at layer {broken[0]}, expected finite nats; "
            "use --dtype float32, or --lens raw"
        )
    weights, biases = zip(*maps, strict=True)
    about = {
        "recipe": recipe(base, data, seed, schedule),
        "base": base.name,
        "data": data.name,
        "tokens": sum(window.places for window in training),
        "held_out_tokens": sum(window.places for window in held_out),
        "losses": {"raw": raw, "tuned": tuned},
    }
    return Translators(torch.stack(weights).detach(), torch.stack(biases).detach(), about)


def _identity(width: int, device: torch.device) -> Map:
    return (
        torch.zeros(width, width, device=device, requires_grad=True),
        torch.zeros(width, device=device, requires_grad=True),
    )


def _descend(
    engine: HooksEngine,
    base: Checkpoint,
    parts: Anatomy,
    training: Sequence[Window],
    maps: Sequence[Map],
    schedule: Schedule,
    random: torch.Generator,
    progress: Callable[[str, int, int], None] | None,
) -> None:
    """Trains `maps` in place."""
    rate = schedule.rate * (1 - schedule.momentum)  # momentum adds it up again
    tensors = [tensor for pair in maps for tensor in pair]
    optimiser = torch.optim.SGD(
        tensors, lr=rate, momentum=schedule.momentum, nesterov=True, weight_decay=schedule.decay
    )
    batches = _endless(training, _step_tokens(parts, schedule), random)
    for step, windows in enumerate(islice(batches, schedule.steps)):
        optimiser.param_groups[0]["lr"] = rate * (1 - step / schedule.steps)
        residuals = _residuals(engine, base, windows)
        for _, loss in _losses(parts, residuals, maps):
            (loss / residuals.shape[1]).backward()
        for pair in maps:
            clip_grad_norm_(pair, schedule.clip)
        optimiser.step()
        optimiser.zero_grad()
        if progress:
            progress("tuned lens", step + 1, schedule.steps)


def windows_of(
    base: Checkpoint, data: TrainingData, seed: int = 0, schedule: Schedule = SCHEDULE
) -> tuple[list[Window], list[Window]]:
    """Windows to train on, and those held out: of the texts, shuffled, as many as are read, and their last tenth.

    Raises `UsageError` where there is too little to train or to train on.
    """
    parts = base.anatomy
    if len(parts.layers) < 2:
        raise UsageError(f"{base.name}: has one layer, which a tuned lens leaves as it is; read it with --lens raw")
    most = schedule.steps * _step_tokens(parts, schedule) + HELD_OUT
    windows: list[Window] = []
    tokens, encoder, order = 0, Encoder(base.tokenizer), torch.Generator().manual_seed(seed)
    for index in torch.randperm(len(data.texts), generator=order).tolist():
        if tokens < most:
            text = encoder([data.texts[index]])[0]
            cut = _cut(text.ids, text.head, min(schedule.window, parts.context))
            windows += cut
            tokens += sum(window.places for window in cut)
    if tokens < parts.width or len(windows) < 2:
        raise UsageError(
            f"--lens-data {data.name}: holds {tokens} tokens to learn from, too few for a model that is {parts.width} "
            f"wide; give at least {parts.width}, better {100 * parts.width}"
        )
    reach = list(accumulate(window.places for window in reversed(windows)))
    count = max(1, min(len(windows) // 10, bisect_right(reach, HELD_OUT)))
    return windows[:-count], windows[-count:]


def _cut(ids: list[int], head: int, size: int) -> list[Window]:
    """A text's windows, which begin with the `head` tokens that the tokenizer puts before it."""
    step = size - head
    cut = [Window(ids[:head] + ids[begin : begin + step], max(1, head)) for begin in range(head, len(ids), step)]
    return [window for window in cut if window.places > 0]


def _step_tokens(parts: Anatomy, schedule: Schedule) -> int:
    return max(schedule.tokens, parts.width)


def _endless(windows: Sequence[Window], tokens: int, random: torch.Generator) -> Iterator[list[Window]]:
    """Batches of about `tokens`, every window once before any comes again."""
    batch: list[Window] = []
    while True:
        for index in torch.randperm(len(windows), generator=random).tolist():
            batch.append(windows[index])
            if sum(window.places for window in batch) >= tokens:
                yield batch
                batch = []


def _residuals(
    engine: HooksEngine, base: Checkpoint, windows: Sequence[Window]
) -> Float[Tensor, "layers places width"]:
    """Of every layer, at every place that is learned from."""
    ids = torch.zeros(len(windows), max(len(window.ids) for window in windows), dtype=torch.long)
    for row, window in enumerate(windows):
        ids[row, : len(window.ids)] = torch.tensor(window.ids)
    places = [(row, column) for row, w in enumerate(windows) for column in range(w.first, len(w.ids))]
    rows, columns = torch.tensor(places).unbind(1)
    alone = torch.arange(len(windows))
    tensors = (tensor.to(base.device) for tensor in (ids, rows, columns, alone, torch.zeros_like(alone)))
    # What inference mode made cannot be learned from; a copy can.
    return engine.residuals(base, Batch(*tensors), range(len(base.anatomy.layers))).clone()


def _losses(
    parts: Anatomy, residuals: Float[Tensor, "layers places width"], maps: Sequence[Map]
) -> Iterator[tuple[int, Float[Tensor, ""]]]:
    """(layer, KL summed over places), chunk by chunk: of logits, one chunk of one layer is held at a time."""
    for rows in residuals.split(whole_rows(parts, residuals.device), dim=1):
        with torch.no_grad():
            wanted = final_logits(parts, rows[-1]).log_softmax(-1)
        for layer, (weight, bias) in enumerate(maps):
            found = final_logits(parts, translate(rows[layer], weight, bias)).log_softmax(-1)
            yield layer, kl_div(found, wanted, log_target=True, reduction="sum")


@torch.no_grad()
def _held_out_loss(
    engine: HooksEngine, base: Checkpoint, parts: Anatomy, windows: Sequence[Window], maps: Sequence[Map]
) -> list[float]:
    """Mean KL of each map, nats per token."""
    total, places = [0.0] * len(maps), 0
    for begin in range(0, len(windows), EVALUATED):
        residuals = _residuals(engine, base, windows[begin : begin + EVALUATED])
        places += residuals.shape[1]
        for layer, loss in _losses(parts, residuals, maps):
            total[layer] += float(loss)
    return [loss / places for loss in total]
