"""Notebooks as pages of the site, their outputs as they were committed. A hook of mkdocs; nothing is executed.

mkdocs-jupyter would do it too, with a dozen packages and half a megabyte of styles a page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Beside each `NAME.ipynb`, which stays to be downloaded, a page `NAME.md`."""
    for file in [file for file in files if file.src_uri.endswith(".ipynb")]:
        path = PurePosixPath(file.src_uri)
        text = "\n\n".join(parts(json.loads(file.content_string)))
        note = f'This page is <a href="{path.name}" download>a notebook</a> with the outputs of its last run.'
        files.append(File.generated(config, str(path.with_suffix(".md")), content=f"{text}\n\n{note}\n"))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """A link to a notebook leads to its page."""
    return re.sub(r"(\]\([\w/.-]+)\.ipynb\)", r"\1.md)", markdown)


def parts(notebook: Mapping[str, Any]) -> Iterator[str]:
    """Its cells as Markdown, each followed by its outputs."""
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            yield source
        else:
            yield _fenced(source, "python")
            yield from (_output(output) for output in cell["outputs"])


def _output(output: Mapping[str, Any]) -> str:
    """A table as it is, anything else as text."""
    data = output.get("data", {"text/plain": output.get("text", "")})
    if "text/html" in data:
        return f"<div>{''.join(data['text/html'])}</div>"
    return _fenced("".join(data["text/plain"]).rstrip("\n"), "text")


def _fenced(text: str, language: str) -> str:
    return f"````{language}\n{text}\n````"
