"""Write the JSON Schema of every result file: `python -m knowshift.probes.results.schemas docs/schemas`."""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from pathlib import Path

from ...storage import write_whole
from .base import Document

PACKAGE = str(__package__)


def documents() -> list[type[Document]]:
    """Return every kind of result file that this package defines, by file name."""
    for module in pkgutil.iter_modules(importlib.import_module(PACKAGE).__path__, f"{PACKAGE}."):
        importlib.import_module(module.name)
    own = (kind for kind in Document.__subclasses__() if kind.__module__.startswith(f"{PACKAGE}."))
    return sorted(own, key=lambda kind: kind.FILE)


def json_schema(document: type[Document]) -> str:
    """Return the JSON Schema (draft 2020-12) of a result file, as JSON text."""
    schema = document.model_json_schema(mode="serialization")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["properties"]["schema"] = {"const": document.VERSION, "description": "Version of the layout."}
    return json.dumps(schema, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def write_schemas(folder: Path) -> None:
    """Write a schema a result file into `folder`, named as the file."""
    folder.mkdir(parents=True, exist_ok=True)
    for document in documents():
        write_whole(folder / document.FILE, json_schema(document).encode())


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
