"""Versions and the code's own hash, for a run's record."""

from __future__ import annotations

import hashlib
import platform
from functools import cache
from importlib import metadata
from pathlib import Path

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
ROOMS = ("terms", "models", "probes")


def installed() -> dict[str, str]:
    """Versions that a run's numbers may hang on."""
    out = {"knowshift": __version__, "python": platform.python_version()}
    for name in RECORDED:
        try:
            out[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            out[name] = "not installed"
    return out


@cache
def code_hash(*rooms: str) -> str:
    """SHA-256 (hex) of the Python files of `rooms`, by default of all that make a run's numbers."""
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted(path for room in rooms or ROOMS for path in (root / room).rglob("*.py")):
        digest.update(str(path.relative_to(root).as_posix()).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
