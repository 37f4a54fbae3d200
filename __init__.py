"""knowshift: did this fine-tune inject knowledge, or did it only shift the domain?

The public names; each is loaded when it is first asked for, so `import knowshift` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .models.checkpoint import Checkpoint
    from .models.scoring import score
    from .probes.hypotheses.testing import test_hypotheses
    from .probes.results.finished import open_run
    from .probes.runs.base_only import know_base
    from .probes.runs.compare import compare
    from .probes.runs.lens_reading import read_lens as lens
    from .reports.notebook import figures
    from .terms.domain import Domain

_PUBLIC = {
    "Checkpoint": (".models.checkpoint", "Checkpoint"),
    "Domain": (".terms.domain", "Domain"),
    "compare": (".probes.runs.compare", "compare"),
    "know_base": (".probes.runs.base_only", "know_base"),
    "figures": (".reports.notebook", "figures"),
    "lens": (".probes.runs.lens_reading", "read_lens"),
    "open_run": (".probes.results.finished", "open_run"),
    "score": (".models.scoring", "score"),
    "test_hypotheses": (".probes.hypotheses.testing", "test_hypotheses"),
}

__all__ = [
    "Checkpoint",
    "Domain",
    "__version__",
    "compare",
    "figures",
    "know_base",
    "lens",
    "open_run",
    "score",
    "test_hypotheses",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    return getattr(import_module(module, __name__), attribute)
