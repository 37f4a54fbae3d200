"""What `--data` names, and the rules that a suite states for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...errors import UsageError


@dataclass(frozen=True)
class GivenData:
    """The values of `--data`: a path, or NAME=PATH."""

    values: tuple[str, ...] = ()

    @property
    def paths(self) -> list[str]:
        """The values that are paths without a name; a path may hold an equals sign."""
        return [value for value in self.values if "=" not in value or Path(value).exists()]

    @property
    def named(self) -> list[tuple[str, str]]:
        """(name, path) of the other values, as they were given."""
        pairs = (value.partition("=") for value in self.values if value not in self.paths)
        return [(name, path) for name, _, path in pairs]

    @property
    def path(self) -> Path | None:
        """The first path without a name."""
        return Path(self.paths[0]) if self.paths else None

    def path_for(self, name: str) -> Path | None:
        """Return the path given for `name`: NAME=PATH, else the file `name` (with any ending) in a given folder."""
        for value in self.values:
            given, _, path = value.partition("=")
            if path and given == name:
                return Path(path)
        for value in self.values:
            folder = Path(value)
            if folder.is_dir():
                files = sorted(folder.iterdir())
                return next((file for file in files if file.stem.casefold() == name.casefold()), None)
        return None


@dataclass(frozen=True)
class DataRules:
    """What a suite expects of `--data`."""

    expected: str
    """What is read, for people: "JSON lines of documents with questions"."""
    names: tuple[str, ...] = ()
    """The names that may stand before a path, NAME=PATH."""
    by_name: bool = False
    """Whether every name has a path of its own, or a folder holds files called so; else the suite reads one path."""
    is_required: bool = True
    """Whether nothing can be asked without data."""
    from_domain: Callable[[Path], Path | None] | None = None
    """Returns the data that a domain's folder holds for this suite; used by `probe compare --evaluate SUITE`."""

    def check(self, suite: str, data: GivenData) -> None:
        """Raise `UsageError` where a value of `--data` would not be read, or names nothing that exists."""
        names = [name for name, _ in data.named]
        second = data.paths[1:] if self.by_name else data.values[1:]
        if second:
            more = ", or TASK=PATH for each task" if self.by_name else ""
            raise UsageError(
                f"--data {second[0]}: {suite} reads one path, and {data.values[0]} is given too; give one{more}"
            )
        if twice := [name for name in names if names.count(name) > 1]:
            raise UsageError(f"--data {twice[0]}=…: is given twice; give one path for {twice[0]}")
        for name, path in data.named:
            if name not in self.names:
                known = f"the tasks are {', '.join(self.names)}" if self.names else "give a path alone"
                raise UsageError(f"--data {name}={path}: {suite} has no task {name}; {known}")
            if not Path(path).exists():
                raise UsageError(f"--data {name}={path}: no such file or folder; give the data's path")
        for path in data.paths:
            if not Path(path).exists():
                raise UsageError(f"--data {path}: no such file or folder; give the data's path")
        if self.by_name and data.path is not None:
            self._check_folder(suite, data)

    def _check_folder(self, suite: str, data: GivenData) -> None:
        """Raise `UsageError` where the path without a name is no folder, or holds nothing that would be read."""
        task = self.names[0] if len(self.names) == 1 else "TASK"
        if data.path is not None and data.path.is_file():
            raise UsageError(f"--data {data.path}: {suite} does not know what this is; give --data {task}={data.path}")
        if not self.is_required and not any(map(data.path_for, self.names)):
            names = " or ".join(self.names)
            raise UsageError(f"--data {data.path}: holds no file called {names}; give --data {task}=FILE")

    def require(self, suite: str, data: GivenData) -> Path:
        """Return the one data file. Raises `UsageError`, saying what is expected."""
        if data.path is None:
            raise UsageError(f"--suite {suite}: no data; give --data FILE, {self.expected}")
        return data.path
