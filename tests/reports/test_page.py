"""The written page: one file, nothing fetched, its numbers those of the run, and every text inert."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowshift.errors import RunError
from knowshift.reports.figures import RUNG_NAME, layer_areas
from knowshift.reports.markup import data, json_block, plot_text, signed, value
from knowshift.reports.numbers import Number
from knowshift.reports.page import render, render_lens
from knowshift.reports.registry import GROUP, section

TEN = ["verdict", "validity", "ladder", "matrix", "facts", "terms", "contexts", "layers", "counter", "methods"]
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}"


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


@pytest.fixture(scope="module")
def written(finished, tmp_path_factory) -> str:
    return render(finished, tmp_path_factory.mktemp("page") / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(written) -> Page:
    return Page(written)


def test_nothing_is_fetched(page):
    for tag, attrs in page.tags:
        assert tag not in {"iframe", "object", "embed", "base", "form"}
        assert "src" not in attrs
        assert not any(name.startswith("on") for name in attrs)
        if "href" in attrs:
            assert attrs["href"].startswith(("#", "data:")), attrs
    assert "--knowledge" in page.styles
    assert not re.search(r"url\(|@import", page.styles)


def test_the_policy_allows_these_scripts_alone(page):
    [policy] = [a["content"] for t, a in page.tags if t == "meta" and a.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    run = [page.packed("plotly"), *(text for kind, text in page.scripts if kind is None)]
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in run]
    assert rules["script-src"].split() == hashes
    assert len(run) == 2
    assert "plotly.js" in run[0][:200]
    assert sum(kind == "data-plotly" for kind, _ in page.blocks) == 1


def test_every_section_stands_in_the_contents(page):
    ids = {attrs.get("id") for _, attrs in page.tags}
    links = [attrs["href"][1:] for tag, attrs in page.tags if tag == "a" and "href" in attrs]
    parts = [attrs["id"] for tag, attrs in page.tags if tag == "section"]
    assert links[1 : len(parts) + 1] == parts
    assert [anchor for anchor in parts if anchor in TEN] == TEN
    assert {link.split("?")[0] for link in links} <= ids


def test_verdicts_stand_in_words_with_their_reasons(page, finished):
    for name, model in json.loads((finished / "comparison.json").read_text())["models"].items():
        for words in (name, model["verdict"], model["sentence"], model["knowledge"]["why"], model["shift"]["why"]):
            assert words in page.text
        for lacking in model["missing"]:
            assert lacking in page.text


def test_numbers_are_those_of_the_comparison(page, finished):
    wanted: set[float] = set()
    for model in json.loads((finished / "comparison.json").read_text())["models"].values():
        names = ("margin_gain", "specific_knowledge", "transferable", "total", "text_total")
        kept = [model[name] for name in names]
        kept += [*model["rungs"].values(), *model["text_rungs"].values()]
        kept += [cell for cells in model["matrix"].values() for cell in cells.values()]
        kept += [one for rungs in model["by_layer"].values() for values in rungs.values() for one in values]
        kept += [one for row in model["wordings"] for one in (row["specific_knowledge"], row["margin_gain"])]
        wanted |= {one[key] for one in kept for key in ("estimate", "low", "high") if one[key] is not None}
        wanted.add(model["sharpening"])
        wanted |= {model["ledger"][g][k] for g in ("own", "other", "general") for k in ("learned", "unknown", "lost")}
    assert wanted <= page.values


def test_the_ladder_has_its_rungs_and_sum_by_view_and_unit(page, finished):
    models = json.loads((finished / "comparison.json").read_text())["models"]
    drawn = {one["name"]: one["views"] for one in page.packed("ladder")["models"]}
    for name, model in models.items():
        for per, held in (("token", model), ("target", model["other_units"]["target"])):
            steps = drawn[name]["fact"][per]
            assert [one["key"] for one in steps] == [*held["rungs"], "total"]
            assert [one["estimate"] for one in steps[:-1]] == [one["estimate"] for one in held["rungs"].values()]
            assert steps[-1]["high"] == held["total"]["high"]
    assert drawn["cardio_lora_rank16_epoch3"]["text"] == {}


def test_layers_are_stacked_by_sign_and_sum_to_the_line():
    rungs = {"generic_drift": [Number(-0.5), Number(0.25)], "knowledge": [Number(1.0), Number(-2.0)]}
    traces = layer_areas(rungs, [3, 7], "nats", RUNG_NAME)["data"]
    up = [trace["y"] for trace in traces if trace.get("stackgroup") == "max"]
    down = [trace["y"] for trace in traces if trace.get("stackgroup") == "min"]
    assert [sum(column) for column in zip(*up, strict=True)] == [1.0, 0.25]
    assert [sum(column) for column in zip(*down, strict=True)] == [-0.5, -2.0]
    assert traces[-1]["y"] == [0.5, -1.75]


def test_what_cannot_be_estimated_says_why(page):
    assert "not estimated: too few general targets: 3 of the 30 that are needed" in page.text
    assert "not estimated: fewer than four models" in page.text


def test_a_failed_check_is_said_in_words(page):
    assert "1 of 12 checks failed" in page.text
    assert "✗ failed spans aligned worst value 0.998, tolerance 0.99; cardio_lora_rank16_epoch3" in page.text
    assert "✓ passed last lens layer worst value 3.1e-06, tolerance 0.0001; 3 models" in page.text


def test_charts_are_named_and_have_a_table(page):
    plots = [attrs for tag, attrs in page.tags if tag == "div" and attrs.get("class") == "plot"]
    assert len(plots) == len(page.figures) >= 7
    assert all(attrs["role"] == "img" and attrs["aria-label"] for attrs in plots)
    assert sum(tag == "details" for tag, _ in page.tags) >= 7


def test_methods_can_be_repeated(page, finished):
    run = json.loads((finished / "run.json").read_text())
    for words in (run["command"], run["hashes"]["base"], "torch 2.13.0", "first token 7", "seed 0", "plain text"):
        assert words in page.text


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
    assert "[" not in value(Number(0.25, note="a constant margin"))


def test_a_long_table_is_cut_and_says_so(fresh, monkeypatch):
    from knowshift.reports.sections import terms

    monkeypatch.setattr(terms, "ROWS", 9)
    page = Page(render(fresh).read_text(encoding="utf-8"))
    assert "The 9 rows largest in size, of 24" in page.text
    [gain] = [column for column in page.packed("terms")["columns"] if column["key"] == "gain"]
    frame = pl.read_parquet(fresh / "terms.parquet")
    wanted = {round(g, 4) for (_,), part in frame.group_by("model") for g in part["gain"].abs().top_k(3)}
    assert {abs(value) / gain["scale"] for value in gain["values"]} == wanted


def test_a_run_without_facts_still_has_a_page(fresh, edit):
    def strip(held):
        held["counts"]["facts"] = 0
        for model in held["models"].values():
            model.update(specific_knowledge=None, total=None, ledger={}, wordings=[], transferable=None, by_layer={})
            model["rungs"] = {}
            model["matrix"] = {}

    (fresh / "facts.parquet").unlink()
    edit(fresh / "comparison.json", strip)
    text = Page(render(fresh).read_text(encoding="utf-8")).text
    assert "no facts, so it cannot speak of knowledge" in text


def test_the_page_is_the_same_each_time(finished, tmp_path):
    first, second = (render(finished, tmp_path / name).read_bytes() for name in ("a.html", "b.html"))
    assert first == second


def test_writes_beside_the_run_and_leaves_nothing_else(fresh):
    before = {file.name for file in fresh.iterdir()}
    assert render(fresh) == fresh / "report.html"
    assert {file.name for file in fresh.iterdir()} - before == {"report.html"}


@pytest.mark.parametrize("where", ["folder", "under a file"])
def test_a_place_that_cannot_be_written_is_one_line(finished, tmp_path, where):
    out = tmp_path
    if where == "under a file":
        (tmp_path / "file").write_text("")
        out = tmp_path / "file" / "report.html"
    with pytest.raises(RunError) as caught:
        render(finished, out)
    assert str(out) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.fixture
def package(strange, monkeypatch):
    """Installs a package with one report section; `package(source)` fills its module."""
    from knowshift.reports import registry

    monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    return lambda source: strange(source, f"[{GROUP}]\nwards = strange\n")


def test_another_package_adds_a_section(package, fresh):
    package(
        "from markupsafe import Markup\n"
        "from knowshift.reports.registry import Section, section\n"
        "@section(order=35, title='Wards', anchor='wards')\n"
        "def wards(run):\n"
        "    return Section(Markup('<p>Ward of {}</p>').format(run.base), 'How to read it.')\n"
    )
    page = shown(fresh)
    assert "Ward of base" in page.text
    anchors = [attrs["id"] for tag, attrs in page.tags if tag == "section"]
    assert anchors.index("ladder") + 1 == anchors.index("wards") == anchors.index("matrix") - 1


def test_a_section_that_cannot_be_loaded_is_one_line(package, fresh):
    package("raise ImportError('no such library')\n")
    with pytest.raises(
        RunError, match=r"report section wards: cannot be loaded from strange of strange .*no such library"
    ) as caught:
        render(fresh)
    assert "\n" not in str(caught.value)


def test_an_anchor_is_taken_once():
    def other(run):
        raise NotImplementedError

    with pytest.raises(ValueError, match="ladder"):
        section(order=1, title="Another", anchor="ladder")(other)


def test_the_room_loads_no_torch():
    code = "import knowshift.reports.page, sys; print(*{'torch', 'transformers', 'plotly'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not out.stdout.strip()


def shown(fresh) -> Page:
    return Page(render(fresh).read_text(encoding="utf-8"))


def test_layers_are_shown_by_their_own_numbers(page):
    for number in (2, 5, 8, 11):
        assert f" layer {number} " in page.text
    assert " layer 4 " not in page.text
    lines = [figure for figure in page.figures if figure["layout"]["xaxis"].get("title", {}).get("text") == "layer"]
    assert lines
    for figure in lines:
        assert {tuple(trace["x"]) for trace in figure["data"]} == {(2, 5, 8, 11)}
        assert figure["layout"]["xaxis"]["tickvals"] == [2, 5, 8, 11]
        low, high = figure["layout"]["xaxis"]["range"]
        assert low < 2
        assert high > 11


def test_a_deep_model_names_a_dozen_layers_the_last_among_them():
    layers = list(range(3, 83))
    figure = layer_areas({"knowledge": [Number(0.0)] * len(layers)}, layers, "nats", RUNG_NAME)
    ticks = figure["layout"]["xaxis"]["tickvals"]
    assert ticks == sorted(ticks)
    assert ticks[-1] == 82
    assert len(ticks) <= 12


def test_the_raw_lens_is_said(page):
    assert "Read through the raw logit lens" in page.text
    assert "Read through a tuned lens" not in page.text


def test_a_tuned_lens_is_said_with_what_it_was_trained_on(fresh, edit, tuned_lens):
    edit(fresh / "run.json", lambda held: held.update(lens=tuned_lens))
    edit(fresh / "comparison.json", lambda held: held.update(lens="tuned"))
    page = shown(fresh)
    assert "Read through a tuned lens (Belrose et al. 2023)" in page.text
    assert "Read through the raw logit lens" not in page.text
    assert "trained on base with 36,272 tokens of notes.jsonl." in page.text
    assert "They do worse than the raw lens at layer 2: there were too few texts." in page.text
    assert {13.625, 6.375, 2.75, 1.25, 1.125, 2.875} <= page.values
    for words in ("texts/notes.jsonl", "d4" * 32, "held_out_tokens"):
        assert words in page.text


def test_a_model_whose_layers_were_not_read_is_named(fresh, edit):
    def deeper(held):
        held["models"]["neuro_lora"].update(
            unread_layers="has 6 layers, the base 12", by_layer={"fact": {}, "text": {}}
        )

    edit(fresh / "comparison.json", deeper)
    assert "neuro_lora has 6 layers, the base 12; no layers are read of it." in shown(fresh).text


def test_a_run_without_lens_says_nothing_of_one(fresh, edit):
    def without(held):
        held.update(lens="none", layers=0, layer_numbers=[])
        for model in held["models"].values():
            model.update(by_layer={})

    edit(fresh / "comparison.json", without)
    page = shown(fresh)
    assert "Read through" not in page.text
    assert "Not estimated: the run holds no layer-by-layer scores for this view." in page.text


def test_the_lens_page_says_which_lens_it_was(reading, tuned_lens, tmp_path):
    raw = Page(render_lens(reading, tmp_path / "raw.html").read_text(encoding="utf-8"))
    tuned = Page(render_lens({**reading, "lens": tuned_lens}, tmp_path / "tuned.html").read_text(encoding="utf-8"))
    assert "Read through the raw logit lens" in raw.text
    assert "Read through a tuned lens" in tuned.text
    assert "trained on base with 36,272 tokens of notes.jsonl." in tuned.text
    assert " layer 0 " in raw.text


def test_the_lens_shows_both_models_and_their_difference(reading, tmp_path):
    page = Page(render_lens(reading, tmp_path / "lens.html").read_text(encoding="utf-8"))
    assert [attrs["id"] for tag, attrs in page.tags if tag == "section"] == [
        "text",
        "model-0",
        "model-1",
        "difference-1",
    ]
    base, tuned, difference = (figure["data"][0] for figure in page.figures)
    grids = [model["logprob"] for model in reading["models"]]
    assert base["z"] == grids[0][::-1]
    assert tuned["z"] == grids[1][::-1]
    for row, a, b in zip(difference["z"], base["z"], tuned["z"], strict=True):
        assert row == [None if x is None else y - x for x, y in zip(a, b, strict=True)]
    assert difference["zmin"] == -difference["zmax"]
    assert (base["zmin"], base["zmax"]) == (tuned["zmin"], tuned["zmax"])
    assert "<b>" not in "".join(page.figures[0]["layout"]["xaxis"]["ticktext"])
    assert reading["text"].strip() in " ".join(page.seen)


def test_a_lens_of_other_shape_is_refused(reading, tmp_path):
    reading["models"][1]["rank"].pop()
    with pytest.raises(RunError, match="neuro_lora: `rank`"):
        render_lens(reading, tmp_path / "lens.html")


def test_a_lone_surrogate_does_not_stop_the_page(reading, tmp_path):
    reading["tokens"][2] = "\ud83d"
    assert render_lens(reading, tmp_path / "lens.html").stat().st_size > 10**6


def test_an_overflowed_log_probability_is_left_out(reading, tmp_path):
    reading["models"][1]["logprob"][0][3] = float("-inf")
    page = Page(render_lens(reading, tmp_path / "lens.html").read_text(encoding="utf-8"))
    assert page.figures[1]["data"][0]["z"][-1][3] is None
    assert page.figures[2]["data"][0]["z"][-1][3] is None


def test_a_verdict_says_what_could_have_been_seen_and_what_is_needed(page):
    said = (
        "With 38 concepts an effect of 0.21 nats/token can be seen (80% power); for 0.1, about 168 concepts are needed"
    )
    assert page.text.count(said) == 3  # once a model


def test_views_strata_and_specialties_stand_as_tables(page, finished):
    model = json.loads((finished / "comparison.json").read_text())["models"]["neuro_lora"]
    for view in model["views"]:
        assert view["view"] in page.text
        assert view["margin"]["estimate"] in page.values
    for stratum in model["strata"]:
        assert stratum["difference"]["estimate"] in page.values
    assert "unknown to the base" in page.text
    assert "low third of the base margin" in page.text
    assert "7 of 21; 3 of 14" in page.text


def test_counts_and_units_are_said_as_one_says_them(fresh, edit):
    def change(held):
        model = held["models"]["neuro_lora"]
        model["specific_knowledge"] = {"estimate": None, "note": "too few concepts", "n": 1}
        model["ledger"]["own"] |= {"facts": 1, "known": 0, "lost": 0}

    edit(fresh / "comparison.json", change)
    text = shown(fresh).text
    assert "not estimated: too few concepts Domain shift" in text
    assert "1 own fact, 1 concept " in text
    assert "none was known own, beside 4 of 50 (8%) other" in text
    assert "0 of 0" not in text


def test_a_run_of_an_older_version_has_none_of_these_and_still_a_page(fresh, edit):
    def strip(held):
        for model in held["models"].values():
            for key in ("views", "strata"):
                del model[key]
            del model["ledger"]["by_specialty"]
            model["knowledge"].pop("detectable", None)

    edit(fresh / "comparison.json", strip)
    page = shown(fresh)
    assert "can be seen" not in page.text
    assert "By what the base knew" not in page.text


def test_the_published_statistic_stands_with_what_it_hides(fresh, edit):
    number = {"estimate": 1.25, "low": 1.0, "high": 1.5, "unit": "nats", "n": 40}

    def ask(held):
        for model in held["models"].values():
            model["smedqa"] = {"all": number, "by_specialty": {"neurology": number}, "hides": "It cannot tell <much>."}
        held["diagonal"]["fact"] = {**number, "additivity": {"coefficient": 1.0, "f": 9.5, "degrees": 12, "p": 0.004}}

    edit(fresh / "comparison.json", ask)
    page = render(fresh).read_text()
    assert "It cannot tell &lt;much&gt;." in page
    assert "The S-MedQA statistic, nats per term" in page
    assert "F(1, 12) = 9.50" in page


def test_the_comparison_is_on_the_page_as_it_stands(page, finished):
    assert page.packed("comparison") == json.loads((finished / "comparison.json").read_text())


SECRETS = ("On day", "absence seizures", "ethosuximide", "carbamazepine", "note-3", "🙂")


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


def test_each_part_says_in_one_sentence_how_it_is_read(written):
    for anchor in TEN:
        [said] = re.findall(rf'<section id="{anchor}".*?<p class="how">(.*?)</p>', written, re.DOTALL)
        assert said.endswith(".")
        assert not re.search(r"\. [A-Z]", said), said


def test_a_section_with_nothing_to_say_is_left_out(finished, tmp_path, monkeypatch):
    from knowshift.reports import registry

    monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    section(order=1, title="Nothing", anchor="nothing")(lambda run: None)
    assert "Nothing" not in Page(render(finished, tmp_path / "page.html").read_text(encoding="utf-8")).text


def test_counter_evidence_shows_the_end_of_a_long_question():
    from knowshift.reports.sections.counter import WORDS, _end

    stem = "A person of forty comes with a pain that began a week ago. " * 9 + "Which of these is the cause?"
    assert _end("The lesion lies in the") == "The lesion lies in the"
    assert _end(stem).endswith(" Which of these is the cause?")
    assert _end(stem).startswith("… ")
    assert len(_end(stem)) <= WORDS + 1
    assert len(_end("x" * 500)) == WORDS + 1
