"""Fingerprints of code: hashes that change when what the code computes may change, and not when its prose does.

A module is hashed as its syntax tree, which holds no comments and no layout, without

- docstrings, those of attributes included: a string that stands alone does nothing;
- annotations of variables outside classes and of functions without decorators, because nothing reads them at run
  time. Those in a class's body count, as dataclasses and pydantic act on them; a decorator may read its function's;
- `if TYPE_CHECKING:` blocks, which never run.

The modules that count are found by following the imports of this package from the roots that a caller names, those
inside functions included. Nothing is imported for it. A folder's `__init__` counts where a name is imported from it;
the package's own never does. Modules that are imported by a computed name, such as engines and analyses, must be named
as roots.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

PACKAGE = __name__.rpartition(".")[0]
ROOT = Path(__file__).parent
UNCOUNTED = frozenset({"_version", "fingerprint"})
"""Modules that change no number: a new release alone drops nothing."""
IGNORED = frozenset({"ctx", "kind", "type_comment"})
"""Fields of syntax nodes that follow from the rest, or change nothing (`kind`: the u of u"text")."""
_SPECIAL = (
    ast.Expr,
    ast.If,
    ast.AnnAssign,
    ast.Import,
    ast.ImportFrom,
    ast.ClassDef,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.arg,
)


def code_fingerprint(*roots: str, alone: Sequence[str] = ()) -> str:
    """Return the SHA-256 (hex) of the code of `roots` and of all that they import of this package.

    Args:
        roots: Modules, named without the package: `"models.scoring"`; `"probes.analysis.*"` are all of a folder.
            Their order does not matter.
        alone: Modules that count without what they import, because they import what is no part of the computation.

    Raises:
        ValueError: A root is no module of this package.
    """
    return _fingerprint(frozenset(roots), frozenset(alone))


def class_fingerprint(kind: type) -> str:
    """Return the fingerprint of the code that a class runs, as far as it can be read.

    Of another package's class its own module counts, with what that imports of this package. The result is empty where
    the source cannot be read: the class was compiled, or made in an interactive session.
    """
    package, _, name = kind.__module__.partition(".")
    if package == PACKAGE:
        return code_fingerprint(name)
    try:
        source = Path(inspect.getsourcefile(kind) or "").read_bytes()
        module = _read(source, None)
    except (OSError, TypeError, ValueError, SyntaxError):
        return ""
    return hashlib.sha256((module.digest + code_fingerprint(*module.imports)).encode()).hexdigest()


def imported_modules(*roots: str) -> list[str]:
    """Return `roots` and every module of this package that they import, directly or not, in alphabetical order."""
    found: set[str] = set()
    waiting = [name for root in roots for name in _modules(root)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _module(name).imports
    return sorted(found)


class _Module(NamedTuple):
    digest: str
    """SHA-256 (hex) of the part of its syntax tree that counts."""
    imports: frozenset[str]
    """Modules of this package, named without it."""


@cache
def _fingerprint(roots: frozenset[str], alone: frozenset[str]) -> str:
    lines = [f"{name} {_module(name).digest}" for name in sorted({*imported_modules(*roots), *alone})]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _modules(root: str) -> list[str]:
    """Return the modules that a root names: itself, or those of a folder."""
    folder = root.removesuffix(".*")
    if folder == root:
        return [root]
    return [f"{folder}.{path.stem}" for path in ROOT.joinpath(*folder.split(".")).glob("*.py") if path.stem[0] != "_"]


@cache
def _module(name: str) -> _Module:
    path = _source(name)
    if path is None:
        raise ValueError(f"{name}: no module of {PACKAGE}; name one below {ROOT}")
    return _read(path.read_bytes(), name if path.name == "__init__.py" else name.rpartition(".")[0])


@cache
def _source(name: str) -> Path | None:
    place = ROOT.joinpath(*name.split("."))
    if not name or place == ROOT:
        return None
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


def _read(source: bytes, folder: str | None) -> _Module:
    """Read a module that lies in `folder` of this package ("" is its root), or in another package (None)."""
    reader = _Reader()
    reader.visit(ast.parse(source))
    imports = frozenset(name for node in reader.imports for name in _imported(node, folder))
    return _Module(hashlib.sha256("\0".join(reader.parts).encode()).hexdigest(), imports)


class _Reader:
    """Writes out what counts of a syntax tree, alike in all versions of Python, and gathers its imports."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.imports: list[ast.Import | ast.ImportFrom] = []

    def visit(self, node: ast.AST, annotated: bool = False) -> None:
        """Write a node and all below it; `annotated` says whether annotations count where it stands."""
        within, ignored = annotated, IGNORED
        if isinstance(node, _SPECIAL):
            match node:
                case ast.Expr(value=ast.Constant(value=str())):
                    return
                case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                    self._visit_all(node.orelse, annotated)
                    return
                case ast.AnnAssign(value=None) if not annotated:
                    return
                case ast.AnnAssign(value=ast.expr() as assigned) if not annotated:
                    node = ast.Assign([node.target], assigned)
                case ast.Import() | ast.ImportFrom():
                    self.imports.append(node)
                case ast.ClassDef():
                    within = True
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    within, read = False, bool(node.decorator_list)
                    self._visit_all([node.args, *([node.returns] if read else [])], read)
                    ignored = IGNORED | {"args", "returns"}
                case ast.arg() if not annotated:
                    ignored = IGNORED | {"annotation"}
        self.parts.append(type(node).__name__)
        for field in node._fields:
            value = getattr(node, field, None)
            # Versions of Python differ in which empty fields there are.
            if value is not None and value != [] and field not in ignored:
                self.parts.append(field)
                self._visit_all(value if type(value) is list else (value,), within)
        self.parts.append(")")

    def _visit_all(self, values: Sequence[object], annotated: bool) -> None:
        for value in values:
            if isinstance(value, ast.AST):
                self.visit(value, annotated)
            else:
                self.parts.append(repr(value))


def _imported(node: ast.Import | ast.ImportFrom, folder: str | None) -> Iterator[str]:
    """Yield the modules of this package that a statement imports."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif not node.level:
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    elif folder is None:
        return
    else:
        above = f"{PACKAGE}.{folder}".rstrip(".").split(".")
        module = ".".join([*above[: len(above) - node.level + 1], *([node.module] if node.module else [])])
        names = [f"{module}.{alias.name}" for alias in node.names]
    for name in names:
        package, _, inside = name.partition(".")
        if package == PACKAGE:
            # What is no module is a name in one.
            found = next((place for place in (inside, inside.rpartition(".")[0]) if _source(place)), None)
            if found and found not in UNCOUNTED:
                yield found
