"""Trainings of one tune on page, card and as a figure: what a reader sees of a group."""

from __future__ import annotations

import knowshift
import pytest
from hostile import HOSTILE
from knowshift.probes.analysis.replicates import replicate_groups
from knowshift.probes.results.comparison import ComparisonResult
from knowshift.probes.results.estimate import Estimate
from knowshift.reports.card import write_card
from knowshift.reports.page import render
from pages import Page

NAMES = ("neuro_lora", "neuro_facts_lora")


def grouped(run, name="neuro", members=NAMES, edit=lambda group: group):
    """Write a group of the run's models into its comparison."""
    result = ComparisonResult.read(run)
    [group] = replicate_groups({name: members}, result.models).values()
    result.model_copy(update={"replicates": {name: edit(group)}}).write(run)
    return ComparisonResult.read(run).replicates[name]


def sections(page):
    return [attrs["id"] for tag, attrs in page.tags if tag == "section"]


def test_a_run_without_groups_has_no_such_part(page, finished):
    assert "trainings" not in sections(page)
    assert not [name for name in knowshift.figures(finished) if name.startswith("trainings")]


def test_the_page_sets_each_training_beside_their_mean(fresh):
    group = grouped(fresh)
    page = Page(render(fresh).read_text(encoding="utf-8"))
    assert sections(page)[:2] == ["verdict", "trainings"]
    for words in (
        group.sentence,
        "Each training has its own verdict above; the group has none.",
        "mean of 2 trainings",
        "SD over trainings",
        "yes in 1 of 2, no in 1 of 2",
        "yes in 1 of 2, cannot tell in 1 of 2",
    ):
        assert words in page.text
    learned = group.learned
    assert f"{learned.mean.value:.0%} [{learned.mean.low:.0%}, {learned.mean.high:.0%}]" in page.text
    assert f"{100 * learned.sd:.1f} points" in page.text
    for spread in group.spreads.values():
        numbers = [spread.mean, *spread.trainings.values()]
        wanted = {end for number in numbers for end in (number.value, number.low, number.high)}
        assert {spread.sd, *wanted} - {None} <= page.values


def test_a_chart_has_each_training_over_facts_and_their_mean_over_trainings(fresh):
    acquired = grouped(fresh).acquired
    chart = knowshift.figures(fresh)["trainings: neuro"]
    assert list(chart.data[0].x) == [*(number.value for number in acquired.trainings.values()), acquired.mean.value]
    assert list(chart.layout.yaxis.ticktext) == [*NAMES, "mean of 2 trainings"]
    ends = [*acquired.trainings.values(), acquired.mean]
    assert list(chart.data[0].error_x.array) == pytest.approx([number.high - number.value for number in ends])
    drawn = [figure["data"][0].get("x") for figure in Page(render(fresh).read_text(encoding="utf-8")).figures]
    assert list(chart.data[0].x) in drawn


def test_what_cannot_be_estimated_says_why(fresh):
    missing = Estimate.missing("too few own facts")

    def emptied(group):
        lone = {NAMES[0]: Estimate(0.5, 0.25, 0.75), NAMES[1]: missing}
        acquired = group.acquired.model_copy(
            update={"trainings": lone, "mean": Estimate(0.5, note="1 of 2"), "sd": None}
        )
        absolute = group.absolute.model_copy(update={"trainings": dict.fromkeys(NAMES, missing), "mean": missing})
        return group.model_copy(update={"acquired": acquired, "absolute": absolute})

    grouped(fresh, edit=emptied)
    text = Page(render(fresh).read_text(encoding="utf-8")).text
    assert "+0.500 [+0.250, +0.750]" in text
    assert "not estimated: too few own facts" in text
    assert "+0.500 1 of 2" in text


def test_the_card_of_one_model_keeps_its_group_alone(fresh):
    group = grouped(fresh)
    card = write_card(fresh, fresh / "card.md", NAMES[0]).read_text(encoding="utf-8")
    assert "## neuro: 2 trainings of one tune" in card
    assert f"{group.acquired.sd:.3g}" in card
    assert "Knowledge yes in 1 of 2, no in 1 of 2; shift " in card
    other = write_card(fresh, fresh / "card.md", "cardio_lora_rank16_epoch3").read_text(encoding="utf-8")
    assert "trainings of one tune" not in other


def test_groups_of_any_name_are_shown_as_text(fresh):
    grouped(fresh)
    plain = Page(render(fresh).read_text(encoding="utf-8"))
    names = ["".join(text[:99] for text in HOSTILE[k::9]) for k in range(9)]
    result = ComparisonResult.read(fresh)
    groups = replicate_groups(dict.fromkeys(names, NAMES), result.models)
    result.model_copy(update={"replicates": groups}).write(fresh)
    page = Page(render(fresh).read_text(encoding="utf-8"))
    assert {tag for tag, _ in page.tags} == {tag for tag, _ in plain.tags}
    assert sum(kind is None for kind, _ in page.scripts) == sum(kind is None for kind, _ in plain.scripts)
    assert "</script><script>" in page.text
    assert len([name for name in knowshift.figures(fresh) if name.startswith("trainings: ")]) == len(names)
    write_card(fresh, fresh / "card.md")
