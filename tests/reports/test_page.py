"""The written page: one file, nothing fetched, its numbers those of the run."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import polars as pl
import pytest
from knowshift.errors import RunError
from knowshift.probes.results.estimate import Estimate
from knowshift.probes.results.findings import Counts
from knowshift.reports.page import render
from knowshift.reports.registry import section
from pages import Page, shown

SECTIONS = [
    "verdict",
    "evidence",
    "validity",
    "ladder",
    "matrix",
    "facts",
    "terms",
    "contexts",
    "layers",
    "counter",
    "methods",
]
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}"


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
    assert [anchor for anchor in parts if anchor in SECTIONS] == SECTIONS
    assert {link.split("?")[0] for link in links} <= ids


def test_verdicts_stand_in_words_with_their_reasons(page, finished):
    for name, model in json.loads((finished / "comparison.json").read_text())["models"].items():
        for words in (name, model["verdict"], model["sentence"], model["knowledge"]["why"], model["shift"]["why"]):
            assert words in page.text
        for lacking in model["missing"]:
            assert lacking in page.text


def test_both_halves_stand_in_words(page):
    for words in (
        "Knowledge no (reinforced)",
        "Knowledge yes (acquired)",
        "Knowledge not testable",
        "Shift yes (towards the domain)",
        "Shift cannot tell",
    ):
        assert words in page.text


def test_without_text_no_words_of_wrong_answers_are_left(finished):
    with_text, without = (
        Page(render(finished, finished.parent / f"text-{text}.html", text=text).read_text(encoding="utf-8"))
        for text in (True, False)
    )
    for words in ("ethosuximide", "carbamazepine", "seizures"):
        assert words in with_text.text
        assert words not in without.text
        assert words not in json.dumps(without.packed("comparison"))


def test_numbers_are_those_of_the_comparison(page, finished):
    wanted: set[float] = set()
    for model in json.loads((finished / "comparison.json").read_text())["models"].values():
        names = ("margin_gain", "acquired", "transferable", "total", "text_total")
        kept = [model[name] for name in names]
        kept += [*model["rungs"].values(), *model["text_rungs"].values(), *model["reinforced"].values()]
        kept += [model["shift"][key] for key in ("over_contrast", "absolute", "general", "towards_own")]
        kept += model["shift"]["gradient"].values()
        kept += [cell for cells in model["matrix"].values() for cell in cells.values()]
        kept += [one for rungs in model["by_layer"].values() for values in rungs.values() for one in values]
        kept += [one for row in model["wordings"] for one in (row["acquired"], row["margin_gain"])]
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
    none = Estimate.missing("the domain has no facts").json()
    counts = Counts().model_dump()

    def strip(held):
        held["counts"]["facts"] = 0
        for model in held["models"].values():
            model.update(dict.fromkeys(("acquired", "total", "transferable", "margin_gain"), none))
            model["ledger"] = {"own": counts, "other": counts, "general": counts}
            model.update(rungs={}, matrix={}, wordings=[], strata=[], views=[], by_layer={}, training=None, smedqa=None)

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
        model["acquired"] = {"estimate": None, "note": "too few concepts", "n": 1}
        model["ledger"]["own"] |= {"facts": 1, "known": 0, "lost": 0}

    edit(fresh / "comparison.json", change)
    text = shown(fresh).text
    assert "not estimated: too few concepts Learned, of those clearly unknown" in text
    assert "1 own fact, 1 concept " in text
    assert "none was known own, beside 4 of 50 (8%) other" in text
    assert "0 of 0" not in text


def test_a_run_that_has_none_of_these_still_has_a_page(fresh, edit):
    def strip(held):
        for model in held["models"].values():
            model.update(views=[], strata=[], wordings=[])
            del model["ledger"]["by_specialty"]
            model["knowledge"]["detectable"] = None

    edit(fresh / "comparison.json", strip)
    page = shown(fresh)
    assert "can be seen" not in page.text
    assert "By what the base knew" not in page.text


def test_the_published_statistic_stands_with_what_it_hides(fresh, edit):
    number = {"estimate": 1.25, "low": 1.0, "high": 1.5, "unit": "nats", "n": 40}

    def ask(held):
        for model in held["models"].values():
            hides = "It cannot tell <much>."
            model["smedqa"] = {"all": number, "by_specialty": {"neurology": number}, "occurrences": 40, "hides": hides}
        held["diagonal"]["fact"] = {**number, "additivity": {"coefficient": 1.0, "f": 9.5, "degrees": 12, "p": 0.004}}

    edit(fresh / "comparison.json", ask)
    page = render(fresh).read_text()
    assert "It cannot tell &lt;much&gt;." in page
    assert "The S-MedQA statistic, nats per term" in page
    assert "F(1, 12) = 9.50" in page


def test_the_comparison_is_on_the_page_as_it_stands(page, finished):
    assert page.packed("comparison") == json.loads((finished / "comparison.json").read_text())


def test_each_part_says_in_one_sentence_how_it_is_read(written):
    for anchor in SECTIONS:
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
