"""Options that are declared once: a field of a settings class carries its type, default, help and commands.

A settings class is a frozen dataclass whose fields are annotated with an `Option`:

    @dataclass(frozen=True, kw_only=True)
    class Settings(ModelOptions):
        seed: Annotated[int, Option("Seed of the resampling.", ("compare",), minimum=0)] = 0

`commands.options` makes the command line from it, `make_settings` checks what a program gives. Classes combine by
inheritance (`ModelOptions` above serves several commands) or side by side (`split_options`: the settings of
`probe evaluate` and those of each suite).
"""

from __future__ import annotations

import inspect
import operator
import types
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import KW_ONLY, MISSING, Field, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from .errors import UsageError

S = TypeVar("S")

Kind = Literal["flag", "text", "whole number", "number", "path", "texts"]
"""How a value is written on the command line; `texts` is an option that may be repeated."""


@dataclass(frozen=True)
class Option:
    """Describes a field of a settings class."""

    help: str | Callable[[], str]
    """The command line adds the default, unless the text says `(default: …)` itself. A function is called when the
    help is shown, for names that only the command should look up."""
    commands: tuple[str, ...]
    """The commands that take it, by name, such as `compare`."""
    _: KW_ONLY
    help_for: Mapping[str, str] | None = None
    """Help by command, for commands on which `help` would not be true."""
    flag: str | None = None
    """Where it is not the field's name: `--method` of `methods`."""
    choices: Collection[str] | Callable[[], Collection[str]] | None = None
    """A function, where the names are known only to a module that takes long to import. A `Literal` needs none."""
    noun: str | None = None
    """What an error calls one of the choices: `unit` of `--per`. The flag's name where this is None."""
    minimum: int | None = None
    path: Literal["any", "file", "folder"] = "any"
    """`file` and `folder`: the command line demands that it exists."""
    parse: Callable[[Any], Any] | None = None
    """Converts other forms in which programs may give the value; applied before any check."""


@dataclass(frozen=True)
class Declared:
    """An option together with the name, type and default of its field."""

    name: str
    type: Any
    default: Any
    """`dataclasses.MISSING` where the option is required."""
    option: Option

    @property
    def kind(self) -> Kind:
        """How it is written on the command line. Raises `TypeError` for a type that cannot be written there."""
        parts = [part for part in _union(self.type) if part is not type(None)]
        if parts == [bool]:
            return "flag"
        if str in parts or any(get_origin(part) is Literal for part in parts):
            return "text"
        if len(parts) == 1:
            if get_origin(parts[0]) is tuple:
                return "texts"
            simple: dict[Any, Kind] = {int: "whole number", float: "number", Path: "path"}
            if parts[0] in simple:
                return simple[parts[0]]
        raise TypeError(
            f"{self.name}: {self.type} cannot be written on a command line; use str, int, float, bool, Path, Literal "
            "or tuple[str, ...]"
        )

    @property
    def is_negated(self) -> bool:
        """Whether its flag turns it off: `--no-text` of `text`, which is on by default."""
        return self.kind == "flag" and self.default is True

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        name = self.name.replace("_", "-")
        return self.option.flag or (f"--no-{name}" if self.is_negated else f"--{name}")

    @property
    def choices(self) -> tuple[str, ...]:
        """The values it may have; none where any value of its type will do."""
        given = self.option.choices
        if given is not None:
            return tuple(given() if callable(given) else given)
        return tuple(name for part in _union(self.type) if get_origin(part) is Literal for name in get_args(part))

    def help_in(self, command: str) -> str:
        """Its help on one command."""
        text = (self.option.help_for or {}).get(command, self.option.help)
        return text() if callable(text) else text

    def coerce(self, value: Any) -> Any:
        """Return `value` in the field's type: one value for several, text for a path. Raises `UsageError`."""
        if self.option.parse is not None:
            value = self.option.parse(value)
        if value is None or (self.kind == "texts" and not _several(value)):
            if self.default is MISSING:
                raise UsageError(f"{self.flag}: not given; it has no default, so give a value")
            return self.default
        coerced = self._typed(value)
        self._check(coerced)
        return coerced

    def _typed(self, value: Any) -> Any:
        if self.kind == "texts":
            return tuple(map(str, _several(value)))
        if self.kind == "path":
            return Path(value)
        if self.kind == "text":
            return str(value) if isinstance(value, Path) else value
        if self.kind in ("number", "whole number"):
            convert: Callable[[Any], Any] = float if self.kind == "number" else operator.index
            try:
                return convert(None if isinstance(value, bool | str) else value)
            except TypeError:
                raise UsageError(f"{self.flag} {value}: not a {self.kind}; give one") from None
        return value

    def _check(self, value: Any) -> None:
        if (minimum := self.option.minimum) is not None and value < minimum:
            raise UsageError(f"{self.flag} {value}: too small; give a {self.kind}, {minimum} or more")
        if choices := self.choices:
            for each in value if self.kind == "texts" else (value,):
                if each not in choices:
                    noun = self.option.noun or self.flag.removeprefix("--")
                    raise UsageError(f"{self.flag} {each}: no such {noun}; give {', '.join(choices)}")


def declared(kind: type) -> tuple[Declared, ...]:
    """Return the options of a settings class in the order of a help page: its own, then those of its bases.

    Raises `TypeError` on a field without an `Option`.
    """
    hints = get_type_hints(kind, include_extras=True)
    by_name = {field.name: field for field in fields(kind)}
    order = dict.fromkeys(name for owner in kind.__mro__ for name in inspect.get_annotations(owner) if name in by_name)
    return tuple(_declared(by_name[name], hints[name]) for name in order)


def _declared(field: Field[Any], hint: Any) -> Declared:
    option = next((each for each in getattr(hint, "__metadata__", ()) if isinstance(each, Option)), None)
    if option is None:
        raise TypeError(f"{field.name}: has no Option; annotate it as Annotated[type, Option(help, commands)]")
    default = field.default if field.default_factory is MISSING else field.default_factory()
    return Declared(field.name, get_args(hint)[0], default, option)


def options_of(command: str, *kinds: type) -> tuple[Declared, ...]:
    """Return the options of these settings classes that name `command`.

    Raises `ValueError` where two classes declare one name differently.
    """
    found: dict[str, Declared] = {}
    for each in (each for kind in kinds for each in declared(kind) if command in each.option.commands):
        if found.setdefault(each.name, each) != each:
            raise ValueError(f"{each.flag}: two settings classes declare it differently; declare it once")
    return tuple(found.values())


def make_settings(kind: type[S], settings: S | None, options: Mapping[str, Any]) -> S:
    """Return `settings`, or the defaults, with `options` by field name put over it, coerced and checked.

    A value of None stands for the default. Raises `UsageError` on an unknown name and on a value that does not fit.
    """
    check_names(options, kind)
    fields_of = declared(kind)
    values = {each.name: getattr(settings, each.name) for each in fields_of} if settings is not None else {}
    values |= options
    return kind(**{each.name: each.coerce(values.get(each.name)) for each in fields_of})


def split_options(options: Mapping[str, Any], *kinds: type) -> list[dict[str, Any]]:
    """Return the part of `options` that belongs to each of the settings classes; an option may belong to several.

    Raises `UsageError` on a name that belongs to none.
    """
    check_names(options, *kinds)
    names = [{each.name for each in declared(kind)} for kind in kinds]
    return [{name: value for name, value in options.items() if name in mine} for mine in names]


def check_names(options: Mapping[str, Any], *kinds: type) -> None:
    """Raise `UsageError` on an option that is no field of these settings classes."""
    known = {each.name for kind in kinds for each in declared(kind)}
    if unknown := sorted(set(options) - known):
        raise UsageError(f"{unknown[0]}: no such option; the options are {', '.join(sorted(known))}")


def _union(hint: Any) -> Iterator[Any]:
    """The members of a union, of unions inside it too; a type that is no union is its only member."""
    if get_origin(hint) is Annotated:
        yield from _union(get_args(hint)[0])
    elif get_origin(hint) in (Union, types.UnionType):
        for part in get_args(hint):
            yield from _union(part)
    else:
        yield hint


def _several(value: Any) -> tuple[Any, ...]:
    return (value,) if isinstance(value, str | Path) else tuple(value)
