"""Hostile strings in every text of a run, in a real browser: nothing runs, nothing is asked for, all is shown as text.

Chromium reads the pages from file:// with the network off. `hacked` is what each script among the strings would set.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import pytest
from hostile import HOSTILE
from knowshift.probes.results.lens import LensReading, ModelReading
from knowshift.reports.page import render, render_lens

pytestmark = pytest.mark.slow

BIDI = [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C]
UNSEEN = {code for code in [*range(0x20), 0x7F, *range(0x80, 0xA0), *BIDI] if chr(code) not in "\t\n\r"}
"""Characters that must not reach the page as they are."""
ALIKE = {**dict.fromkeys([*UNSEEN, *range(0x2400, 0x2422)], "�"), **dict.fromkeys(map(ord, " \t\n\r↵⇥␍"), "")}
PAGES = 2
MODELS = 3
KEPT = {
    "schema",
    "per",
    "state",
    "verdict",
    "view",
    "own",
    "model",
    "group",
    "lens",
    "kind",
    "flags",
    "metric",
    "outcome",
    "suite",
}
"""Keys and columns whose words are the house's own, or join one table with another."""


def alike(text: str) -> str:
    """A text as it is compared: what cannot be seen is `�`, however it is shown; spaces and ends of lines left out."""
    return text.translate(ALIKE)


def chunks(count: int) -> list[str]:
    """All strings, of the longest the beginning, in `count` texts."""
    return ["\n".join(text[:200] for text in HOSTILE[k::count]) for k in range(count)]


def poisoned(value: Any, text: str, names: dict[str, str] | None = None) -> Any:
    """JSON with every text but the house's own words replaced; `names`, keys as well, by what they stand for."""
    names = names or {}
    if isinstance(value, dict):
        return {
            names.get(key, key): held if key in KEPT else poisoned(held, text, names) for key, held in value.items()
        }
    if isinstance(value, list):
        return [poisoned(one, text, names) for one in value]
    return names.get(value, text) if isinstance(value, str) else value


def poison(run: Path, page: int) -> dict[str, str]:
    """Fills every text field of the run; over all pages each field has held every string. Returns the models' names."""
    whole, parts = chunks(PAGES)[page], chunks(PAGES * MODELS)
    for file in ("places.parquet", "readings.parquet"):
        (run / file).unlink(missing_ok=True)
    names = {}
    data = json.loads((run / "comparison.json").read_text(encoding="utf-8"))
    for k, name in enumerate(list(data["models"])):
        names[name] = parts[page * MODELS + k]
        data["models"][names[name]] = poisoned(data["models"].pop(name), names[name])
    top = {key: held for key, held in data.items() if key not in ("models", "specialties", "layer_numbers")}
    specialties = {key: f"{k}{whole}" for k, key in enumerate(data["specialties"])}
    data |= poisoned(top, whole) | {"specialties": specialties}
    (run / "comparison.json").write_text(json.dumps(data), encoding="utf-8")
    record = run / "run.json"
    record.write_text(json.dumps(poisoned(json.loads(record.read_text(encoding="utf-8")), whole)), encoding="utf-8")
    labels = {key: f"{k}{whole}" for k, key in enumerate(("cardiology", "dermatology"))}
    keys = {
        **names,
        **labels,
        "": "",
        **dict.fromkeys(("smedqa.letter", "clue.mednli", "base.pt", "drugs", "diseases"), whole),
    }
    evaluations = [run / f"evaluate/{suite}/evaluation.json" for suite in ("smedqa", "clue")]
    for found in (run / "hypotheses.json", *evaluations):
        found.write_text(json.dumps(poisoned(json.loads(found.read_text(encoding="utf-8")), whole, keys)))
    # A suite that another package had brought: nobody knows its name.
    (run / "evaluate/other").mkdir(exist_ok=True)
    other = json.loads(evaluations[1].read_text(encoding="utf-8")) | {"suite": whole}
    (run / "evaluate/other/evaluation.json").write_text(json.dumps(other), encoding="utf-8")
    # Models with such names have no files of scores: no place could be shown. `write_places` fills those texts.
    for file in (run / "terms.parquet", run / "facts.parquet"):
        frame = pl.read_parquet(file)
        frame = pl.concat([frame, frame.head(max(0, len(HOSTILE) - frame.height))])
        frame.with_columns(pl.col("model").replace(names), *columns(frame)).write_parquet(file)
    return names


def columns(frame: pl.DataFrame) -> list[pl.Series]:
    """The frame's columns of text, a string a row, each column beginning elsewhere."""
    out = []
    for shift, (name, kind) in enumerate(frame.schema.items()):
        turn = [HOSTILE[(row + 7 * shift) % len(HOSTILE)] for row in range(frame.height)]
        if name not in KEPT and kind == pl.String:
            out.append(pl.Series(name, turn))
        elif name not in KEPT and kind == pl.List(pl.String):
            out.append(pl.Series(name, [[text] * len(held) for text, held in zip(turn, frame[name], strict=True)]))
    return out


TEXT = """() => {
  const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  const out = [];
  while (walk.nextNode()) if (!walk.currentNode.parentElement.closest("script, style")) out.push(walk.currentNode.data);
  return out.join("\\n");
}"""
STRANGERS = """() => [...document.querySelectorAll("*")].filter((node) =>
  node.matches("img, iframe, object, embed, video, audio, source, base, form, frame, frameset, marquee, math, " +
    "portal, template, textarea, plaintext, xmp, noscript, dialog, meta[http-equiv=refresh], link:not([rel=icon]), " +
    "svg script, svg a, svg foreignObject, svg animate, [contenteditable], [autofocus]") ||
  [...node.attributes].some(({ name, value }) =>
    /^on/i.test(name) || (/href$/.test(name) && !/^(#|data:,$|data:image\\/png;)/.test(value)))
).map((node) => node.outerHTML.slice(0, 200))"""
HOVER = """() => {
  let hovered = 0;
  for (const plot of document.querySelectorAll(".plot"))
    for (const [k, trace] of (plot.data ?? []).entries())
      if (trace.hovertext?.length) {
        Plotly.Fx.hover(plot, [{ curveNumber: k, pointNumber: trace.z ? [0, 1] : 0 }]);
        hovered += 1;
      }
  return hovered;
}"""
ROWS = """async (name) => {
  const box = document.querySelector(`#${name}-records`);
  const view = box.querySelector(".scroll");
  const seen = new Map();
  for (view.scrollTop = 0; ; view.scrollTop += 300) {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    for (const row of box.querySelectorAll("tr[data-place]"))
      seen.set(row.dataset.place, [...row.children].map((cell) => cell.textContent));
    if (view.scrollTop + view.clientHeight >= view.scrollHeight - 1) return [...seen.values()];
  }
}"""


@pytest.fixture
def visit(browser) -> Iterator[Any]:
    """Opens a file and hands back the drawn page; at the end nothing has run, been asked for, or been let in."""
    faults: list[str] = []
    opened = []

    def visit(file: Path) -> Any:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, offline=True, accept_downloads=True)
        page = context.new_page()
        opened.append((context, page, file.as_uri()))
        context.on("page", lambda other: faults.append(f"opened {other.url}"))
        page.on("dialog", lambda dialog: (faults.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("pageerror", lambda error: faults.append(f"error {error}"))
        page.on("console", lambda message: faults.append(f"console {message.text}"))
        page.on("request", lambda request: faults.append(f"asked for {request.url}"))
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-drawn]", timeout=60_000)
        return page

    yield visit
    for context, page, url in opened:
        assert page.evaluate("globalThis.hacked") is None
        assert page.evaluate(STRANGERS) == []
        assert page.url.split("#")[0] == url
        context.close()
    own = tuple(f"asked for {start}" for start in ("data:", "blob:", *(url for *_, url in opened)))
    assert not [fault for fault in faults if not fault.startswith(own)]


@pytest.fixture
def run(finished, tmp_path) -> Path:
    """A run to be filled; the layers of one model alone, as drawing charts is what takes time."""
    shutil.copytree(finished, tmp_path / "run")
    file = tmp_path / "run" / "comparison.json"
    data = json.loads(file.read_text(encoding="utf-8"))
    for model in list(data["models"].values())[1:]:
        model["by_layer"] = {}
    file.write_text(json.dumps(data), encoding="utf-8")
    return tmp_path / "run"


def test_there_are_enough_of_them():
    assert len(set(HOSTILE)) == len(HOSTILE) >= 200


@pytest.mark.parametrize("part", range(PAGES))
def test_every_string_in_every_field(run, visit, part):
    """Names, sentences, reasons and notes stand on the page as they are; charts pointed at show them too."""
    names = poison(run, part).values()
    page = visit(render(run))
    seen = alike(page.evaluate(TEXT))
    assert alike(chunks(PAGES)[part]) in seen  # base, domain, command
    assert all(seen.count(alike(name)) > 5 for name in names)  # names, and what is said of each
    assert not UNSEEN & set(map(ord, page.evaluate(TEXT)))
    assert page.evaluate(HOVER) > MODELS
    if part == 0:
        for name, columns in (("terms", ["name"]), ("facts", ["cue", "answer"])):
            rows = page.evaluate(ROWS, name)
            wanted = pl.read_parquet(run / f"{name}.parquet").select(columns)
            assert {tuple(map(alike, row[: len(columns)])) for row in rows} == {
                tuple(map(alike, row)) for row in wanted.rows()
            }
            saved = csv_of(page, name)
            assert len(saved) == len(rows)
            assert not [
                cell
                for row in saved
                for cell in row[: len(columns)]
                if cell.startswith(("=", "+", "-", "@", "\t", "\r"))
            ]


def csv_of(page: Any, name: str) -> list[list[str]]:
    """The rows of the file that a table's button saves."""
    with page.expect_download() as download:
        page.locator(f"#{name}-records").get_by_role("button", name="Save as CSV").click()
    text = Path(download.value.path()).read_bytes().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))[1:]


def test_passages_and_their_tokens(run, visit):
    """A term, its passages, what stands at the pointer, its layers."""
    passages = write_places(run)
    page = visit(render(run))
    for concept, passage in passages.items():
        page.evaluate("(hash) => { location.hash = hash; }", f"contexts?concept={quote(concept, safe='')}")
        page.wait_for_timeout(30)
        assert alike(passage) in alike(
            page.locator("#contexts-list .tokens").first.evaluate("(node) => node.textContent")
        )
        page.locator("#contexts-list .token.target").first.focus()
        assert alike(TOP) in alike(page.locator("#tip").evaluate("(node) => node.textContent"))
        assert alike(concept) in alike(page.locator("#contexts-bar h3").evaluate("(node) => node.textContent"))
    page.locator("#contexts-list .token.target").first.click()
    assert page.locator("#layers-token .plot:has(svg.main-svg)").count() > 0


TOP = "".join(HOSTILE[::9])


def write_places(run: Path) -> dict[str, str]:
    """Places of terms whose ids, names, documents, passages and tokens are hostile; passages by id."""
    ids = ["".join(text[:99] for text in HOSTILE[k::9]) for k in range(9)]
    passages = {name: f"{ids[k - 1]} <b>term</b> {ids[k - 2]}" for k, name in enumerate(map(alike, ids))}
    terms = pl.read_parquet(run / "terms.parquet")
    old = terms["concept"].unique(maintain_order=True).to_list()[: len(ids)]
    renamed = dict(zip(old, passages, strict=True))
    terms = terms.with_columns(pl.col("concept").replace(renamed), name=pl.col("concept").replace(renamed))
    terms.write_parquet(run / "terms.parquet")
    rows, scores, readings = [], [], []
    models = json.loads((run / "comparison.json").read_text(encoding="utf-8"))["models"]
    for k, (concept, passage) in enumerate(passages.items()):
        start = passage.index("<b>term</b>")
        end = start + len("<b>term</b>")
        rows.append((f"term:{k}:0", concept, f"{k}{ids[k]}", 0, passage, start, end))
        scores.append((f"term:{k}:0", 2, -3.0, [-5.0, -4.0, -3.5, -3.0], [9, 3, 2, 1]))
        spans = [(0, start), (start, end), (end, len(passage))]
        for model in ("", *models):
            readings.append(
                {
                    "document": f"{k}{ids[k]}",
                    "begin": 0,
                    "model": model,
                    "starts": [span[0] for span in spans],
                    "ends": [span[1] for span in spans],
                    "logprob": [None, -1.0, -2.0],
                    "rank": [None, 0, 3],
                    "top": [[TOP]] * 3,
                    "top_logprob": [[-0.5]] * 3,
                    "lens": [[-1.0] * 3] * 4,
                    "lens_rank": [[1] * 3] * 4,
                }
            )
    names = ["item", "concept", "document", "begin", "passage", "start", "end"]
    pl.DataFrame(rows, schema=names, orient="row").write_parquet(run / "places.parquet")
    pl.DataFrame(readings, infer_schema_length=None).write_parquet(run / "readings.parquet")
    (run / "scores").mkdir(exist_ok=True)
    table = pl.DataFrame(scores, schema=["item", "tokens", "logprob", "lens", "rank"], orient="row")
    for model in ("base", *models):
        table.write_parquet(run / "scores" / f"{model}.parquet")
    return passages


def test_an_address_chooses_but_never_runs(run, visit):
    """What stands after # is a stranger's text as well."""
    page = visit(render(run))
    texts = [*chunks(4), *HOSTILE[::60]]
    for text in texts:
        page.evaluate(
            """([text, encoded]) => {
              location.hash = text;
              location.hash = `terms?model=${encoded}&concept=${encoded}&terms.q=${encoded}&terms.sort=${encoded}`;
              location.hash = `${encoded}?${encoded}=${encoded}&facts.without=${encoded}&place=${encoded}`;
            }""",
            [text, quote(text, safe="")],
        )
        page.wait_for_timeout(20)
    page.evaluate("location.hash = 'terms?'")
    page.wait_for_timeout(50)
    assert page.locator("#terms-records tr[data-place]").count() > 5


def test_tokens_of_a_lens_page(visit, tmp_path):
    strings = ["".join(text[:99] for text in HOSTILE[k::24]) for k in range(24)]
    grid = [[None, *(-1.0 - k % 7 for k in range(1, len(strings)))]] * 2
    tops = [strings[3:] + strings[:3]] * 2
    ranks = [[0] * len(strings)] * 2
    models = [ModelReading(name=name, logprob=grid, rank=ranks, top=tops) for name in chunks(2)]
    reading = LensReading(text="".join(strings), tokens=strings, layers=[0, 1], models=models, template=strings[4])
    page = visit(render_lens(reading, tmp_path / "lens.html"))
    seen = alike(page.evaluate(TEXT))
    assert alike(reading.text) in seen
    assert alike(chunks(2)[1]) in seen
    assert page.evaluate(HOVER) == 3
