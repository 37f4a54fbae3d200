"""The parts of a lens page: one text, tokens by layers, for each model and the difference. Read by `page`.

What a lens can say, in words, stands here too: for this page and the report's section on layers.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from ..errors import RunError
from ..probes.results.lens import LensReading, LensRecord, ModelReading
from .figures import heatmap
from .markup import NOTHING, chart, data, details, plot_text, signed, table
from .registry import Section

KINDS = {
    "raw": "Read through the raw logit lens: every layer's residual goes straight into the model's own final norm and "
    "head, and nothing was trained. It shows what a layer already says in the output's terms; it cannot show what an "
    "early layer holds in terms of its own.",
    "tuned": "Read through a tuned lens (Belrose et al. 2023): one affine map a layer, trained on the base to give its "
    "last layer's distribution, stands before each model's own final norm and head. It shows what a linear reader "
    "finds at a layer; it cannot show that the model uses it there, nor follow where a fine-tune turned the residuals "
    "themselves: all models are read through the base's maps, or they could not be compared.",
}
"""What each kind of lens can and cannot say."""

Grid = Sequence[Sequence[float | None]]
TOKEN_WIDTH = 34
"""Least width of a token's column, pixels; a longer text scrolls sideways."""


def about_lens(lens: LensRecord) -> Markup:
    """Describe a lens: what it can and cannot show; of a tuned one, what it was trained on and how well it does."""
    about = Markup("<p>{}</p>").format(KINDS[lens.kind]) if lens.kind in KINDS else NOTHING
    if lens.kind != "tuned" or lens.losses is None:
        return about
    losses = list(zip(lens.losses.raw, lens.losses.tuned, strict=True))
    trained = f"Its maps were trained on {lens.base} with {lens.tokens:,} tokens of {lens.data}."
    if worse := [str(layer) for layer, (raw, tuned) in enumerate(losses) if tuned > raw]:
        trained += f" They do worse than the raw lens at layer {', '.join(worse)}: there were too few texts."
    label = f"Divergence from the last layer on {lens.held_out_tokens:,} held-out tokens, nats per token"
    rows = [[f"layer {layer}", *(data(loss, f"{loss:.3f}") for loss in pair)] for layer, pair in enumerate(losses)]
    twin = details(label, table(["layer", "raw", "tuned"], rows, label))
    return about + Markup("<p>{}</p>").format(trained) + twin


def lens_sections(reading: LensReading) -> list[tuple[str, str, Section]]:
    """Return anchor, title and section of the text, of each model, and of each tuned model less the base.

    Raises:
        RunError: A model's arrays are not [layers][tokens].
    """
    _check(reading)
    base, *tuned = reading.models
    text = Markup("<blockquote>{}</blockquote>").format(reading.text) + about_lens(reading.lens)
    out = [("text", "Text", Section(text, "Every token is scored after all that stands before it."))]
    out += [(f"model-{k}", model.name, _model(reading, model)) for k, model in enumerate(reading.models)]
    for k, model in enumerate(tuned, 1):
        title = "Difference" if len(tuned) == 1 else f"Difference: {model.name}"
        out.append((f"difference-{k}", title, _difference(reading, base, model)))
    return out


def _check(reading: LensReading) -> None:
    shape = len(reading.layers), len(reading.tokens)
    for model in reading.models:
        for key, grid in (("logprob", model.logprob), ("rank", model.rank), ("top", model.top)):
            if len(grid) != shape[0] or any(len(row) != shape[1] for row in grid):
                raise RunError(
                    f"lens reading of {model.name}: `{key}` is not {shape[0]} layers by {shape[1]} tokens; "
                    "read both models with the same tokenizer and layers"
                )


def _name(token: str) -> str:
    """Return a token with its white space made visible."""
    return token.replace(" ", "␣").replace("\n", "↵").replace("\t", "⇥")


def _map(
    reading: LensReading,
    values: Grid,
    hovers: Sequence[Sequence[str]],
    label: str,
    span: tuple[float, float] | None = None,
) -> Markup:
    tokens, layers = [_name(token) for token in reading.tokens], reading.layers
    # The last layer on top: a prediction rises through the model.
    plot = heatmap(
        list(reversed(values)),
        tokens,
        list(reversed(layers)),
        list(reversed(hovers)),
        span=span,
        bar="nats",
        axes=("", "layer"),
    )
    plot["layout"]["xaxis"] |= {"tickangle": -60, "tickfont": {"family": "ui-monospace, monospace", "size": 11}}
    plot["data"][0] |= {"xgap": 1, "ygap": 1}
    return chart(plot, label, height=180 + 24 * len(layers), min_width=140 + TOKEN_WIDTH * len(tokens))


def _twin(reading: LensReading, values: Grid, label: str) -> Markup:
    def shown(value: float | None) -> Markup | str:
        return "–" if value is None else data(value, signed(value, 2))

    head = ["token", *(f"layer {layer}" for layer in reading.layers)]
    rows = [[_name(token), *(shown(row[k]) for row in values)] for k, token in enumerate(reading.tokens)]
    return details("As a table", table(head, rows, label))


def _model(reading: LensReading, model: ModelReading) -> Section:
    def hover(layer: int, k: int) -> str:
        logprob = model.logprob[layer][k]
        where = f"<b>{plot_text(_name(reading.tokens[k]))}</b>, layer {reading.layers[layer]}"
        if logprob is None:
            return f"{where}<br>not scored"
        rank, top = model.rank[layer][k], plot_text(_name(model.top[layer][k]))
        return f"{where}<br>{signed(logprob)} nats, rank {rank}<br>likeliest: {top}"

    # One scale for all models, so that they can be compared by eye.
    every = (one for other in reading.models for row in other.logprob for one in row if one is not None)
    lowest = min(every, default=-1.0)
    label = f"{model.name}: log-probability of each token after each layer, nats"
    hovers = [[hover(i, k) for k in range(len(reading.tokens))] for i in range(len(reading.layers))]
    plot = _map(reading, model.logprob, hovers, label, (lowest, 0.0))
    how = "Lighter is likelier; the top row is the model's own output. Point at a cell for rank and likeliest token."
    return Section(plot + _twin(reading, model.logprob, label), how)


def _difference(reading: LensReading, base: ModelReading, tuned: ModelReading) -> Section:
    pairs = zip(tuned.logprob, base.logprob, strict=True)
    gain = [[None if a is None or b is None else b - a for b, a in zip(*rows, strict=True)] for rows in pairs]

    def hover(layer: int, k: int) -> str:
        where = f"<b>{plot_text(_name(reading.tokens[k]))}</b>, layer {reading.layers[layer]}"
        if (value := gain[layer][k]) is None:
            return f"{where}<br>not scored"
        ranks = f"rank {base.rank[layer][k]} → {tuned.rank[layer][k]}"
        tops = " → ".join(plot_text(_name(model.top[layer][k])) for model in (base, tuned))
        return f"{where}<br>gain {signed(value)} nats, {ranks}<br>likeliest: {tops}"

    label = f"Gain of {tuned.name} on {base.name}, nats"
    hovers = [[hover(i, k) for k in range(len(reading.tokens))] for i in range(len(reading.layers))]
    plot = _map(reading, gain, hovers, label)
    how = "Orange: likelier in the tuned model; blue: less likely; no colour: alike."
    return Section(plot + _twin(reading, gain, label), how)
