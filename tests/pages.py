"""A written page, as a reader and a test see it."""

from __future__ import annotations

import base64
import gzip
import json
from html.parser import HTMLParser

from knowshift.reports.page import render


class Page(HTMLParser):
    """Tags with their attributes, script texts, and the text a reader sees."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[str | None, str]] = []
        self.seen: list[str] = []
        self.styles = ""
        self.blocks: list[tuple[str | None, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in {"b", "span", "data"}:
            self.seen.append(" ")
        if tag == "script":
            self.scripts.append((dict(attrs).get("type"), ""))
            self.blocks.append((dict(attrs).get("id"), ""))

    def handle_data(self, data):
        if self.cdata_elem == "script":
            kind, held = self.scripts[-1]
            self.scripts[-1] = kind, held + data
            self.blocks[-1] = self.blocks[-1][0], held + data
        elif self.cdata_elem == "style":
            self.styles += data
        else:
            self.seen.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.seen).split())

    @property
    def figures(self) -> list[dict]:
        blocks = [json.loads(text) for kind, text in self.scripts if kind == "application/json"]
        return [block for block in blocks if "layout" in block]

    def packed(self, name: str):
        """What the compressed block `data-NAME` holds."""
        held = [text for tag, text in self.blocks if tag == f"data-{name}"]
        text = gzip.decompress(base64.b64decode(held[0])).decode()
        return text if name == "plotly" else json.loads(text)

    @property
    def values(self) -> set[float]:
        """The exact values behind the numbers on the page."""
        return {float(attrs["value"]) for tag, attrs in self.tags if tag == "data"}


def shown(run) -> Page:
    """The page of a run."""
    return Page(render(run).read_text(encoding="utf-8"))
