"""Takes the pictures of docs/ from two pages: `python docs/images/take.py DEMO.html REAL.html`.

DEMO is the page of `probe demo`, REAL that of docs/real-run.md. Each picture is a state of a page that a reader can
reach: a term searched and chosen, a token pointed at, a fact opened.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

FOLDER = Path(__file__).parent
ARGUMENTS = "--no-sandbox --disable-gpu --disable-background-networking --disable-sync --no-first-run"
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 900}
MODEL, TERM = "cardio_lora", "dyspnea"


@contextmanager
def picture(
    browser: Browser, name: str, page: Path, size: dict[str, int], *, hash: str = "", dark: bool = False
) -> Iterator[Any]:
    """Opens `page` at `hash`; what the caller has done to it is then the picture `name`."""
    context = browser.new_context(viewport=size, color_scheme="dark" if dark else "light", offline=True)
    opened = context.new_page()
    opened.goto(page.resolve().as_uri() + hash)
    opened.wait_for_selector("html[data-drawn]")
    yield opened
    opened.wait_for_timeout(500)
    taken = Image.open(BytesIO(opened.screenshot()))
    taken.convert("RGB").quantize(255, dither=Image.Dither.NONE).save(FOLDER / f"{name}.png", optimize=True)
    context.close()


def choose_term(page: Any) -> None:
    page.locator("#terms-records input[type=search]").fill(TERM)
    page.locator("#terms-records tbody a").first.click()


def main(demo: Path, real: Path) -> None:
    model = f"#terms?model={MODEL}"
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS.split())
        for name, page in (("page", demo), ("real-page", real)):
            for end, size in (("", WIDE), ("-narrow", NARROW)):
                with picture(browser, f"{name}{end}", page, size):
                    pass
        for name, size in (("contexts", WIDE), ("contexts-narrow", NARROW)):
            with picture(browser, name, demo, size, hash=model) as page:
                choose_term(page)
                page.locator(".context .target").first.hover()
        with picture(browser, "layers-dark", demo, WIDE, hash=model, dark=True) as page:
            choose_term(page)
            page.locator(".context .target").first.click()
        with picture(browser, "fact", demo, WIDE, hash=f"#facts?model={MODEL}") as page:
            page.locator("#facts-records tbody a").first.click()
        with picture(browser, "real-contexts", real, WIDE, hash="#contexts"):
            pass
        browser.close()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
