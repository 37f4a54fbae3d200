"""A page as PDF, printed by a Chromium or Chrome that is installed already. Called by the command.

The page's own print style applies. Nothing is fetched: the page's policy forbids it, and it is read from file://.
"""

from __future__ import annotations

import base64
import os
import shutil
from pathlib import Path

from ..errors import RunError, UsageError
from .devtools import Browser, BrowserError
from .writing import write_file

ENVIRONMENT = "KNOWSHIFT_BROWSER"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
SECONDS = 180.0
"""Longest that a browser may take."""
PAPER = {"paperWidth": 8.27, "paperHeight": 11.69}
"""A4, in inches."""
WIDTH = 688
"""Of what is printed on it, in CSS pixels: A4 less the style's margins of 14 mm."""
FIT = """
(async () => {
  const drawn = [...document.querySelectorAll(".plot")].filter((plot) => plot.data);
  await Promise.all(drawn.map((plot) => Plotly.Plots.resize(plot)));
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
})()
"""


def browser(given: str | None = None) -> str:
    """Return the browser's executable: `given` (a path or a name on PATH), `KNOWSHIFT_BROWSER`, else the first on PATH.

    Raises:
        UsageError: There is none.
    """
    if os.name == "nt":
        raise UsageError("--pdf: works on Linux and macOS alone; open the page in a browser and print it from there")
    for source, named in (("--browser", given), (ENVIRONMENT, os.environ.get(ENVIRONMENT))):
        if named:
            if program := shutil.which(os.path.expanduser(named)):
                return program
            raise UsageError(f"{source} {named}: no such program; give the path of a Chromium or Chrome")
    if program := next(filter(None, map(shutil.which, BROWSERS)), None):
        return program
    raise UsageError("--pdf: no Chromium or Chrome on PATH; install one, or give its path with --browser")


def write_pdf(page: Path, out: Path, program: str | None = None) -> Path:
    """Print the written page `page` to `out`, once its charts are drawn, and return the path.

    Raises:
        UsageError: There is no browser.
        RunError: The page could not be printed.
    """
    program = browser(program)
    try:
        with Browser(program, SECONDS) as opened:
            opened.open(page.resolve().as_uri())
            opened.wait_for("document.documentElement?.hasAttribute('data-drawn')")
            # Charts take the width they find: that of the paper, in the style it is printed in.
            opened.call(
                "Emulation.setDeviceMetricsOverride", width=WIDTH, height=1000, deviceScaleFactor=1, mobile=False
            )
            opened.call("Emulation.setEmulatedMedia", media="print")
            opened.evaluate(FIT)
            printed = opened.call("Page.printToPDF", printBackground=True, generateTaggedPDF=True, **PAPER)
    except (BrowserError, OSError) as error:
        raise RunError(f"{program}: printed no PDF of {page} ({error}); try another --browser") from None
    return write_file(out, base64.b64decode(printed["data"]), "report.pdf")
