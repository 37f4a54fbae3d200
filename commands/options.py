"""Arguments that several commands take, and the command line made from settings classes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import MISSING
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from ..options import Declared, options_of

Base = Annotated[str, typer.Argument(help="Base model: a folder, hub id, .safetensors or .pt file.")]
Tuned = Annotated[list[str], typer.Argument(help="Tuned models: LoRA adapters or full fine-tunes, in the same forms.")]
Encoding = Annotated[
    str | None,
    typer.Option(help="Encoding of text files that are neither UTF-8 nor have a byte order mark, such as cp1252."),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]

GivenOptions = dict[str, Any]
"""The options that were given on the command line, by field name; what is not in it keeps its default."""

PARAMETER = "options"
CONTEXT = "typer_context"
TYPES: dict[str, Any] = {
    "flag": bool,
    "text": str,
    "whole number": int,
    "number": float,
    "path": Path,
    "texts": list[str],
}


def with_options(command: str, *kinds: type) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Replace a command's parameter `options: GivenOptions` by the options of settings classes that name `command`.

    The command is called with those options that were given, so that only the settings class states a default.
    """
    options = options_of(command, *kinds)

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        def run(**arguments: Any) -> None:
            context = arguments.pop(CONTEXT, None)
            given = {}
            for each in options:
                if each.name not in arguments:
                    continue
                value = arguments.pop(each.name)
                if context is None or _is_given(context, each.name):
                    given[each.name] = not value if each.is_negated else value
            function(**arguments, **{PARAMETER: given})

        run.__name__, run.__doc__, run.__module__ = function.__name__, function.__doc__, function.__module__
        parameters = _signature(function, command, options)
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        return run

    return decorate


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def _signature(function: Callable[..., None], command: str, options: Sequence[Declared]) -> list[inspect.Parameter]:
    """The parameters that typer reads: the function's own, with those of `options` where it has `options`."""
    hints = get_type_hints(function, include_extras=True)
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter(CONTEXT, keyword, annotation=typer.Context)]
    for name, parameter in inspect.signature(function).parameters.items():
        if name == PARAMETER:
            parameters += [_parameter(each, command) for each in options]
        else:
            parameters.append(parameter.replace(kind=keyword, annotation=hints[name]))
    return parameters


def _parameter(declared: Declared, command: str) -> inspect.Parameter:
    kind, rules = declared.kind, declared.option
    default = False if kind == "flag" else None if kind == "texts" else declared.default
    about: dict[str, Any] = {"help": declared.help_in(command)}
    if rules.path != "any":
        about |= {"exists": True, "file_okay": rules.path == "file", "dir_okay": rules.path == "folder"}
    if "(default" in about["help"]:
        about["show_default"] = False
    return inspect.Parameter(
        declared.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if default is MISSING else default,
        annotation=Annotated[
            TYPES[kind] if default is not None else TYPES[kind] | None,
            typer.Option(declared.flag, **about),
        ],
    )
