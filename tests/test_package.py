"""The package as a whole: what importing it costs, what it offers, and that each room imports only from below."""

import ast
import re
import subprocess
import sys
import time
import tomllib
from importlib import metadata
from pathlib import Path

import knowshift
import pytest

ROOT = Path(knowshift.__file__).parent
FLOORS = [
    ("errors", "_version", "versions", "fingerprint", "memory", "options", "plugins", "progress", "storage"),
    ("terms",),
    ("models",),
    ("probes.results",),
    ("probes.analysis",),
    ("probes.runs",),
    ("probes.evaluate", "probes.calibrate", "probes.hypotheses"),
    ("reports",),
    ("showcase",),
    ("terminal",),
    ("commands",),
    ("cli",),
]
"""Lowest first; the modules of the root that are not named here are the top one."""
ROOMS = ["commands", "models", "probes", "reports", "showcase", "terms"]
HEAVY = {"accelerate", "nnsight", "peft", "scipy", "spacy", "torch", "transformer_lens", "transformers"}
MODULES = sorted(path for place in (".", *ROOMS) for path in (ROOT / place).glob("*.py" if place == "." else "**/*.py"))
NAMES = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in MODULES}


def imports(path, lazy=True, typing=False):
    """Absolute names of what a module imports: with `lazy` inside functions too, with `typing` for types alone too."""
    package = ("knowshift." + NAMES[path]).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    elif path.parent == ROOT:
        package = ["knowshift"]

    def walk(node):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from (alias.name for alias in child.names)
            if isinstance(child, ast.ImportFrom):
                above = package[: len(package) - child.level + 1] if child.level else []
                module = ".".join([*above, *([child.module] if child.module else [])])
                yield module
                yield from (f"{module}.{alias.name}" for alias in child.names)
            for_types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
            deferred = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            if (typing or not for_types) and (lazy or not deferred):
                yield from walk(child)

    return set(walk(ast.parse(path.read_text(encoding="utf-8"))))


def inside(path, **kinds):
    """Modules of the package that this one imports, as names without `knowshift.`."""
    known = set(NAMES.values())
    return {name.removeprefix("knowshift.") for name in imports(path, **kinds)} & known - {NAMES[path]}


def floor(name):
    """Return the number of the floor that the module `name` is on."""
    on = (
        number for number, rooms in enumerate(FLOORS) for room in rooms if name == room or name.startswith(f"{room}.")
    )
    return next(on, len(FLOORS))


def folder(name):
    """Return the folder of the module `name`, as a package; a module of the root stands for itself."""
    package = name if (ROOT / Path(*name.split("."))).is_dir() else name.rpartition(".")[0]
    return package or name


def circles(graph):
    """Return the groups of nodes that can all be reached from each other, of a graph node → nodes that it imports."""

    def reached(start):
        seen, ahead = set(), [start]
        while ahead:
            new = graph.get(ahead.pop(), set()) - seen
            seen |= new
            ahead += new
        return seen

    reach = {node: reached(node) for node in graph}
    groups = {frozenset(other for other in reach[node] if node in reach.get(other, ())) for node in graph}
    return sorted(sorted(group) for group in groups if group)


def test_imports_are_found():
    """The tests below rest on this."""
    path = ROOT / "models" / "engines" / "select.py"
    assert inside(path, lazy=False) == {"errors", "plugins"}
    assert {"models.ndif", "models.checkpoint"} <= inside(path)
    assert "models.engines.protocol" not in inside(path)
    assert "models.engines.protocol" in inside(path, lazy=False, typing=True)
    assert len(MODULES) > 40


def test_circles_are_found():
    graph = {"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": {"e"}, "e": {"d", "f"}, "f": set()}
    assert circles(graph) == [["a", "b", "c"], ["d", "e"]]
    assert circles({**graph, "c": set(), "e": {"f"}}) == []


@pytest.mark.parametrize("path", MODULES, ids=NAMES.get)
def test_a_room_imports_only_from_its_own_floor_or_below(path):
    above = [name for name in inside(path, typing=True) if floor(name) > floor(NAMES[path])]
    assert not above


def test_reports_know_only_a_run_directory():
    """Reports read files: of the rooms below they need no engine, and of the command nothing."""
    for path in (ROOT / "reports").rglob("*.py"):
        assert not [name for name in inside(path) if name.startswith(("models.engines", "models.checkpoint"))]
        probes = {name for name in inside(path, typing=True) if name.startswith("probes.")}
        assert all(name.startswith("probes.results") for name in probes), path


@pytest.mark.parametrize("room", ["terms", "reports", "probes/results"])
def test_rooms_that_know_no_torch(room):
    paths = list((ROOT / room).rglob("*.py"))
    assert paths
    for path in paths:
        found = {name.split(".")[0] for name in imports(path, typing=True)}
        assert not found & {"torch", "transformers", "peft"}, path


def test_no_modules_import_each_other_in_a_circle():
    """Imports inside functions and for types alone count too."""
    assert circles({NAMES[path]: inside(path, typing=True) for path in MODULES}) == []


def test_no_folders_import_each_other_in_a_circle():
    """A folder and the folders inside it are one room: `models.engines` may import from `models`, and the reverse."""
    graph = {}
    for path in MODULES:
        here = folder(NAMES[path])
        there = {folder(name) for name in inside(path, typing=True)} - {here}
        nested = {name for name in there if f"{name}.".startswith(f"{here}.") or f"{here}.".startswith(f"{name}.")}
        graph.setdefault(here, set()).update(there - nested)
    assert circles(graph) == []


def test_no_module_is_longer_than_400_lines():
    lengths = {NAMES[path]: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert not {name: length for name, length in lengths.items() if length > 400}


def test_every_module_says_what_it_is():
    modules = [path for path in MODULES if path.read_text(encoding="utf-8").strip()]
    assert not [NAMES[path] for path in modules if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]


def test_every_room_is_listed_for_packaging():
    """The folder list is written by hand: a new room must stand in it."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    folders = {".".join(path.parent.relative_to(ROOT).parts) for path in MODULES}
    assert set(listed) == {f"knowshift.{folder}".rstrip(".") for folder in folders}


def test_exactly_the_documented_names_are_public():
    functions = {"compare", "score", "lens", "know_base", "open_run", "figures", "test_hypotheses"}
    documented = functions | {"Domain", "Checkpoint"}
    assert set(knowshift.__all__) == documented | {"__version__"}
    assert all(getattr(knowshift, name) is not None for name in documented)
    assert knowshift.compare.__module__ == "knowshift.probes.runs.compare"
    with pytest.raises(AttributeError, match="has no attribute 'compair'"):
        _ = knowshift.compair


def test_the_version_stands_in_one_place():
    assert metadata.version("knowshift") == knowshift.__version__
    written = [path.name for path in MODULES if re.search(r"^__version__ = ", path.read_text(encoding="utf-8"), re.M)]
    assert written == ["_version.py"]
    assert "version" in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dynamic"]


@pytest.mark.parametrize(
    "code",
    [
        "import knowshift",
        "import knowshift.cli",
        "import knowshift.models.choices",
        "from knowshift import Domain; Domain.open('medicine')",
    ],
)
def test_importing_loads_nothing_heavy(code):
    shown = f"{code}; import sys; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & HEAVY


def test_help_is_quick():
    """At most three times what its command line library needs by itself; torch alone would be ten times."""

    def seconds(*arguments):
        begin = time.perf_counter()
        subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
        return time.perf_counter() - begin

    # In turns, and the best of five, as other work may slow some of them.
    rounds = [(seconds("-m", "knowshift", "--help"), seconds("-c", "import typer, rich.console")) for _ in range(5)]
    ours, library = (min(times) for times in zip(*rounds, strict=True))
    assert ours < 3 * library
