"""The demo's models: a small base and adapters whose truth is known by construction (see README.md beside this)."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..errors import RunError
from ..terms.defaults import DOMAIN
from .planted import BASE, Planted


def lay_down(out: Path, domain: str = DOMAIN) -> dict[str, Path]:
    """Copy the demo's models of a domain into `out` (made if missing); returns name → path, the base first.

    What already lies there under these names is replaced. Raises RunError where `out` cannot be written, and
    UsageError where the domain has no demo models.
    """
    planted = Planted.open(domain)
    paths = {name: out / name for name in (BASE, *planted.adapters)}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, path in paths.items():
            if (planted.files / name).is_dir():
                shutil.copytree(planted.files / name, path, dirs_exist_ok=True)
            else:
                shutil.copyfile(planted.files / name, path)
    except OSError as error:
        where = error.filename2 or error.filename or out
        raise RunError(
            f"{where}: the demo's models cannot be laid down ({error.strerror}); give a folder that can be written"
        ) from error
    return paths
