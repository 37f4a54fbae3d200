"""The demo's models: a small base and adapters whose truth is known by construction (see README.md beside this)."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..errors import RunError

FILES = Path(__file__).parent / "files"
BASE = "base.pt"
ADAPTERS = ("neuro_lora", "cardio_lora", "gastro_lora", "neuro_facts_lora")


def lay_down(out: Path) -> dict[str, Path]:
    """Copy the demo's models into `out` (made if missing); returns name → path, the base first.

    What already lies there under these names is replaced. Raises RunError where `out` cannot be written.
    """
    paths = {name: out / name for name in (BASE, *ADAPTERS)}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, path in paths.items():
            if (FILES / name).is_dir():
                shutil.copytree(FILES / name, path, dirs_exist_ok=True)
            else:
                shutil.copyfile(FILES / name, path)
    except OSError as error:
        where = error.filename2 or error.filename or out
        raise RunError(
            f"{where}: the demo's models cannot be laid down ({error.strerror}); give a folder that can be written"
        ) from error
    return paths
