"""Engines by name: those of this package first, then those that others register as entry points.

A package offers an engine of its own in its pyproject.toml, under `[project.entry-points."knowshift.engines"]`, as
`name = "module:Class"`; called without arguments, the class makes an `Engine`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ...errors import EngineError, UsageError
from ...plugins import load, registered

if TYPE_CHECKING:
    from ..checkpoint import Checkpoint
    from .protocol import Engine

GROUP = "knowshift.engines"
DEFAULT = "hooks"
REMOTE = "nnsight"
BUILT_IN = {
    "hooks": (".hooks", "HooksEngine"),
    "transformer-lens": (".transformer_lens", "TransformerLensEngine"),
    "nnsight": (".nnsight", "NnsightEngine"),
    "nnsight-vllm": (".nnsight_vllm", "NnsightVllmEngine"),
}
"""Name → module of this folder and class."""


def engine_names() -> list[str]:
    """Every engine's name, this package's first."""
    return [*BUILT_IN, *(name for name in registered(GROUP) if name not in BUILT_IN)]


def open_engine(name: str = DEFAULT, *, remote: bool = False) -> Engine:
    """The engine of that name; `remote` is for `nnsight`, whose traces NDIF can run.

    Raises `UsageError` where there is no such engine, `EngineError` where it cannot be loaded.
    """
    if remote and name != REMOTE:
        raise UsageError(f"--remote: NDIF runs {REMOTE}'s traces alone, not those of {name}; add --engine {REMOTE}")
    if name in BUILT_IN:
        module, attribute = BUILT_IN[name]
        maker: Any = getattr(import_module(module, __package__), attribute)
        engine: Engine = maker(remote=True) if remote else maker()
        return engine
    if name not in (others := registered(GROUP)):
        raise UsageError(f"--engine {name}: no such engine; the engines are {', '.join(engine_names())}")
    plugin: Any = load(others[name], f"--engine {name}", EngineError, object, lambda maker: maker())
    other: Engine = plugin
    return other


def finder(remote: bool) -> Callable[..., Checkpoint]:
    """What finds the models that an engine runs: those of this machine (`Checkpoint.find`), or those of NDIF."""
    if remote:
        from ..ndif import find_remote

        return find_remote
    from ..checkpoint import Checkpoint

    return Checkpoint.find
