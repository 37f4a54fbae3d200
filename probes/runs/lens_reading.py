"""One text through the logit lens of several models: tokens × layers. Read by the command `probe lens`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...errors import UsageError
from ...models.alignment import Encoder
from ...models.checkpoint import Checkpoint
from ...models.engines.protocol import Engine
from ...models.engines.select import finder, open_engine
from ...models.layers import Lens, choose_layers, misfit
from ...models.options import ReadingSettings, forms_of
from ...models.reading import read_layers
from ...models.template import Template
from ...models.translators import Translators
from ...options import make_settings
from ..results.lens import LensReading, LensRecord, ModelReading
from .naming import names_of


def read_lens(
    base: str | Path,
    tuned: Sequence[str | Path],
    text: str,
    settings: ReadingSettings | None = None,
    *,
    translators: Callable[[Checkpoint], Translators] | None = None,
    note: Callable[[str], None] | None = None,
    **options: Any,
) -> LensReading:
    """Return log-probability (nats), zero-based rank and top token at the chosen layers for every token of `text`.

    Args:
        base: The base model, in any form that `Checkpoint.find` takes.
        tuned: The models to read beside it.
        text: One text; a token that no model predicts (the very first) holds None.
        settings: The options of `probe lens`, whole; or by name, as the fields of `ReadingSettings`.
        translators: Gives the maps of a tuned lens for the opened base; without it the lens is raw.
        note: Is called with lines that a person should read.

    Raises:
        CheckpointError: A model cannot be opened.
        EngineError: The engine cannot serve a model.
        UsageError: An option or the text cannot be taken, or the models cannot be shown layer by layer.
    """
    if not text.strip():
        raise UsageError("--text is empty; give a text to read")
    settings = make_settings(ReadingSettings, settings, options)
    form = Template.parse(settings.template)
    reader = open_engine(settings.engine, remote=settings.remote)
    find = finder(settings.remote)
    names = names_of([str(spec) for spec in tuned])
    forms = forms_of(settings.forms, names_of([str(base)])[0], names)
    root = find(base, config=settings.config, form=forms[""], **settings.loading)
    opened = [
        root,
        *(find(spec, base=root, form=forms[name], **settings.loading) for name, spec in zip(names, tuned, strict=True)),
    ]
    on_message = note or (lambda line: None)
    for checkpoint in opened:
        for line in checkpoint.notes:
            on_message(f"{checkpoint.name}: {line}")
    chosen = choose_layers(settings.layers, len(root.anatomy.layers), root.name)
    for checkpoint in opened[1:]:
        if why := misfit(root.anatomy, checkpoint.anatomy, translators is not None):
            raise UsageError(f"{checkpoint.name}: {why}; they cannot be shown layer by layer; show each alone")
    read: dict[int, tuple[list[str], ModelReading]] = {}
    with root.active():
        lens = Lens(chosen, translators(root) if translators else None)
        for place, checkpoint in enumerate(opened):
            if checkpoint is root or checkpoint.base is root:
                read[place] = _read(checkpoint, text, form, reader, lens)
    for place, checkpoint in enumerate(opened):  # full fine-tunes, in memory one at a time
        if place not in read:
            read[place] = _read(checkpoint, text, form, reader, lens)
    tokens = read[0][0]
    for place, checkpoint in enumerate(opened):
        if read[place][0] != tokens:
            raise UsageError(f"{checkpoint.name}: cuts the text into other tokens than {root.name}; compare one by one")
    return LensReading(
        text=text,
        tokens=tokens,
        layers=list(chosen),
        models=[read[place][1] for place in range(len(opened))],
        template=form.label,
        lens=LensRecord(kind="tuned", **lens.translators.record) if lens.translators else LensRecord(kind="raw"),
    )


def _read(
    checkpoint: Checkpoint, text: str, template: Template, engine: Engine, lens: Lens
) -> tuple[list[str], ModelReading]:
    """Return the text's tokens and one model's reading of them."""
    encoded = Encoder(checkpoint.tokenizer, template)([text])[0]
    if len(encoded.ids) > checkpoint.anatomy.context:
        raise UsageError(
            f"--text has {len(encoded.ids)} tokens, {checkpoint.name} reads {checkpoint.anatomy.context}; shorten it"
        )
    first = max(encoded.head, 1)
    if first >= len(encoded.ids):
        what = "is one token, which no model predicts" if len(encoded.ids) > encoded.head else "holds no token"
        raise UsageError(f"--text {what}, as {checkpoint.name} cuts it; give a longer one")
    columns = range(first - 1, len(encoded.ids) - 1)
    missing = [None] * (first - encoded.head)
    """What no model predicts is shown empty."""
    logprobs: list[list[float | None]] = []
    ranks: list[list[int | None]] = []
    top: list[list[str]] = []
    with checkpoint.active():
        for logits, logprob, rank in read_layers(checkpoint, encoded.ids, columns, engine, lens):
            logprobs.append([*missing, *logprob.tolist()])
            ranks.append([*missing, *rank])
            top.append([*("" for _ in missing), *checkpoint.tokenizer.batch_decode(logits.argmax(1)[:, None])])
        engine.release()
    tokens = [str(checkpoint.tokenizer.decode([token])) for token in encoded.ids[encoded.head :]]
    return tokens, ModelReading(name=checkpoint.name, logprob=logprobs, rank=ranks, top=top)
