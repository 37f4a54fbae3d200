"""Where expensive results are kept between runs, and how files are written: whole, or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """Return `KNOWSHIFT_CACHE`, else the user's cache folder."""
    given = os.environ.get("KNOWSHIFT_CACHE")
    return Path(given) if given else user_cache_path("knowshift")


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a file to write, which then replaces `path`; where writing fails, `path` stays as it was.

    The file's name is unique, so that several processes, on several machines, may write `path` at once.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    with atomic_write(path) as part:
        part.write_bytes(content)
