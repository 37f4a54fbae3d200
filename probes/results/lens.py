"""A text read through the logit lens, for several models."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from .base import Finite, ResultModel


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
    lens: dict[str, Any] = Field(default_factory=dict)
    """How layers were read: `kind` (raw, tuned); of a tuned lens, the record of its training."""
