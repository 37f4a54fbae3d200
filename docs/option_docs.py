"""Extension of griffe: a field that is declared with an `Option` is documented by its flag and the option's help."""

from __future__ import annotations

from html import escape
from importlib import import_module
from typing import Any

import griffe
from knowshift.options import declared


class OptionDocs(griffe.Extension):
    """Replaces `Annotated[type, Option(help, …)]` by the type, and makes the help the field's docstring."""

    def on_class_members(self, *, cls: griffe.Class, **_: Any) -> None:
        """Document the fields that a settings class declares itself."""
        hints = {name: _hint(attribute) for name, attribute in cls.attributes.items()}
        if not any(hint is not None for hint in hints.values()):
            return
        # Help may be made from constants, so that it is read from the class itself.
        options = {each.name: each for each in declared(getattr(import_module(cls.module.path), cls.name))}
        for name, hint in hints.items():
            if hint is not None:
                attribute, option = cls.attributes[name], options[name]
                attribute.annotation = hint
                attribute.docstring = griffe.Docstring(
                    f"`{option.flag}`: {escape(option.help_in(''), quote=False)}", parent=attribute
                )


def _hint(attribute: griffe.Attribute) -> griffe.Expr | str | None:
    """The type of a field that is annotated with an `Option`."""
    annotation = attribute.annotation
    if not isinstance(annotation, griffe.ExprSubscript) or not isinstance(annotation.slice, griffe.ExprTuple):
        return None
    hint, *rest = annotation.slice.elements
    is_option = str(annotation.left) == "Annotated" and any(str(part).startswith("Option(") for part in rest)
    return hint if is_option else None
