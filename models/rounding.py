"""On which precision of its base a model was trained, as its files say.

QLoRA and trainers such as Unsloth, Axolotl and LLaMA-Factory train on a base whose weights are rounded to 4 or 8 bits.
Beside the unrounded base, what rounding changed then looks like tuning. No file must say so, and each trainer writes it
elsewhere: in the recorded base's name, in a config, in a file of arguments, or in the model card.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from .methods import CONFIG

OTHER = "other"
"""Rounded by a method that is not repeated here, such as GPTQ or AWQ."""
SIZE = 1 << 18
"""Characters of a file that are looked through."""
ARGUMENTS = (
    "config.json",
    "training_args.yaml",
    "training_args.json",
    "llamaboard_config.yaml",
    "axolotl_config.yaml",
    "args.json",
    "README.md",
)
"""Files of a model's folder that may say it, the model card last."""
NAME = re.compile(r"[-_](?:bnb|bitsandbytes)[-_](?P<bits>[48])[-_]?bit\b", re.I)
"""Of a base, in its name on the hub."""
OTHER_NAME = re.compile(r"[-_](?:gptq|awq|hqq|[48][-_]?bit|int[48])\b", re.I)
VALUE = r"[\"'`*]*\s*:\s*[\"'`*]*"
LOADED = re.compile(rf"load_in_(?P<bits>[48])bit{VALUE}true\b|\bquant(?:ization)?_bits?{VALUE}(?P<more>[48])\b", re.I)
QLORA = re.compile(r"^\s*adapter:\s*[\"']?qlora\b", re.I | re.M)
METHOD = re.compile(rf"\bquant_method{VALUE}(?:gptq|awq)\b", re.I)
BASE = re.compile(rf"\bbase_model(?:_name_or_path)?{VALUE}(?:-\s+)?(?P<name>[\w./-]+)", re.I)


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """A rounded base that a model was trained on."""

    precision: str
    """`4bit`, `8bit` or `other`."""
    source: str
    """What says so: a file's name, or the option."""

    def __str__(self) -> str:
        bits = {"4bit": "rounded to 4 bits", "8bit": "rounded to 8 bits"}.get(self.precision, "stored quantized")
        return f"trained on a base {bits} ({self.source} says so)"


def trained_on(folder: Path) -> TrainedOn | None:
    """Return the rounded base that the model in `folder` was trained on; None where no file tells of one."""
    if not folder.is_dir():
        return None
    try:
        recorded = json.loads((folder / CONFIG).read_text(encoding="utf-8-sig")).get("base_model_name_or_path")
    except (OSError, ValueError, AttributeError):
        recorded = None
    if isinstance(recorded, str) and (precision := _by_name(recorded)):
        return TrainedOn(precision, CONFIG)
    for name in ARGUMENTS:
        try:
            text = (folder / name).read_text(encoding="utf-8", errors="replace")[:SIZE]
        except OSError:
            continue
        if precision := _by_text(text):
            return TrainedOn(precision, name)
    return None


def _by_name(name: str) -> str | None:
    if found := NAME.search(name):
        return f"{found['bits']}bit"
    return OTHER if OTHER_NAME.search(name) else None


def _by_text(text: str) -> str | None:
    if found := LOADED.search(text):
        return f"{found['bits'] or found['more']}bit"
    if QLORA.search(text):
        return "4bit"
    if METHOD.search(text):
        return OTHER
    return next((precision for found in BASE.finditer(text) if (precision := _by_name(found["name"]))), None)
