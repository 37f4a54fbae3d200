"""The domain.toml of a domain that was made from a source. Read by `source`."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from ..domain import Domain, Fact
from ..items import JOINER
from .joining import ends_spaceless

_TOP = """\
# Made by probe domain from; the facts are in facts.jsonl, what was left out is in build.json.
"""
_TRAINING = """
# What the facts were made from. probe compare takes it for the models' training data (--training-data none: not).
"""


def head_text(domain: Domain, source: str, folder: Path) -> str:
    """Return the text of domain.toml for a folder to be; a source that is a file is named as training data."""
    lines = [
        _TOP.rstrip(),
        f"name = {_quoted(domain.name)}",
        f"description = {_quoted(domain.description)}",
        f"licence = {_quoted(domain.licence)}",
        f"general = {_quoted(domain.general)}",
    ]
    if domain.contrast:
        lines.append(f"contrast = {_quoted(domain.contrast)}")
    if domain.joiner != JOINER:
        lines.append(f"joiner = {_quoted(domain.joiner)}")
    if source and Path(source).exists():
        lines += [_TRAINING.rstrip(), f"training_data = {_quoted(_from_folder(source, folder))}"]
    for specialty in domain.specialties.values():
        key = specialty.id if re.fullmatch("[A-Za-z0-9_-]+", specialty.id) else _quoted(specialty.id)
        aliases = ", ".join(map(_quoted, specialty.aliases))
        lines += ["", f"[specialties.{key}]", f"name = {_quoted(specialty.name)}", f"aliases = [{aliases}]"]
    return "\n".join(lines) + "\n"


def joiner_of(facts: Sequence[Fact]) -> str:
    """Return what joins cue and answer: nothing where most answers are in scripts without spaces."""
    spaceless = sum(ends_spaceless(fact.answer) for fact in facts)
    return "" if 2 * spaceless > len(facts) else JOINER


def _from_folder(source: str, folder: Path) -> str:
    """Return the path from the folder, so that both can be moved together; the whole path on another drive."""
    try:
        return Path(os.path.relpath(Path(source).resolve(), folder.resolve())).as_posix()
    except ValueError:
        return Path(source).resolve().as_posix()


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
