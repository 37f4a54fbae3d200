"""knowshift: did this fine-tune inject knowledge, or did it only shift the domain?

The public names; each is loaded when it is first asked for, so `import knowshift` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .models.checkpoint import Checkpoint
    from .models.lens import read_lens as lens
    from .models.scoring import score
    from .probes.compare import compare
    from .probes.comparison import open_run
    from .terms.domain import Domain

_PUBLIC = {
    "Checkpoint": (".models.checkpoint", "Checkpoint"),
    "Domain": (".terms.domain", "Domain"),
    "compare": (".probes.compare", "compare"),
    "lens": (".models.lens", "read_lens"),
    "open_run": (".probes.comparison", "open_run"),
    "score": (".models.scoring", "score"),
}

__all__ = ["Checkpoint", "Domain", "__version__", "compare", "lens", "open_run", "score"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    return getattr(import_module(module, __name__), attribute)
