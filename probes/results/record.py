"""The layout of run.json, as far as it is read: how a run was made."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, ConfigDict, Field

from .base import Document, ResultModel
from .lens import LensRecord


def _is_true(value: Any) -> bool:
    return value is True


class ContentHashes(ResultModel):
    """SHA-256 (hex) of what the numbers depend on."""

    model_config = ConfigDict(extra="allow")

    base: str = ""
    domain: str = ""
    items: str = ""
    code: str = ""
    models: dict[str, str] = Field(default_factory=dict)
    """By model name."""


class RunRecord(Document):
    """How a run was made. What else the file holds is kept as it is."""

    VERSION: ClassVar[int] = 1
    FILE: ClassVar[str] = "run.json"
    COMMAND: ClassVar[str] = "probe compare"
    model_config = ConfigDict(extra="allow")

    command: str = ""
    created: str = ""
    """ISO 8601."""
    versions: dict[str, str] = Field(default_factory=dict)
    base_hub_id: str | None = None
    """The base's id on the hub, where it came from there."""
    hashes: ContentHashes = Field(default_factory=ContentHashes)
    seed: int | None = None
    dtype: str | None = None
    device: str | None = None
    template: str | None = None
    engine: str | None = None
    per: str | None = None
    text: Annotated[bool, BeforeValidator(_is_true)] = True
    """Whether texts may be shown; anything but true keeps them from being shown."""
    lens: LensRecord = Field(default_factory=LensRecord)
