"""`probe domain new`: a folder with every file that a person fills in, each explaining itself.

The files stand in `template/`; `{name}` in them is the domain's name.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from ...errors import UsageError
from ..domain import embedded
from .folder import whole

TEMPLATE = Path(__file__).parent / "template"


def new(name: str, out: Path | None = None) -> Path:
    """Lays down the folder (default: the name, here), whole or not at all, and returns it.

    Raises UsageError where the name cannot be one, or something is there already.
    """
    folder = new_folder(name, out)
    with whole(folder) as stage:
        for source in sorted(path for path in TEMPLATE.rglob("*") if path.is_file()):
            path = stage / source.relative_to(TEMPLATE)
            path.parent.mkdir(parents=True, exist_ok=True)
            text = source.read_text(encoding="utf-8")
            quoted = json.dumps(name, ensure_ascii=False)
            text = text.replace('"{name}"', quoted).replace("{folder}", str(folder)).replace("{name}", name)
            path.write_text(text, encoding="utf-8", newline="\n")
    return folder


def new_folder(name: str, out: Path | None = None) -> Path:
    """Return where a new domain is to lie (default: the name, here).

    Raises UsageError where the name cannot be one, or something is there already.
    """
    if not re.fullmatch(r"[^\W_][\w -]*", name):
        raise UsageError(f'"{name}": not a name for a domain; expected letters, digits, "-", "_" and spaces')
    if name in embedded() and out is None:
        raise UsageError(
            f"{name}: a domain of this name comes with the package; choose another, or a folder with --out"
        )
    folder = out or Path(name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: is there already and not empty; choose another name, or another folder with --out")
    return folder
