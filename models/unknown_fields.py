"""Fields of an adapter's config that the installed peft does not know, and that it would drop with a hidden warning.

A field that changes what the adapter computes (its scaling, its structure) must not be dropped, so such an adapter is
refused. A field that is switched off, or that concerns training alone, changes nothing and is only named.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import AdapterError, first_line

TRAINING_ONLY = (
    "lora_dtype",
    "lorap_lr_ratio",
    "lorap_emb_lr",
    "merge_weights",
    "runtime_config",
    "transformers_version",
)
"""Fields of other trainers and of early peft versions that say how an adapter was trained, stored or merged."""
OFF = ("", "none", "null", "false")
"""Words, in lower case, for a setting that is switched off."""


def check_fields(file: Path) -> list[str]:
    """Return the fields of the adapter config `file` that the installed peft does not know and that change nothing.

    Raises:
        AdapterError: The file is no config of a peft method, or a field that peft does not know has a value.
    """
    fields, unknown = _read(file)
    harmless = {name for name in unknown if _is_harmless(name, fields)}
    if meaningful := sorted(unknown - harmless):
        named = ", ".join(f"{name} = {_shown(fields[name])}" for name in meaningful[:3])
        more = ", …" if len(meaningful) > 3 else ""
        fields_named = "fields" if len(meaningful) > 1 else "field"
        raise AdapterError(
            f"{file}: peft {_version()} does not know the {fields_named} {named}{more}, which may change what the "
            f"adapter computes; upgrade peft (pip install -U peft){_trained_with(fields)}"
        )
    return sorted(harmless)


def _read(file: Path) -> tuple[dict[str, Any], set[str]]:
    """Return the config's fields, and the names of those that peft does not know."""
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    try:
        fields = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise AdapterError(
            f"{file}: cannot be read as JSON ({first_line(error)}); save the adapter again with save_pretrained"
        ) from error
    method = fields.get("peft_type") if isinstance(fields, dict) else None
    if not isinstance(method, str):
        raise AdapterError(f"{file}: names no peft_type; save the adapter again with save_pretrained")
    kinds: Mapping[Any, Any] = PEFT_TYPE_TO_CONFIG_MAPPING
    if method not in kinds:
        raise AdapterError(
            f"{file}: peft {_version()} does not know the method {method}; upgrade peft (pip install -U peft)"
            f"{_trained_with(fields)}"
        )
    return fields, fields.keys() - inspect.signature(kinds[method].__init__).parameters.keys()


def _is_harmless(name: str, fields: Mapping[str, Any]) -> bool:
    value = fields[name]
    off = value is None or value is False or value in ([], {}) or (isinstance(value, str) and value.lower() in OFF)
    # Dropout acts in training alone. A part of a setting that is off, as qalora_group_size of use_qalora, acts nowhere.
    part_of = (switch for switch in fields if switch.startswith("use_") and name.startswith(f"{switch[4:]}_"))
    return off or name in TRAINING_ONLY or name.endswith("_dropout") or any(not fields[switch] for switch in part_of)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _version() -> str:
    from importlib.metadata import version

    return version("peft")


def _trained_with(fields: Mapping[str, Any]) -> str:
    """Return which version the adapter was saved with, where its config says so."""
    saved = fields.get("peft_version")
    return f" to {saved} or later, which saved it" if isinstance(saved, str) and saved else ""
