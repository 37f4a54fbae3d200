"""Versions of what a run's numbers depend on, for its record."""

from __future__ import annotations

import platform
from importlib import metadata

from ._version import __version__

RECORDED = (
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "bitsandbytes",
    "transformer-lens",
    "nnsight",
    "scispacy",
    "spacy",
    "numpy",
    "scipy",
    "polars",
)


def installed() -> dict[str, str]:
    """Return the versions of all that a run's numbers may depend on, by package."""
    out = {"knowshift": __version__, "python": platform.python_version()}
    for name in RECORDED:
        try:
            out[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            out[name] = "not installed"
    return out
