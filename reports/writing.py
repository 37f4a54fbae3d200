"""Write a report's file whole or not at all; what the disk refuses is one line."""

from __future__ import annotations

from pathlib import Path

from ..errors import RunError
from ..storage import write_whole


def write_file(out: Path, content: bytes, usual: str, what: str = "file") -> Path:
    """Write `content` to `out` and return the path; `usual` is the name that such a file usually has.

    Raises:
        RunError: `out` is a folder, or cannot be written.
    """
    if out.is_dir():
        raise RunError(f"{out}: is a folder; give the path of the {what} to write, such as {out / usual}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_whole(out, content)
    except OSError as error:
        why = f"the {what} cannot be written ({error.strerror or error})"
        raise RunError(f"{out}: {why}; free some space or choose another place") from None
    return out
