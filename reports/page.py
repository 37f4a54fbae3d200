"""Writes the pages: one self-contained file each, nothing fetched. Called by the command; reads run directories alone.

Scripts stand inline under a Content-Security-Policy that names their SHA-256 hashes, so no text of a corpus or a
model can become a script.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ..probes.results.lens import LensReading
from .bundle import script
from .evaluation import FILE, evaluation_sections, read_evaluation
from .inert import inert, inert_model
from .lens import lens_sections
from .pack import block
from .registry import Section, entries
from .run_view import RunView, read_json
from .writing import write_file

PAGE = Path(__file__).parent / "page"
NO_TEXT = (
    "The texts are left out of this page (--no-text): no passage of the corpus and no words of a fact stand in it. "
    "Names of concepts, ids and numbers do."
)


def render(run: Path, out: Path | None = None, *, text: bool | None = None) -> Path:
    """Write the report of a finished run directory.

    A run of `probe evaluate` alone has its answers on the page, and no text of questions either way.

    Args:
        run: The run directory.
        out: The page, by default `run/report.html`.
        text: Whether passages of the corpus and words of facts may stand on the page, by default as run.json says;
            a page without them says so.

    Returns:
        The path written.

    Raises:
        RunError: The run is not finished, is newer than this version, or the page cannot be written.
    """
    run = Path(run)
    out = Path(out) if out else run / "report.html"
    if (run / FILE).is_file():
        return _render_evaluation(run, out)
    view = RunView.read(run, text)
    record, result = view.record, view.result
    drawn = [(entry.anchor, entry.title, entry.render(view)) for entry in entries()]
    parts = [(anchor, title, part) for anchor, title, part in drawn if part is not None]
    facts = {
        "base": result.base,
        "domain": result.domain,
        "unit": view.unit,
        "template": record.template or "–",
        "made": record.created or "–",
    }
    notice = "" if view.text else NO_TEXT
    models = list(result.models)
    return _write(_title(view), facts, parts, out, notice, models)


def _title(run: RunView) -> str:
    """Return which models were compared, and of one model alone both halves of its verdict."""
    compared = f"{', '.join(run.models)} beside {run.result.base}"
    return compared if len(run.models) > 1 else f"{compared}. {next(iter(run.models.values())).title}"


def _render_evaluation(run: Path, out: Path) -> Path:
    evaluation = read_evaluation(run / FILE)
    about = inert(read_json(run / "run.json", "evaluate again"))
    facts = {"suite": evaluation.suite, "base": evaluation.base, "domain": evaluation.domain or "–"}
    facts["made"] = str(about.get("created") or "–")
    title = f"{', '.join(evaluation.models)} beside {evaluation.base}: answers"
    return _write(title, facts, evaluation_sections(evaluation, about), out)


def render_lens(reading: LensReading, out: Path) -> Path:
    """Write the logit lens of one text to `out`: tokens by layers for each model, and the difference.

    Returns:
        The path written.

    Raises:
        RunError: The models' arrays differ in shape, or `out` cannot be written.
    """
    reading = inert_model(reading)
    parts = lens_sections(reading)
    names = " and ".join(model.name for model in reading.models)
    facts = {
        "tokens": len(reading.tokens),
        "layers": len(reading.layers),
        "template": reading.template or "–",
        "lens": reading.lens.kind,
    }
    return _write(f"Logit lens: {names}", facts, parts, Path(out))


@cache
def _scripts() -> tuple[str, str]:
    """Return the page's two scripts: Plotly, and our modules."""
    from plotly.offline import get_plotlyjs  # half a second; not for a caller that only reads a run

    return get_plotlyjs(), script()


@cache
def _plotly() -> Markup:
    """Return Plotly as a compressed block, which charts.js puts in as an inline script; its hash allows it."""
    return block("data-plotly", _scripts()[0])


def policy(scripts: Sequence[str]) -> str:
    """Return the Content-Security-Policy: these scripts, inline styles, images from data; no network."""
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{value}'" for value in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _write(
    title: str,
    facts: Mapping[str, object],
    parts: list[tuple[str, str, Section]],
    out: Path,
    notice: str = "",
    models: Sequence[str] = (),
) -> Path:
    """Fill the template and write the page to `out`, whole or not at all."""
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
    return write_file(out, page.encode("utf-8", "replace"), "report.html", "page")
