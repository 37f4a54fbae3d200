"""A text read through the logit lens, for several models; and which lens it was."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from .base import Count, Finite, ResultModel


class LensLosses(ResultModel):
    """Divergence from the last layer on held-out tokens, one number a layer, nats per token."""

    raw: list[float]
    tuned: list[float]


class LensRecord(ResultModel):
    """Which lens layers were read through; all but the first two fields describe a tuned lens."""

    model_config = ConfigDict(extra="allow")

    kind: str = "raw"
    """raw, tuned, none."""
    layers: list[int] = Field(default_factory=list)
    """Zero-based numbers of the layers that were read."""
    given: str = ""
    """What `--lens-data` named: the trained lens, or the texts to train one on."""
    recipe: dict[str, Any] = Field(default_factory=dict)
    """What the maps depend on: hashes of the base and the texts, seed, schedule."""
    base: str = ""
    """Name of the base that the maps were trained on."""
    data: str = ""
    """Name of the texts that they were trained with."""
    tokens: Count = 0
    held_out_tokens: Count = 0
    losses: LensLosses | None = None


class ModelReading(ResultModel):
    """One model's reading; arrays are [layers][tokens], None where no model predicts the token."""

    name: str
    logprob: list[list[Finite]]
    """Nats."""
    rank: list[list[int | None]]
    """Zero-based."""
    top: list[list[str]]
    """The likeliest token."""


class LensReading(ResultModel):
    """One text through the lens, base first."""

    text: str
    tokens: list[str]
    layers: list[int]
    """Zero-based numbers of the layers that were read."""
    models: list[ModelReading]
    template: str = "none"
    lens: LensRecord = Field(default_factory=LensRecord)
