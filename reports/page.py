"""Writes the pages: one self-contained file each, nothing fetched. Called by the command; reads run directories alone.

Scripts stand inline under a Content-Security-Policy that names their SHA-256 hashes, so no text of a corpus or a
model can become a script.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from .bundle import script
from .evaluation import FILE, evaluation_sections, read_evaluation
from .inert import inert
from .lens import lens_sections
from .numbers import AGAIN
from .pack import block
from .registry import Section, entries
from .run_view import RunView, read_json
from .writing import put

PAGE = Path(__file__).parent / "page"
NO_TEXT = (
    "The texts are left out of this page (--no-text): no passage of the corpus and no words of a fact stand in it. "
    "Names of concepts, ids and numbers do."
)


def render(run: Path, out: Path | None = None, *, text: bool | None = None) -> Path:
    """Writes the report of the finished run directory `run` to `out` (default: `run/report.html`); the path written.

    Without `text` (None: as run.json says) neither passages of the corpus nor words of a fact stand on the page, and
    it says so.
    A run of `probe evaluate` alone, whose page holds no text of questions either way, has its answers on it.
    Raises RunError if the run is not finished, is newer than this version, or the file cannot be written.
    """
    run = Path(run)
    out = Path(out) if out else run / "report.html"
    if (run / FILE).is_file():
        return _render_evaluation(run, out)
    if text is None:  # older runs do not say: theirs is shown; what is no run, RunView tells
        record = run / "run.json"
        text = not record.is_file() or read_json(record, AGAIN).get("text", True) is True
    view = RunView.read(run, text)
    drawn = [(entry.anchor, entry.title, entry.render(view)) for entry in entries()]
    parts = [(anchor, title, part) for anchor, title, part in drawn if part is not None]
    names = ", ".join(model.name for model in view.models)
    facts = {"base": view.base, "domain": view.domain, "unit": view.unit, "template": view.run.get("template") or "–"}
    facts["made"] = str(view.run.get("created") or "–")
    notice = "" if text else NO_TEXT
    models = [model.name for model in view.models]
    return _write(f"{names} beside {view.base}", facts, parts, out, notice, models)


def _render_evaluation(run: Path, out: Path) -> Path:
    found = read_evaluation(run / FILE)
    about = inert(read_json(run / "run.json", "evaluate again"))
    facts = {"suite": found["suite"], "base": found["base"], "domain": found.get("domain") or "–"}
    facts["made"] = str(about.get("created") or "–")
    title = f"{', '.join(map(str, found['models']))} beside {found['base']}: answers"
    return _write(title, facts, evaluation_sections(found, about), out)


def render_lens(reading: dict[str, Any], out: Path) -> Path:
    """Writes the logit lens of one text to `out`: tokens by layers for each model and the difference; the path written.

    `reading` holds `text`, `tokens` [tokens], `layers` [layers], `template`, and `models`, the base first: each with
    `name` and, [layers][tokens], `logprob` (nats of the token at that place given those before it; null where no model
    predicts it), `rank` (0 best) and `top` (the likeliest token there); `lens` says which it was. Raises RunError if
    the shapes differ or `out` cannot be written.
    """
    reading = inert(reading)
    parts = lens_sections(reading)
    names = " and ".join(str(model["name"]) for model in reading["models"])
    facts = {name: len(reading[name]) for name in ("tokens", "layers")} | {"template": reading.get("template") or "–"}
    facts["lens"] = (reading.get("lens") or {}).get("kind", "raw")
    return _write(f"Logit lens: {names}", facts, parts, Path(out))


@cache
def _scripts() -> tuple[str, str]:
    """The page's two scripts: Plotly, and our modules."""
    from plotly.offline import get_plotlyjs  # half a second; not for a caller that only reads a run

    return get_plotlyjs(), script()


@cache
def _plotly() -> Markup:
    """Plotly as a compressed block: charts.js opens it and puts it in as an inline script, which its hash allows."""
    return block("data-plotly", _scripts()[0])


def policy(scripts: Sequence[str]) -> str:
    """The Content-Security-Policy: these scripts, inline styles, images from data; nothing else, and no network."""
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{value}'" for value in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _write(
    title: str,
    facts: dict[str, Any],
    parts: list[tuple[str, str, Section]],
    out: Path,
    notice: str = "",
    models: Sequence[str] = (),
) -> Path:
    """Fills the template and puts the page at `out`, whole or not at all."""
    environment = Environment(loader=FileSystemLoader(PAGE), autoescape=True, undefined=StrictUndefined)
    page = environment.get_template("template.html.j2").render(
        title=title,
        facts=facts,
        parts=parts,
        style=Markup((PAGE / "style.css").read_text(encoding="utf-8")),
        notice=notice,
        models=models,
        plotly=_plotly(),
        script=Markup(_scripts()[1]),
        policy=policy(_scripts()),
    )
    # A lone surrogate in a token must not stop the page.
    return put(out, page.encode("utf-8", "replace"), "report.html", "page")
