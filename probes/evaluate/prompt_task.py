"""Define the prompt task: documents, a prompt, and what is weighed or written. Suites make them, the runner reads them.

A task's documents carry the fields of its prompt (a Jinja template) and, of our own:

    id        unique in the task
    question  what it belongs to: several documents may ask one question (rotations of its options)
    choices   the continuations to weigh (kind `choices`)
    target    what a shot answers; empty in a document that is asked
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from ...errors import UsageError
from ...terms.items import JOINER

Kind = Literal["choices", "answer", "text"]
Doc = dict[str, Any]

PROMPTS = Path(__file__).parent / "prompts"


@dataclass(frozen=True)
class PromptTask:
    """How a model is asked about documents.

    `choices`: the log-probability (nats, summed over tokens) of each of a document's continuations after the prompt;
    `answer`: what the model writes, greedily, up to `max_tokens` tokens or one of `until`;
    `text`: the log-probability of the document's field `text` alone.
    """

    name: str
    kind: Kind
    docs: tuple[Doc, ...]
    prompt: str = ""
    shots: tuple[Doc, ...] = ()
    """Answered examples that stand before each document."""
    system: str = ""
    until: tuple[str, ...] = ()
    max_tokens: int = 0
    joiner: str = JOINER
    """What stands between the prompt and a choice."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of all that is asked."""
        found = hashlib.sha256()
        # Document by document: an ask over long letters is larger than its text should ever be in one piece.
        head = [self.name, self.kind, self.prompt, self.system, self.until, self.max_tokens, len(self.shots)]
        if self.joiner != JOINER:
            # Answers that were kept before there was a choice stay valid.
            head.append(self.joiner)
        for part in (head, *self.shots, *self.docs):
            found.update(json.dumps(part, sort_keys=True, ensure_ascii=False).encode() + b"\0")
        return found.hexdigest()

    @property
    def questions(self) -> list[str]:
        """In order, each once."""
        return list(dict.fromkeys(doc["question"] for doc in self.docs))


def prompt(name: str, folder: Path | None = None) -> str:
    """The template `name`, from `folder` where it holds one of that name. Raises `UsageError`."""
    places = [place / f"{name}.txt" for place in (folder, PROMPTS) if place is not None]
    file = next((place for place in places if place.is_file()), places[-1])
    try:
        return file.read_text(encoding="utf-8-sig").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: the prompt cannot be read as UTF-8 text; mend it, or leave it out") from error


def check_folder(folder: Path | None) -> None:
    """Raises `UsageError` where `folder` holds a template that no suite reads, or one that is no Jinja."""
    if folder is None:
        return
    from jinja2 import Environment, TemplateSyntaxError

    if not folder.is_dir():
        raise UsageError(f"--prompts {folder}: no such folder; give a folder of edited prompt templates (.txt)")
    known = sorted(file.stem for file in PROMPTS.glob("*.txt"))
    for file in sorted(folder.glob("*.txt")):
        if file.stem not in known:
            raise UsageError(f"{file}: no suite reads a prompt of that name; the names are {', '.join(known)}")
        try:
            Environment().parse(prompt(file.stem, folder))
        except TemplateSyntaxError as error:
            raise UsageError(f"{file}, line {error.lineno}: not a Jinja template: {error.message}") from error


def require_unique_names(asks: Sequence[PromptTask]) -> None:
    """Raise `ValueError` where two tasks share a name or two documents of a task an id; answers are stored by these."""
    names = [ask.name for ask in asks]
    if len(set(names)) < len(names):
        raise ValueError(f"two asks share a name: {names}")
    for ask in asks:
        if len({doc["id"] for doc in ask.docs}) < len(ask.docs):
            raise ValueError(f"{ask.name}: two documents share an id")
