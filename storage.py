"""Where what took long is kept between runs, and how files are written: whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_path


def cache_folder() -> Path:
    """`KNOWSHIFT_CACHE`, else the user's cache folder."""
    given = os.environ.get("KNOWSHIFT_CACHE")
    return Path(given) if given else user_cache_path("knowshift")


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A place to write a file to, which then takes `path`'s place; where the writing fails, nothing has happened.

    The place is this process's own, so that several may write one file.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that it is there whole or not at all."""
    with whole(path) as part:
        part.write_bytes(content)
