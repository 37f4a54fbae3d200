"""Where a checkpoint comes from: a path or a hub id, the files that make it up, and the hash of their content."""

from __future__ import annotations

import hashlib
import json
import os
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from logging import CRITICAL, getLogger
from pathlib import Path

from ..errors import CheckpointError, first_line

WEIGHT_SUFFIXES = (".pt", ".pth", ".bin", ".safetensors")
HUB_FILES = ["*.json", "*.safetensors", "*.model", "*.jinja", "merges.txt", "vocab.txt"]
HUB_LEFT = ["*/*", "consolidated*"]
"""Not fetched although their names fit: what lies in folders (a `*` goes across `/`), and weights in another format."""
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "spiece.model",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "chat_template.jinja",
)
VOCABULARIES = ("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.json", "vocab.txt")
"""A folder with none of these has no tokenizer."""


def locate(spec: str | Path, what: str = "checkpoint") -> Path:
    """The file or directory that `spec` names, fetched from the hub where it is a hub id. Raises `CheckpointError`."""
    path = Path(spec).expanduser()
    if path.exists():
        return path
    text = str(spec)
    if not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*|[\w-]+", text) or path.suffix in WEIGHT_SUFFIXES:
        raise CheckpointError(
            f"{text}: no such file or directory; give a path that exists, or a hub id (owner/name), as the {what}"
        )
    return _fetch(text, what)


def _fetch(spec: str, what: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(spec, allow_patterns=HUB_FILES, ignore_patterns=HUB_LEFT))
        if not any(folder.glob("*.safetensors")):
            pickles = [*HUB_FILES, "*.bin"]
            folder = Path(snapshot_download(spec, allow_patterns=pickles, ignore_patterns=HUB_LEFT))
    except Exception as error:  # the hub's client raises its own, its HTTP library's and the system's errors
        raise CheckpointError(
            f"{spec}: no such path, and it cannot be had from the hub ({first_line(error)}); "
            f"check the spelling, or give a {what} that is on this machine"
        ) from error
    return folder


def hub_id(spec: str | Path) -> str | None:
    """`spec` where it names a model on the hub; None where it is a path."""
    return None if Path(spec).expanduser().exists() else str(spec)


def label(path: Path, spec: str | Path) -> str:
    """Return what a checkpoint is called: its folder's name, or its file's stem; a hub id's last part.

    A symbolic link keeps its own name, and a snapshot of the hub's cache, whose folder is a commit's hash, has that of
    its repository.
    """
    if path.is_file():
        generic = path.stem in ("model", "pytorch_model", "adapter_model", "weights", "checkpoint")
        return _repository(path.parent)[1] if generic else path.stem
    local = Path(spec).expanduser()
    return _repository(local)[1] if local.exists() else local.name


def parent_label(path: Path) -> str:
    """Return what stands before a checkpoint's name where two have the same: its parent folder's name, or the owner."""
    return _repository(path)[0]


def _repository(folder: Path) -> tuple[str, str]:
    """Return a folder's parent's name and its own; of a snapshot in the hub's cache, owner and name."""
    absolute = Path(os.path.abspath(folder.expanduser()))  # not resolved: a link has a name for a reason
    cached = absolute.parent.parent.name
    if absolute.parent.name == "snapshots" and cached.startswith("models--"):
        owner, _, name = cached.removeprefix("models--").rpartition("--")
        return owner, name
    return absolute.parent.name, absolute.name


def weight_files(folder: Path) -> list[Path]:
    """The weight files that `transformers` would load from `folder`: safetensors before pickles."""
    for pattern in ("model*.safetensors", "pytorch_model*.bin"):
        if found := sorted(folder.glob(pattern)):
            return found
    return []


def missing_shards(folder: Path) -> list[str]:
    """The weight files that the index in `folder` names and that are not there; none where no index is used."""
    for whole, index in (
        ("model.safetensors", "model.safetensors.index.json"),
        ("pytorch_model.bin", "pytorch_model.bin.index.json"),
    ):
        if (folder / whole).is_file():
            return []
        try:
            shards = json.loads((folder / index).read_text(encoding="utf-8"))["weight_map"].values()
            absent = sorted({str(name) for name in shards if not (folder / str(name)).is_file()})
        except FileNotFoundError:
            continue
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(
                f"{folder / index}: cannot be read ({type(error).__name__}: {first_line(error)}); copy or download it "
                "again"
            ) from error
        return absent
    return []


def tokenizer_files(folder: Path) -> list[Path]:
    """The tokenizer's files in `folder`; empty where it holds no vocabulary."""
    if not any((folder / name).is_file() for name in VOCABULARIES):
        return []
    return [folder / name for name in TOKENIZER_FILES if (folder / name).is_file()]


def content_hash(parts: Iterable[Path | str]) -> str:
    """SHA-256 (hex) of files' names and bytes, and of given hashes, in order; of one file, the hash of its bytes."""
    lines = []
    for part in parts:
        if isinstance(part, Path):
            with part.open("rb") as file:
                lines.append((part.name, hashlib.file_digest(file, "sha256").hexdigest()))
        else:
            lines.append(("", part))
    if len(lines) == 1:
        return lines[0][1]
    return hashlib.sha256("\n".join(f"{name} {digest}" for name, digest in lines).encode()).hexdigest()


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps the libraries' loading reports, progress bars and warnings away; what matters in them becomes an error."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(CRITICAL)
    layout = getLogger("accelerate.big_modeling")
    heard, layout.disabled = layout.disabled, True
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
        layout.disabled = heard
        if bars:
            logging.enable_progress_bar()
