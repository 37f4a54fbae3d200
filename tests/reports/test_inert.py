"""Every text of a run is shown as text or left out; every number keeps its exact value."""

from __future__ import annotations

import base64
import gzip
import json
import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowshift.probes.results.estimate import Estimate
from knowshift.reports.markup import data, json_block, plot_text, signed, value
from knowshift.reports.page import render
from pages import Page

SECRETS = ("On day", "absence seizures", "ethosuximide", "carbamazepine", "note-3", "🙂")
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}"


def test_hostile_texts_are_shown_as_text(fresh, edit, written):
    def poison(held):
        model = held["models"].pop("neuro_lora")
        model.update(sentence=HOSTILE, missing=[HOSTILE], own_from=f"adapter's name {HOSTILE}")
        model["knowledge"]["why"] = model["rungs"]["knowledge"]["note"] = HOSTILE
        model["validity"][0].update(check=HOSTILE, note=HOSTILE)
        held["models"] = {HOSTILE: model, **held["models"]}
        held["specialties"]["neurology"] = held["base"] = held["domain"] = HOSTILE

    edit(fresh / "comparison.json", poison)
    edit(fresh / "run.json", lambda held: held.update(command=HOSTILE, versions={HOSTILE: HOSTILE}))
    for name, columns in (("terms", ["name", "concept", "model"]), ("facts", ["cue", "answer", "relation"])):
        file = fresh / f"{name}.parquet"
        pl.read_parquet(file).with_columns(pl.lit(HOSTILE).alias(c) for c in columns).write_parquet(file)
    poisoned = Page(render(fresh).read_text(encoding="utf-8"))
    clean = Page(written)
    assert [text for kind, text in poisoned.scripts if kind is None] == [t for k, t in clean.scripts if k is None]
    assert {tag for tag, _ in poisoned.tags} <= {tag for tag, _ in clean.tags} | {"li"}
    assert poisoned.text.count(HOSTILE) >= 8
    assert [kind for kind, _ in poisoned.blocks] == [kind for kind, _ in clean.blocks]
    labels = json.dumps([figure["layout"] for figure in poisoned.figures], ensure_ascii=False)
    assert "<script" not in labels
    assert "&lt;script" in labels


@given(st.text())
def test_a_json_block_cannot_end_its_element(text):
    block = str(json_block({"text": text}))
    assert "<" not in block
    assert json.loads(block) == {"text": text}
    assert "<" not in plot_text(text)


@pytest.mark.parametrize(
    ("character", "shown_as"), [("\x00", "␀"), ("\x1b", "␛"), ("\u202e", "\ufffd"), ("\u2066", "\ufffd")]
)
def test_characters_that_no_reader_sees_are_shown(fresh, edit, character, shown_as):
    edit(fresh / "comparison.json", lambda held: held.update(base=f"ba{character}se"))
    file = fresh / "terms.parquet"
    pl.read_parquet(file).with_columns(name=pl.lit(f"ata{character}xia")).write_parquet(file)
    page = Page(render(fresh).read_text(encoding="utf-8"))
    assert f"ba{shown_as}se" in page.text
    assert page.packed("terms")["columns"][0]["words"] == [f"ata{shown_as}xia"]
    assert character not in page.text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_shown_number_keeps_its_exact_value(number):
    [shown] = re.findall(r'value="(.*?)"', str(data(number, signed(number))))
    assert float(shown) == number


@given(st.floats(-1e6, 1e6))
def test_a_sign_is_shown_unless_the_number_shows_as_zero(number):
    text = signed(number)
    back = float(text.replace("−", "-"))
    assert abs(back - number) <= 0.0005000001
    assert (text[0] in "+−") == (back != 0)


def test_a_value_without_interval_has_none_drawn():
    assert "[" not in value(Estimate(0.25, note="a constant margin"))


def everything(page: Page) -> str:
    """The page's text with that of its compressed blocks."""
    held = [
        gzip.decompress(base64.b64decode(text)).decode()
        for name, text in page.blocks
        if (name or "").startswith("data-")
    ]
    return page.text + "".join(text for _, text in page.scripts) + "".join(held)


def test_no_text_of_the_corpus_or_the_facts_is_left_in_a_page_without_text(finished, tmp_path, page):
    bare = Page(render(finished, tmp_path / "bare.html", text=False).read_text(encoding="utf-8"))
    left, whole = everything(bare), everything(page)
    for secret in SECRETS:
        assert secret in whole
        assert secret not in left
    assert "The texts are left out of this page (--no-text)" in bare.text
    assert "fact:3" in left
    assert bare.packed("terms") == page.packed("terms")


@pytest.mark.heavy
@pytest.mark.parametrize(("said", "shown"), [(None, True), (True, True), (False, False), ("?", False)])
def test_texts_stand_on_the_page_as_the_run_says(fresh, edit, tmp_path, said, shown):
    """An older run does not say."""
    with_text, without = (render(fresh, tmp_path / f"{text}.html", text=text) for text in (True, False))
    if said is not None:
        edit(fresh / "run.json", lambda held: held.update(text=said))
    told = [Page(path.read_text(encoding="utf-8")) for path in (render(fresh), with_text, without)]
    assert "ethosuximide" in everything(told[1])
    assert "ethosuximide" not in everything(told[2])
    assert ("ethosuximide" in everything(told[0])) == shown
    assert ("(--no-text)" in told[0].text) != shown
