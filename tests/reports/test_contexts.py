"""Which places stand on the page: within the budget, each term before a second place of any, and true to the run."""

from __future__ import annotations

import polars as pl
import pytest
from knowshift.reports.contexts import Budget, choose_contexts
from knowshift.reports.run_view import RunView


@pytest.fixture(scope="module")
def run(finished) -> RunView:
    return RunView.read(finished)


def test_all_places_are_there_with_their_scores(run, finished):
    held = choose_contexts(run)
    places = pl.read_parquet(finished / "places.parquet")
    assert held["shown"] == held["places"] == places.height
    for k, model in enumerate(held["models"]):
        table = pl.read_parquet(finished / "scores" / f"{model or 'base'}.parquet")
        logprob = dict(table.select("item", "logprob").iter_rows())
        for place in range(0, held["shown"], 37):
            begin = held["begin"][held["passage"][place]]
            document = held["passages"]["document"][held["passage"][place]]
            item = f"term:{document}:{begin + held['start'][place]}"
            assert held["scores"][k][place] == round(logprob[item] * held["scale"])


def test_places_that_were_not_scored_are_not_counted(finished, tmp_path):
    import shutil

    shutil.copytree(finished, tmp_path / "run")
    file = tmp_path / "run/scores/base.parquet"
    pl.read_parquet(file).head(50).write_parquet(file)
    held = choose_contexts(RunView.read(tmp_path / "run"))
    assert held["shown"] == held["places"] == 50
    assert None not in held["tokens"]


def test_targets_stand_where_they_are_said_to(run):
    held = choose_contexts(run)
    names = dict(run.terms.select("concept", "name").iter_rows())
    for place in range(held["shown"]):
        text = held["passages"]["text"][held["passage"][place]]
        assert text[held["start"][place] : held["end"][place]] == names[held["concepts"][held["concept"][place]]]


@pytest.mark.parametrize("scores", [40, 400, 1200])
def test_each_term_comes_before_a_second_place_of_any(run, scores):
    held = choose_contexts(run, Budget(scores=scores))
    assert held["shown"] == scores // len(held["models"])
    assert held["places"] == run.places.height
    of = [held["concept"].count(code) for code in range(len(held["concepts"]))]
    if max(of) > 1:
        assert len(of) == run.places["concept"].n_unique()


def test_a_budget_of_characters_is_kept(run):
    held = choose_contexts(run, Budget(characters=2000))
    assert 0 < held["shown"] < run.places.height
    assert sum(map(len, held["passages"]["text"])) <= 2000


@pytest.mark.parametrize("largest", [30_000, 8_000])
def test_contexts_that_pack_badly_are_fewer(run, largest):
    from knowshift.reports.sections.contexts import _fit

    whole, block = _fit(run, 10**7)
    assert len(block) > largest
    held, block = _fit(run, largest)
    assert len(block) <= largest
    assert 0 < held["shown"] < whole["shown"] or held["layered"] < whole["layered"]


@pytest.mark.heavy
def test_a_page_of_many_rare_terms_keeps_its_size(finished, tmp_path, monkeypatch):
    """Terms and facts come first; contexts take what is left, if only nothing."""
    import shutil

    from knowshift.reports.page import render
    from knowshift.reports.sections import contexts as part
    from knowshift.reports.sections import terms

    shutil.copytree(finished, tmp_path / "run")
    file = tmp_path / "run" / "terms.parquet"
    frame = pl.read_parquet(file)
    whole = 2_800_000
    left = part.bytes_left(RunView.read(tmp_path / "run"), whole)
    more = [pl.format("{} {}", name, pl.lit(k)).alias(name) for k in range(9) for name in ("concept", "name")]
    pl.concat([frame, *(frame.with_columns(more[k : k + 2]) for k in range(0, 18, 2))]).write_parquet(file)
    rare = RunView.read(tmp_path / "run")
    assert 0 < part.bytes_left(rare, whole) < left
    monkeypatch.setattr(terms, "LARGEST", 20_000)
    monkeypatch.setattr(part, "PAGE", whole)
    page = render(tmp_path / "run")
    assert page.stat().st_size <= whole
    assert "rows largest in size, of 3,000" in page.read_text(encoding="utf-8")
    assert len(terms.rows_block(RunView.read(tmp_path / "run"))[0]) <= 20_000
    monkeypatch.setattr(part, "PAGE", 0)
    assert "fill the page" in render(tmp_path / "run").read_text(encoding="utf-8")


def test_layers_and_readings_have_budgets_of_their_own(run):
    held = choose_contexts(run, Budget(layers=800, readings=1500))
    assert held["layered"] == 800 // (2 * len(held["layers"]) * len(held["models"]))
    assert len(held["lens"][0]) == held["layered"] * len(held["layers"])
    numbers = sum(
        len(one["starts"]) * (7 + 2 * len(held["layers"])) * len(held["models"]) for one in held["readings"]["passages"]
    )
    assert 0 < numbers <= 1500


def test_layers_are_those_of_the_scores(run, finished):
    held = choose_contexts(run)
    depth, scale = len(held["layers"]), held["layerScale"]
    tables = [pl.read_parquet(finished / "scores" / f"{model or 'base'}.parquet") for model in held["models"]]
    lens = [dict(table.select("item", "lens").iter_rows()) for table in tables]
    rank = [dict(table.select("item", "rank").iter_rows()) for table in tables]
    for place in range(0, held["layered"], 29):
        begin, k = held["begin"][held["passage"][place]], slice(place * depth, (place + 1) * depth)
        item = f"term:{held['passages']['document'][held['passage'][place]]}:{begin + held['start'][place]}"
        # The base's own, and what each tuned model adds to it.
        assert [one / scale for one in held["lens"][0][k]] == pytest.approx(lens[0][item], abs=0.51 / scale)
        for model in range(1, len(tables)):
            pairs = zip(held["lens"][0][k], held["lens"][model][k], strict=True)
            assert [(a + b) / scale for a, b in pairs] == pytest.approx(lens[model][item], abs=0.51 / scale)
            pairs = zip(held["rank"][0][k], held["rank"][model][k], strict=True)
            assert [a + b for a, b in pairs] == rank[model][item]


def test_the_draw_hangs_on_the_seed_alone(run, finished):
    budget = Budget(scores=400)
    assert choose_contexts(run, budget) == choose_contexts(RunView.read(finished), budget)


def test_a_model_without_scores_has_none(run, finished, tmp_path):
    import shutil

    shutil.copytree(finished, tmp_path / "run")
    (tmp_path / "run/scores/neuro_lora.parquet").unlink()
    held = choose_contexts(RunView.read(tmp_path / "run"))
    assert held["scores"][1] is None
    assert held["scores"][2] is not None
    (tmp_path / "run/scores/base.parquet").unlink()
    assert choose_contexts(RunView.read(tmp_path / "run"))["shown"] == 0
