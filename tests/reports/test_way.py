"""The way from a verdict down to one token, and back, by pointer, keyboard and address, in a real browser."""

from __future__ import annotations

from urllib.parse import parse_qs

import polars as pl
import pytest
from knowshift.reports.page import render
from knowshift.reports.run_view import TERM_COLUMNS

pytestmark = pytest.mark.slow

NEURO = "neuro_lora"


def state(page) -> dict[str, str]:
    """What the address says is chosen."""
    query = page.evaluate("location.hash").partition("?")[2]
    return {key: values[0] for key, values in parse_qs(query).items()}


def anchor(page) -> str:
    return page.evaluate("location.hash").lstrip("#").partition("?")[0]


def in_view(page, selector: str) -> bool:
    return page.locator(selector).evaluate(
        "(n) => { const box = n.getBoundingClientRect(); return box.bottom > 0 && box.top < innerHeight }"
    )


def tab(page, selector: str, text: str = "", *, key: str = "Tab") -> None:
    """Presses Tab until what is focused is such an element, of this text."""
    found = "([at, text]) => document.activeElement.matches(at) && document.activeElement.textContent.includes(text)"
    for _ in range(250):
        page.keyboard.press(key)
        if page.evaluate(found, [selector, text]):
            return
    pytest.fail(f"Tab does not lead to {selector} {text}")


def test_from_a_cell_to_terms_contexts_a_token_and_layers_and_back(visit, report, finished):
    page = visit(report)
    cell = page.locator("#matrix .cell a:visible").first
    cell.click()
    assert anchor(page) == "terms"
    assert state(page)["model"] == NEURO
    wanted = pl.read_parquet(finished / "terms.parquet").filter(
        pl.col("model") == NEURO, pl.col("specialties").list.contains("cardiology")
    )
    rows = page.locator("#terms-records tbody tr[data-place]")
    assert page.locator("#terms-records output").inner_text().startswith(f"{wanted.height} of")
    assert in_view(page, "#terms-title")

    term = rows.first.locator("a").inner_text()
    rows.first.locator("a").click()
    assert anchor(page) == "contexts"
    [concept] = wanted.filter(pl.col("name") == term)["concept"]
    assert state(page)["concept"] == concept
    assert page.locator("#contexts-bar h3").inner_text() == term
    places = pl.read_parquet(finished / "places.parquet").filter(pl.col("concept") == concept)
    assert page.locator(".context").count() == min(4, places.height)
    target = page.locator(".context .target").first
    assert target.locator("bdi").inner_text().strip() == term
    assert target.locator("bdi").evaluate("(n) => getComputedStyle(n).textDecorationLine") == "underline"

    target.click()
    assert anchor(page) == "layers"
    assert state(page)["place"].isdigit()
    page.locator("#layers-token .plot svg.main-svg").first.wait_for()
    assert term in page.locator("#layers-token").inner_text()
    assert page.locator("#layers-token details tbody tr").count() == 4

    page.locator("#layers-token").get_by_role("link", name="Back to the contexts").click()
    assert anchor(page) == "contexts"
    assert page.locator(".token[data-chosen]").count() == 1
    for expected in ("layers", "contexts", "terms"):
        page.go_back()
        assert anchor(page) == expected
    assert "concept" not in state(page)
    assert page.locator("#terms-records output").inner_text().startswith(f"{wanted.height} of")
    page.go_back()
    assert state(page) == {}
    assert page.locator("#terms-records output").inner_text() == "300 of 300 rows"


def test_a_token_tells_its_figures_to_pointer_and_keyboard(visit, report, finished):
    readings = pl.read_parquet(finished / "readings.parquet")
    place = pl.read_parquet(finished / "places.parquet").row(1, named=True)
    page = visit(report, f"#contexts?model={NEURO}&concept={place['concept']}")
    token = page.locator(".context:has-text('note-1-0') .token").nth(2)
    token.hover()
    tip = page.locator("#tip")
    held = readings.filter(pl.col("document") == "note-1-0", pl.col("model").is_in(["", NEURO]))
    for row in held.iter_rows(named=True):
        shown = tip.locator(f"tr:has(th:text-is('{'tuned' if row['model'] else 'base'}'))").inner_text()
        assert f"{row['logprob'][2]:.3f}".replace("-", "−") in shown
        assert str(row["rank"][2]) in shown
        assert "<b> −2.50" in shown
        assert "␣the −0.50" in shown
    token.focus()
    page.keyboard.press("ArrowRight")
    assert (
        page.evaluate("document.activeElement.textContent")
        == page.locator(".context:has-text('note-1-0') .token").nth(3).text_content()
    )
    assert page.evaluate("document.activeElement.getAttribute('aria-describedby')") == "tip"
    page.keyboard.press("Escape")
    assert not tip.is_visible()


def test_strips_share_one_scale_with_zero_in_the_middle(visit, report, finished):
    page = visit(report, f"#contexts?model={NEURO}&concept=C0001001")
    read = pl.read_parquet(finished / "readings.parquet").filter(
        pl.col("document") == "note-1-0", pl.col("model").is_in(["", NEURO])
    )
    base, tuned = (row["logprob"] for row in read.iter_rows(named=True))
    strips = page.locator(".context:has-text('note-1-0') .token").nth(3).locator(".strips span")
    styles = [strip.get_attribute("style") for strip in strips.all()]
    for value, style in zip((base[3], tuned[3], tuned[3] - base[3]), styles, strict=True):
        assert ("--high" if value > 0 else "--low") in style
        assert f"{round(100 * (min(abs(value), 8) / 8) ** 0.5)}%" in style
    # What no model predicts has no colour.
    first = page.locator(".context:has-text('note-1-0') .token").first.locator(".strips .empty")
    assert first.count() == 3


def test_layers_give_the_runs_numbers_and_an_interval_over_places(visit, report, finished):
    places = pl.read_parquet(finished / "places.parquet").filter(pl.col("concept") == "C0001005")
    page = visit(report, f"#layers?model={NEURO}&concept=C0001005", drawn=True)
    page.locator("#layers-token .plot svg.main-svg").first.wait_for()
    page.locator("#layers-token summary").click()
    cells = [row.locator("td").all_inner_texts() for row in page.locator("#layers-token details tbody tr").all()]
    lens = {}
    for model in ("base", NEURO):
        frame = pl.read_parquet(finished / "scores" / f"{model}.parquet")
        lens[model] = dict(frame.select("item", "lens").iter_rows())
    shown = [float(row[0].replace("−", "-")) for row in cells]
    [item] = [i for i in places["item"] if lens["base"][i] == pytest.approx(shown, abs=5.1e-3)]
    tuned = [float(row[1].replace("−", "-")) for row in cells]
    assert tuned == pytest.approx(lens[NEURO][item], abs=5.1e-3)

    import numpy as np
    from scipy import stats

    gains = np.array([[b - a for a, b in zip(lens["base"][i], lens[NEURO][i], strict=True)] for i in places["item"]])
    low, high = stats.t.interval(0.95, len(gains) - 1, gains.mean(0), stats.sem(gains, axis=0))
    for row, (mean, bottom, top) in zip(cells, zip(gains.mean(0), low, high, strict=True), strict=True):
        assert float(row[5].replace("−", "-")) == pytest.approx(mean, abs=2e-2)
        ends = [float(end.replace("−", "-")) for end in row[6].split(" to ")]
        assert ends == pytest.approx([bottom, top], abs=3e-2)


def test_one_token_is_followed_through_the_layers(visit, report, finished):
    page = visit(report, f"#contexts?model={NEURO}&concept=C0001001")
    page.locator(".context:has-text('note-1-0') .token").nth(4).click()
    assert state(page)["token"] == "4"
    page.locator("#layers-token summary").click()
    read = pl.read_parquet(finished / "readings.parquet").filter(pl.col("document") == "note-1-0")
    [base, tuned] = [read.row(by_predicate=pl.col("model") == model, named=True) for model in ("", NEURO)]
    cells = [row.locator("td").all_inner_texts() for row in page.locator("#layers-token details tbody tr").all()]
    for layer, row in enumerate(cells):
        shown = [float(cell.replace("−", "-")) for cell in row[:5]]
        lens = [held["lens"][layer][4] for held in (base, tuned)]
        assert shown[:2] == pytest.approx(lens, abs=5.1e-3)
        assert shown[2] == pytest.approx(lens[1] - lens[0], abs=1.1e-2)
        assert shown[3:] == [held["lens_rank"][layer][4] for held in (base, tuned)]
    reached = [next((k for k, row in enumerate(held["lens_rank"]) if row[4] < 10), None) for held in (base, tuned)]
    said = page.locator("#layers-token > p", has_text="In the top 10").inner_text()
    for k, name in zip(reached, ("base", "tuned"), strict=True):
        assert f"{name} {'at no layer' if k is None else f'from layer {[2, 5, 8, 11][k]}'}" in said


def test_a_part_of_a_target_stands_beside_no_mean_of_whole_targets(visit, fresh):
    page = visit(render(fresh), f"#contexts?model={NEURO}&concept=C0001001")
    assert of_whole_targets(page, 6) == (False, False)
    for file in (fresh / "scores").iterdir():
        pl.read_parquet(file).with_columns(tokens=pl.lit(1, pl.Int16)).write_parquet(file)
    page = visit(render(fresh), f"#contexts?model={NEURO}&concept=C0001001")
    # The only token of its target is the target; one beside the target is not.
    assert of_whole_targets(page, 6) == (True, True)
    assert of_whole_targets(page, 4) == (False, False)


def of_whole_targets(page, token: int) -> tuple[bool, bool]:
    """Whether the table, and the chart and its words, tell of the places of the term, `token` being chosen."""
    page.locator(".context:has-text('note-1-0') .token").nth(token).click()
    page.wait_for_function("() => document.querySelectorAll('#layers-token svg.main-svg').length > 0")
    heads = page.locator("#layers-token details th[scope=col]").all_text_contents()
    names = page.evaluate(
        "new Promise((done) => setTimeout(() => done("
        "[...document.querySelectorAll('#layers-token .plot')][2].data.map((one) => one.name)), 300))"
    )
    said = page.locator("#layers-token > p", has_text="The band is").count() > 0
    assert "this place" in names
    assert said == ("95% interval" in names) == ("mean over its places" in names)
    assert ("95% interval" in heads) == ("mean difference over its places" in heads)
    return "95% interval" in heads, said


def test_the_chosen_token_tells_its_figures_without_a_pointer(visit, report, finished):
    page = visit(report, f"#contexts?model={NEURO}&concept=C0001001")
    page.locator(".context:has-text('note-1-0') .token").nth(2).click()
    read = pl.read_parquet(finished / "readings.parquet").filter(pl.col("document") == "note-1-0")
    for model, name in (("", "base"), (NEURO, "tuned")):
        row = read.row(by_predicate=pl.col("model") == model, named=True)
        shown = page.locator(f"#layers-token .figures tr:has(th:text-is('{name}'))").inner_text()
        assert f"{row['logprob'][2]:.3f}".replace("-", "−") in shown
        assert str(row["rank"][2]) in shown
        assert "␣the −0.50" in shown


def test_without_text_strips_are_a_tokens_as_well(visit, fresh):
    page = visit(render(fresh, text=False), f"#contexts?model={NEURO}&concept=C0001001")
    places = pl.read_parquet(fresh / "places.parquet").filter(pl.col("concept") == "C0001001")
    wanted = set()
    for model in ("base", NEURO):
        scores = pl.read_parquet(fresh / "scores" / f"{model}.parquet").join(places, "item", "semi")
        wanted |= {round(100 * (min(-value / 2, 8) / 8) ** 0.5) for value in scores["logprob"]}
    strips = page.locator(".context .strips").all()
    assert len(strips) == places.height
    shown = [strip.locator("span").nth(k).get_attribute("style") for strip in strips for k in (0, 1)]
    assert all(any(f" {share}%" in style for share in wanted) for style in shown)


def test_an_unknown_model_is_none(visit, report):
    page = visit(report, "#terms?model=nobody", drawn=True)
    assert page.locator("#model").input_value() == ""
    assert page.locator("#terms-records output").inner_text() == "300 of 300 rows"
    assert page.locator("#ladder-charts .chart").count() == 3


def test_facts_beyond_the_table_are_no_links(visit, fresh, monkeypatch):
    from knowshift.reports.sections import facts

    monkeypatch.setattr(facts, "ROWS", 9)
    page = visit(render(fresh), "#facts?facts.without=none")
    page.evaluate("for (const box of document.querySelectorAll('#counter details')) box.open = true")
    links = page.locator("#counter a[href^='#facts-one']")
    named = page.locator("#counter tbody th", has_text="absence seizures")
    assert 0 < links.count() < named.count()
    for link in links.all():
        link.click()
        assert page.locator("#facts-one .card").count() == 1


def test_a_model_with_other_tokens_has_its_targets_alone(visit, fresh):
    file = fresh / "readings.parquet"
    frame = pl.read_parquet(file)
    other = pl.when(pl.col("model") == NEURO).then(pl.col("starts").list.eval(pl.element() + 1)).otherwise("starts")
    frame.with_columns(starts=other).write_parquet(file)
    page = visit(render(fresh), f"#contexts?model={NEURO}&concept=C0001001")
    assert page.locator(".context").first.locator(".token").count() == 1
    page.locator("#model").select_option("neuro_facts_lora")
    assert page.locator(".context:has-text('note-1-0') .token").count() > 5


def test_an_address_opens_the_same_view(visit, report):
    hash = (
        f"#terms?model={NEURO}&terms.q=ataxia&terms.sort=-q&terms.specialties=Dermatology&concept=C0001001"
        "&ladder.view=text&ladder.unit=bits&matrix.view=margin&matrix.sort=-neuro_lora"
    )
    page = visit(report, hash, drawn=True, fresh=True)
    assert page.locator("#model").input_value() == NEURO
    assert page.locator("#terms-records input[type=search]").input_value() == "ataxia"
    assert page.locator("#terms-records th[aria-sort=descending]").inner_text() == "q"
    assert all("ataxia" in text for text in page.locator("#terms-records tbody a").all_inner_texts())
    assert page.locator("#contexts-bar h3").inner_text() == "ataxia 1"
    assert page.locator("#ladder-switches [aria-pressed=true]").all_inner_texts() == [
        "from running text",
        "bits",
        "per token",
    ]
    assert page.locator("#matrix .scroll:visible caption").inner_text().startswith("Facts' margin")
    assert page.locator("#matrix .scroll:visible th[aria-sort=descending]").inner_text() == NEURO
    assert in_view(page, "#terms-title")
    assert page.evaluate("location.hash") == hash


@pytest.mark.parametrize(
    "hash",
    [
        "#terms?model=nobody&terms.sort=-nothing&terms.specialties=%zz",
        "#nowhere?place=-1&token=x",
        "#%",
        "#layers?place=9e9",
        "#terms?terms.without=" + ",".join(TERM_COLUMNS),
    ],
)
def test_an_address_that_makes_no_sense_still_opens_the_page(visit, report, hash):
    page = visit(report, hash, drawn=True, fresh=True)
    assert page.locator("#terms-records table thead th").count() > 0
    assert page.locator("#verdict .badge").first.is_visible()


def test_everything_is_done_by_keyboard_alone(visit, report):
    page = visit(report)

    def focused(expression: str = "document.activeElement.textContent"):
        return page.evaluate(expression)

    page.keyboard.press("Tab")
    assert focused() == "Skip to the content"
    page.keyboard.press("Tab")
    assert focused() == "Verdict"
    assert focused("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    assert focused("document.activeElement.id") == "content"
    tab(page, "[href='#matrix']", key="Shift+Tab")
    page.keyboard.press("Enter")
    assert focused("document.activeElement.id") == "matrix-title"
    tab(page, "#matrix .cell a")
    page.keyboard.press("Enter")
    assert focused("document.activeElement.id") == "terms-title"
    tab(page, "#terms-records tbody a")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    term = focused()
    assert term == page.locator("#terms-records tbody a").nth(2).inner_text()
    page.keyboard.press("Enter")
    assert focused("document.activeElement.id") == "contexts-title"
    assert page.locator("#contexts-bar h3").inner_text() == term
    tab(page, ".token")
    page.keyboard.press("Enter")
    assert focused("document.activeElement.id") == "layers-title"
    assert state(page)["place"].isdigit()
    tab(page, "#layers-token a", "Back to the contexts")
    page.keyboard.press("Enter")
    assert focused("document.activeElement.id") == "contexts-title"
    assert page.locator(".token[data-chosen]").count() == 1


def test_a_table_is_used_by_keyboard_alone(visit, report, finished, tmp_path):
    frame = pl.read_parquet(finished / "terms.parquet")
    page = visit(report)
    count = page.locator("#terms-records output")
    tab(page, "#model")
    page.keyboard.type("neuro_l")
    assert state(page) == {"model": NEURO}
    frame = frame.filter(pl.col("model") == NEURO)
    tab(page, "#ladder-switches button", "bits")
    page.keyboard.press("Space")
    assert state(page)["ladder.unit"] == "bits"

    tab(page, "#terms-records select")
    page.keyboard.type("Psych")
    frame = frame.filter(pl.col("specialties").list.contains("psychiatry"))
    assert count.inner_text().startswith(f"{frame.height} of")
    tab(page, "#terms-records input[type=search]", key="Shift+Tab")
    page.keyboard.type("ataxia")
    frame = frame.filter(pl.col("name").str.contains("ataxia")).sort("gain")
    assert count.inner_text().startswith(f"{frame.height} of")
    tab(page, "#terms-records th button", "gain")
    page.keyboard.press("Enter")
    shown = page.locator("#terms-records tbody a")
    assert shown.all_inner_texts() == frame["name"].to_list()

    tab(page, "#terms-records button", "Save as CSV", key="Shift+Tab")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    download.value.save_as(tmp_path / "terms.csv")
    assert pl.read_csv(tmp_path / "terms.csv", infer_schema=False)["term"].to_list() == frame["name"].to_list()
    tab(page, "#terms-records summary", key="Shift+Tab")
    page.keyboard.press("Enter")
    tab(page, "#terms-records input[name=q]")
    page.keyboard.press("Space")
    assert "q" not in page.locator("#terms-records thead").inner_text().split()
    tab(page, "#terms-records button", "Clear filters")
    page.keyboard.press("Enter")
    assert count.inner_text().startswith("300 of")


def test_tab_leaves_a_long_table_in_one_step(visit, report):
    """Arrow keys walk the rows; Tab does not."""
    page = visit(report)
    tab(page, "#terms-records tbody a")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    row = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#terms-records')") is None
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.textContent") == row


def test_a_fact_shows_its_candidates_before_and_after(visit, report, finished):
    page = visit(report)
    frame = pl.read_parquet(finished / "facts.parquet").filter(pl.col("model") == NEURO)
    learned = frame.filter(pl.col("group") == "own", pl.col("state") == "never")
    page.locator(f"#facts a[href*='facts.state=never'][href*='facts.group=own'][href*='model={NEURO}&']").first.click()
    assert page.locator("#facts-records output").inner_text().startswith(f"{learned.height} of")
    link = page.locator("#facts-records tbody a").first
    cue = link.inner_text()
    link.click()
    [row] = learned.filter(pl.col("cue") == cue).iter_rows(named=True)
    shown = page.locator("#facts-one tbody tr")
    assert shown.count() == 4
    for k, text in enumerate([row["answer"], *row["distractors"]]):
        assert text in shown.nth(k).locator("th").inner_text()
        values = [float(one.get_attribute("value")) for one in shown.nth(k).locator("data").all()]
        assert values == pytest.approx([row["base_logprobs"][k], row["tuned_logprobs"][k]], abs=1e-4)
    page.locator("#facts-one").get_by_role("button", name="Close").click()
    assert page.locator("#facts-one").inner_text() == ""
