"""The files next to the weights: the model's config and its tokenizer."""

from __future__ import annotations

import copy
import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import AdapterError, CheckpointError, first_line
from .sources import quiet, tokenizer_files

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedTokenizerBase

PROBE_TEXT = "In Zürich-Örlikon, on odd days, take phthalocyanine (9 mg);\n  Poincaré's lemma is “idempotent”."
"""Two tokenizers that agree on their tokens and cut this alike are taken for one."""


@dataclass(frozen=True, slots=True)
class BaseFiles:
    """What a model takes from its base where it has no config or tokenizer of its own."""

    name: str
    tokenizer: PreTrainedTokenizerBase
    config: PretrainedConfig
    weights_hash: str
    """SHA-256 (hex) that stands for the base's files in the hash of the model that uses them."""


@dataclass(slots=True)
class TokenizerSource:
    """A tokenizer, the files it came from, and warnings for the user."""

    tokenizer: PreTrainedTokenizerBase
    parts: list[Path | str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def resolve_tokenizer(
    folders: list[Path], config: PretrainedConfig, base: BaseFiles | None, path: Path
) -> TokenizerSource:
    """Return the tokenizer of the first of `folders` that has one, or else the base's. Raises `CheckpointError`."""
    folder = next((folder for folder in folders if tokenizer_files(folder)), None)
    if folder is None and base is not None:
        note = f"{path.name} has no tokenizer of its own; {base.name}'s is used"
        return TokenizerSource(base.tokenizer, [base.weights_hash], [note])
    folder = folder or folders[0]
    return TokenizerSource(load_tokenizer(folder, config), [*tokenizer_files(folder)])


def resolve_config(
    embedded: dict[str, Any] | None, path: Path, folders: list[Path], base: BaseFiles | None
) -> tuple[PretrainedConfig, list[Path | str]]:
    """Return the config embedded in the file `path`, or that of the first of `folders` that has one, or the base's.

    The second value lists the files, or the hash, that the config came from. Raises `CheckpointError`.
    """
    if embedded is not None:
        return make_config(embedded, path), []
    folder = next((folder for folder in folders if (folder / "config.json").is_file()), None)
    if folder is not None:
        return read_model_config(folder), [folder / "config.json"]
    if base is None:
        raise CheckpointError(
            f"{path}: there is no config.json beside it; give the folder with its config and tokenizer (--config DIR)"
        )
    return copy.deepcopy(base.config), [base.weights_hash]


def read_model_config(folder: Path) -> PretrainedConfig:
    """The config.json in `folder`. Raises `CheckpointError`."""
    file = folder / "config.json"
    try:
        values = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{file}: cannot be read as JSON ({first_line(error)}); expected a model's config"
        ) from error
    return make_config(values, file)


def make_config(values: Any, source: Path) -> PretrainedConfig:
    """The config of a model's settings. Raises `CheckpointError`."""
    from transformers import CONFIG_MAPPING

    kind = values.get("model_type") if isinstance(values, dict) else None
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING:
        known = (
            f"its model_type is {kind!r}, which the installed transformers does not know" if kind else "no model_type"
        )
        code = "; a model that brings its own code is not run" if kind and "auto_map" in values else ""
        raise CheckpointError(f"{source}: {known}{code}; expected that of a causal language model, such as llama")
    try:
        with quiet():
            return CONFIG_MAPPING[kind].from_dict(values)
    except Exception as error:  # configs check themselves, each in its way
        raise CheckpointError(f"{source}: not a config of a {kind} model ({first_line(error)})") from error


def load_tokenizer(folder: Path, config: PretrainedConfig | None = None) -> PreTrainedTokenizerBase:
    """The tokenizer in `folder`. Raises `CheckpointError` where there is none, or none that gives character offsets."""
    from transformers import AutoTokenizer

    if not tokenizer_files(folder):
        raise CheckpointError(
            f"{folder}: there is no tokenizer; expected tokenizer.json beside the weights, or --config DIR"
        )
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(folder, config=config, local_files_only=True)
    except Exception as error:  # the tokenizers library raises bare exceptions
        raise CheckpointError(f"{folder}: its tokenizer cannot be opened ({first_line(error)})") from error
    if not tokenizer.is_fast:
        raise CheckpointError(
            f"{folder}: its tokenizer gives no character offsets, which targets are found by; save it as tokenizer.json"
        )
    if isinstance(tokenizer.chat_template, str):
        # Saved with a byte order mark, it would put a letter before every text.
        tokenizer.chat_template = tokenizer.chat_template.removeprefix("\ufeff")
    return tokenizer


def unpack_tokenizer(texts: dict[str, str], config: PretrainedConfig, path: Path) -> PreTrainedTokenizerBase:
    """The tokenizer whose files a self-contained checkpoint carries (name -> text)."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            Path(folder, Path(name).name).write_text(text, encoding="utf-8")
        try:
            tokenizer = load_tokenizer(Path(folder), config)
        except CheckpointError as error:
            raise CheckpointError(str(error).replace(folder, str(path))) from error
    tokenizer.name_or_path = str(path)  # the folder is gone
    return tokenizer


def compare_tokenizers(
    folder: Path, adapter: str, base_tokenizer: PreTrainedTokenizerBase, base: str, config: PretrainedConfig
) -> list[str]:
    """Refuses an adapter whose own tokenizer cuts text otherwise than its base's. Raises `AdapterError`.

    Special tokens that it only adds (for padding, mostly) stand in no text: they are noted.
    """
    if not tokenizer_files(folder):
        return []
    tokenizer = load_tokenizer(folder, config)
    own, theirs = tokenizer.get_vocab(), base_tokenizer.get_vocab()
    moved = [token for token, number in theirs.items() if own.get(token) != number]
    added = own.keys() - theirs.keys()
    cut = tokenizer(PROBE_TEXT)["input_ids"] != base_tokenizer(PROBE_TEXT)["input_ids"]
    if moved or cut or not added <= tokenizer.get_added_vocab().keys():
        where = f"{moved[0]!r} has another id" if moved else f"{len(own)} tokens, the base has {len(theirs)}"
        where = where if moved or len(own) != len(theirs) else "the same tokens, but text is cut otherwise"
        raise AdapterError(
            f"{adapter}: was trained with another vocabulary than base {base} (the tokenizers beside them differ: "
            f"{where}); give the base it was trained on"
        )
    return [f"{adapter}'s tokenizer adds {', '.join(sorted(added))}; the base's is used"] if added else []
