"""Write the table of docs/formats.md from the readers' registry: `python docs/formats.py`."""

from __future__ import annotations

from pathlib import Path

from knowshift.terms.reading.formats import FORMATS

PAGE = Path(__file__).parent / "formats.md"
BEGIN, END = "<!-- formats: begin -->\n", "<!-- formats: end -->\n"


def table() -> str:
    """Return the Markdown table of all forms."""
    rows = ["| form | endings (any case, each also with `.gz`) | how it is read |", "|---|---|---|"]
    for form in FORMATS:
        endings = ", ".join(f"`.{suffix}`" for suffix in form.suffixes)
        rows.append(f"| {form.name} | {endings} | {form.about} |")
    return "\n".join(rows) + "\n"


def page(text: str) -> str:
    """Return the page with the table between its marks made anew."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
