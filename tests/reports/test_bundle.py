"""What the page is put together from: modules into one script, data into compressed blocks."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
import subprocess

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowshift.reports import bundle
from knowshift.reports.inert import SHOWN, inert, inert_frame
from knowshift.reports.pack import Column, codes, packed, scaled, table


def test_a_probability_keeps_three_significant_digits():
    frame = pl.DataFrame({"q": [0.0312345, 3.21987e-7, None, float("nan"), 1.0]})
    [column] = table(frame, [Column("q", "q", "probability")])["columns"]
    assert column["values"] == [0.0312, 3.22e-7, None, None, 1.0]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Modules of a page: name → source."""
    monkeypatch.setattr(bundle, "FOLDER", tmp_path)

    def write(**sources: str) -> str:
        for name, source in sources.items():
            (tmp_path / f"{name}.js").write_text(source)
        bundle.script.cache_clear()
        return bundle.script()

    yield write
    bundle.script.cache_clear()


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_modules_see_what_they_import_and_nothing_else(folder):
    script = folder(
        main='import { twice } from "./a.js";\nimport { one } from "./b.js";\n'
        "console.log(twice(one), typeof hidden);\n",
        a='import { one } from "./b.js";\nconst hidden = 1;\nexport const twice = (x) => 2 * x + hidden - one;\n',
        b="export const one = 1;\n",
    )
    out = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["2", "undefined"]


def test_a_circle_of_modules_is_an_error(folder):
    with pytest.raises(ValueError, match=r"main\.js imports a\.js imports main\.js"):
        folder(main='import { a } from "./a.js";\n', a='import { b } from "./main.js";\n')


def test_every_module_of_the_page_is_in_its_script():
    script = bundle.script()
    for file in bundle.FOLDER.glob("*.js"):
        assert f"const {file.stem}_js = " in script
    assert not re.search(r"^\s*(import|export) ", script, re.MULTILINE)
    assert "</script" not in script


def unpacked(block: str):
    return json.loads(gzip.decompress(base64.b64decode(re.search(r">([^<]*)<", block)[1])))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=8,
)


@given(json_values)
def test_a_block_gives_its_value_back(value):
    block = str(packed("x", value))
    assert unpacked(block) == value
    assert block.count("<") == 2


@given(st.lists(st.none() | st.floats(-1e6, 1e6) | st.sampled_from([float("nan"), float("inf")])))
def test_numbers_keep_four_decimals(values):
    for value, whole in zip(values, scaled(values), strict=True):
        if value is None or value != value or abs(value) == float("inf"):
            assert whole is None
        else:
            assert abs(whole / 10_000 - value) <= 0.50001e-4


@given(st.lists(st.none() | st.text()))
def test_texts_are_kept_once(values):
    words, places = codes(values)
    assert len(set(words)) == len(words)
    assert [None if place < 0 else words[place] for place in places] == values


def test_a_table_holds_its_columns_by_kind():
    frame = pl.DataFrame(
        {"name": ["a", None, "a"], "of": [["x", "y"], [], None], "n": [1, 2, 3], "v": [0.5, None, -1.25]}
    )
    columns = [
        Column("name", "name", "text"),
        Column("of", "of", "set"),
        Column("n", "n", "count"),
        Column("v", "v", "number"),
    ]
    name, of, n, v = table(frame, columns)["columns"]
    assert (name["words"], name["values"]) == (["a"], [0, -1, 0])
    assert (of["words"], of["values"]) == (["x", "y"], [[0, 1], [], []])
    assert (n["scale"], n["values"]) == (1, [1, 2, 3])
    assert [None if one is None else one / v["scale"] for one in v["values"]] == [0.5, None, -1.25]


@given(st.text())
def test_inert_text_is_as_long_and_holds_nothing_unseen(text):
    shown = inert(text)
    assert len(shown) == len(text)
    assert not set(map(ord, shown)) & SHOWN.keys()
    assert [b for a, b in zip(text, shown, strict=True) if ord(a) not in SHOWN] == [
        a for a in text if ord(a) not in SHOWN
    ]


def test_inert_tables_are_as_inert_texts():
    texts = ["plain", "a\x00b", "\u202eabc", "x\ty\n"]
    frame = pl.DataFrame(
        {"text": texts, "many": [[text, None] for text in texts], "deep": [[[t]] for t in texts], "n": range(4)}
    )
    made = inert_frame(frame)
    assert made["text"].to_list() == [inert(text) for text in texts]
    assert made["many"].to_list() == [[inert(text), None] for text in texts]
    assert made["deep"].to_list() == [[[inert(text)]] for text in texts]
    assert made["n"].to_list() == [0, 1, 2, 3]
