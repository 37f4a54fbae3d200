"""Each view is the mean it says, by hand from the tables; the neutral cue takes out what a string gains anywhere."""

from dataclasses import replace

import numpy as np
import pytest
from knowshift.probes.analysis.analyze import analyze
from knowshift.terms.select import priors
from synthetic import World, fewer_draws, world

pytestmark = pytest.mark.filterwarnings("error")

WORLD = world(specialties=3, facts=20, controls=20, cues=2, distractors=5)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    fewer_draws(monkeypatch)


def with_priors(made: World) -> World:
    """The same world, each answer scored after a neutral cue too."""
    extra = tuple(priors(made.items, made.domain))
    places = [(len(made.items) + n, role) for n, item in enumerate(extra) for role in range(len(item.candidates))]
    item, role = np.array(places).T
    strings = {}
    for row, (i, k) in enumerate(zip(made.item, made.role, strict=True)):
        strings.setdefault(made.items[i].candidates[k], row)
    same = np.array([strings[extra[i - len(made.items)].candidates[k]] for i, k in places])
    logits = np.random.default_rng(5).normal(0, 1.5, (len(places), *made.logits.shape[1:]))
    return replace(
        made,
        items=made.items + extra,
        item=np.concatenate([made.item, item]),
        cue=np.concatenate([made.cue, 0 * item]),
        role=np.concatenate([made.role, role]),
        tokens=np.concatenate([made.tokens, made.tokens[same]]),
        logits=np.concatenate([made.logits, logits]),
    )


def views(made, gain, per="token"):
    model = analyze(made.material(per=per, m=made.model(gain))).models["m"]
    return {view.view: view for view in model.views}, model


def by_hand(made, gain, own="s0"):
    """T, D, margin of the own facts in the unit of `gain` [R], over the wrong answers of like length."""
    rows = {}
    for row in np.flatnonzero(made.of(own) & made.is_(lambda item: item.kind == "fact")):
        rows.setdefault(made.item[row], []).append(row)
    true, wrong = [], []
    for members in rows.values():
        members = np.array(members)
        answer = members[made.role[members] == 0]
        near = np.abs(made.tokens[members] - made.tokens[answer][0]) <= 1
        false = members[(made.role[members] > 0) & near]
        true.append(gain[answer].mean())
        wrong.append(gain[false].mean())
    return np.mean(true), np.mean(wrong)


@pytest.mark.parametrize("per", ["token", "target", "character"])
def test_units(per):
    gain = WORLD.moved(1)
    found, model = views(WORLD, gain, per)
    length = {"per token": 1, "per target": WORLD.tokens, "per character": 0.25}
    for name, factor in length.items():
        true, wrong = by_hand(WORLD, gain * factor)
        assert found[name].T.value == pytest.approx(true)
        assert found[name].D.value == pytest.approx(wrong)
        assert found[name].margin.value == pytest.approx(true - wrong)
    own_unit = found[f"per {per}"]
    assert own_unit.margin.value == pytest.approx(model.rungs["knowledge"].value)
    assert own_unit.specific_margin.value == pytest.approx(model.specific_margin.value)
    assert own_unit.T.value == pytest.approx(model.total.value)
    assert found["per target"].T.unit == "nats"


def test_the_first_token_alone():
    """The synthetic table spreads a log-probability evenly over its tokens."""
    gain = WORLD.moved(1)
    found, _ = views(WORLD, gain)
    true, wrong = by_hand(WORLD, gain)
    assert found["first token"].T.value == pytest.approx(true, abs=1e-6)
    assert found["first token"].D.value == pytest.approx(wrong, abs=1e-6)


def test_wrong_answers_of_any_length_stand_beside_those_of_like_length():
    tokens = WORLD.tokens.copy()
    odd = (WORLD.role == 5) & WORLD.of("s0")
    tokens[odd] = 9
    made = replace(WORLD, tokens=tokens)
    found, _ = views(made, 3.0 * odd)
    assert found["per token"].D.value == pytest.approx(0)
    assert found["any length"].D.value == pytest.approx(3.0 / 5)


def test_the_neutral_cue_takes_out_what_a_string_gains_anywhere():
    made = with_priors(WORLD)
    ease = np.random.default_rng(3).normal(size=made.answer.max() + 1)
    anywhere = np.zeros(len(made.item))
    strings = np.array([made.items[i].candidates[k] for i, k in zip(made.item, made.role, strict=True)])
    for n, string in enumerate(np.unique(strings)):
        anywhere[strings == string] = ease[n]
    learned = 0.7 * (made.of("s0") & (made.role == 0))
    found, _ = views(made, anywhere + learned)
    corrected = found["prior-corrected"]
    assert corrected.T.value == pytest.approx(0.7)
    assert corrected.D.value == pytest.approx(0.0, abs=1e-9)
    assert corrected.specific_margin.value == pytest.approx(0.7)
    assert abs(found["per token"].T.value - 0.7) > 0.01  # uncorrected, the strings' own ease is in it


def test_neutral_cues_change_no_other_figure():
    gain = WORLD.moved(1)
    made = with_priors(WORLD)
    more = np.concatenate([gain, np.full(len(made.item) - len(gain), 4.0)])
    without, with_them = (views(*given)[1] for given in ((WORLD, gain), (made, more)))
    *views_of_both, last = with_them.views
    assert last.view == "prior-corrected"
    assert with_them.model_copy(update={"views": tuple(views_of_both)}) == without


def test_the_whole_domain_has_no_margin_beyond_other_specialties():
    model = analyze(WORLD.material({"m": None}, m=WORLD.model(WORLD.moved(1)))).models["m"]
    assert all(view.specific_margin.value is None for view in model.views)
    assert all(view.margin.value is not None for view in model.views)
