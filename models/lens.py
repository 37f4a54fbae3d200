"""One text through the logit lens of several models: tokens × layers. Read by the command `probe lens`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..options import make_settings
from .alignment import Encoder
from .checkpoint import Checkpoint
from .engines.protocol import Engine
from .engines.select import finder, open_engine
from .layers import Lens, choose_layers, misfit
from .options import ReadingSettings
from .reading import read_layers
from .template import Template
from .translators import Translators


def read_lens(
    base: str | Path,
    tuned: Sequence[str | Path],
    text: str,
    settings: ReadingSettings | None = None,
    *,
    translators: Callable[[Checkpoint], Translators] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Return log-probability (nats), zero-based rank and top token at the chosen layers for every token of `text`.

    Options are the fields of `ReadingSettings`, whole or by name. `translators` gives those of a tuned lens for the
    opened base; without it the lens is raw. Returns plain lists: `tokens`, `layers` (their numbers, from 0), and for
    each model `logprob`, `rank`, `top` as `[layers][tokens]`; `lens` says which it was. A token that no model predicts
    (the very first) holds None. Raises `CheckpointError`, `EngineError`, `UsageError`.
    """
    if not text.strip():
        raise UsageError("--text is empty; give a text to read")
    settings = make_settings(ReadingSettings, settings, options)
    form = Template.parse(settings.template)
    reader = open_engine(settings.engine, remote=settings.remote)
    find = finder(settings.remote)
    root = find(base, config=settings.config, **settings.loading)
    opened = [root, *(find(spec, base=root, **settings.loading) for spec in tuned)]
    chosen = choose_layers(settings.layers, len(root.anatomy.layers), root.name)
    for checkpoint in opened[1:]:
        if why := misfit(root.anatomy, checkpoint.anatomy, translators is not None):
            raise UsageError(f"{checkpoint.name}: {why}; they cannot be shown layer by layer; show each alone")
    read: dict[int, tuple[list[str], dict[str, Any]]] = {}
    with root.active():
        lens = Lens(chosen, translators(root) if translators else None)
        for place, checkpoint in enumerate(opened):
            if checkpoint is root or checkpoint.base is root:
                read[place] = _read(checkpoint, text, form, reader, lens)
    for place, checkpoint in enumerate(opened):  # full fine-tunes, in memory one at a time
        if place not in read:
            read[place] = _read(checkpoint, text, form, reader, lens)
    shown = read[0][0]
    for place, checkpoint in enumerate(opened):
        if read[place][0] != shown:
            raise UsageError(f"{checkpoint.name}: cuts the text into other tokens than {root.name}; compare one by one")
    models = [{"name": checkpoint.name, **read[place][1]} for place, checkpoint in enumerate(opened)]
    about = {"kind": "tuned", **lens.translators.record} if lens.translators else {"kind": "raw"}
    return {
        "text": text,
        "tokens": shown,
        "layers": list(chosen),
        "models": models,
        "template": form.label,
        "lens": about,
    }


def _read(
    checkpoint: Checkpoint, text: str, template: Template, engine: Engine, lens: Lens
) -> tuple[list[str], dict[str, Any]]:
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
    # What no model predicts is shown empty.
    missing: list[Any] = [None] * (first - encoded.head)
    out: dict[str, list[list[Any]]] = {"logprob": [], "rank": [], "top": []}
    with checkpoint.active():
        for logits, logprob, rank in read_layers(checkpoint, encoded.ids, columns, engine, lens):
            out["logprob"].append([*missing, *logprob.tolist()])
            out["rank"].append([*missing, *rank])
            out["top"].append([*(["" for _ in missing]), *checkpoint.tokenizer.batch_decode(logits.argmax(1)[:, None])])
        engine.release()
    tokens = [str(checkpoint.tokenizer.decode([token])) for token in encoded.ids[encoded.head :]]
    return tokens, out
