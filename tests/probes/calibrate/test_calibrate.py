"""The calibration: a small grid end to end, resumed, its tables against scipy, and the line that a run is given."""

import json
from dataclasses import replace

import pytest
from knowshift.errors import RunError, UsageError
from knowshift.probes.analysis.error_rates import Evidence, error_rate_for
from knowshift.probes.calibrate import grid, table
from knowshift.probes.calibrate.arms import ARMS, BY_NAME
from knowshift.probes.calibrate.calibrate import calibrate
from knowshift.probes.calibrate.docs import markdown
from knowshift.probes.calibrate.world import Size, World
from knowshift.probes.results.calibration import Calibration
from knowshift.probes.results.findings import Counts, Finding, Ledger, ShiftFinding
from knowshift.probes.results.model import ModelResult
from scipy import stats

pytestmark = pytest.mark.heavy

TINY = Size(specialties=4, relations=6, general_relations=4, facts=20, names=40, terms=10, words=60, texts=3)


@pytest.fixture(scope="module")
def made():
    return World(TINY)


def record(arm, seed, value, state, planted=None, p=0.5):
    """A line of results, as the bench writes it."""
    estimate = {"estimate": value, "low": value - 0.1, "high": value + 0.1}
    rival = {"value": value, "p": p}
    sample = {
        "verdict": {"yes": "knowledge injection", "no": "neither"}.get(state, "cannot tell"),
        "knowledge": state,
        "shift": "no",
        "specific_knowledge": estimate,
        "blind": estimate,
        "rivals": {"own_less_other": rival, "kr": rival},
        "ledger": {"other": {"facts": 200}},
    }
    return {
        "arm": arm,
        "seed": seed,
        "planted": {"estimate": value if planted is None else planted},
        "texts": {"shift": "no", "rivals": {"terms": rival, "perplexity": rival}},
        "samples": {"40": sample},
        "seconds": [1.0, 1.0],
    }


def measured(*records):
    about = {"base": "b", "about_base": "", "version": "0", "command": "probe calibrate", "hours": 0.1, "pool": 240}
    return table.calibration(records, about)


# The world


def test_the_same_size_gives_the_same_world(made):
    again = World(TINY)
    assert again.facts == made.facts
    assert again.text_items == made.text_items


def test_every_person_exists_once(made):
    cues = [cue for told in made.facts for cue in told.fact.cues]
    assert len(cues) == len(set(cues)) == 20 * (4 * 6 + 4)


def test_within_a_relation_each_answer_is_true_equally_often(made):
    mine = [told for told in made.facts if told.fact.relation == "s1-3"]
    assert {sum(told.fact.answer == answer for told in mine) for answer in mine[0].choices} == {2}
    assert not any(told.fact.answer in told.fact.distractors for told in mine)


@pytest.mark.parametrize("name", ["shift", "null", "generic", "frequency", "elsewhere"])
def test_an_arm_that_teaches_nothing_tells_no_own_fact_reliably(made, name):
    """No own fact that the base does not know stands beside its true answer more often than beside its relation's."""
    case = BY_NAME[name].case(made, 0)
    lesson = BY_NAME[name].lesson(case)
    own = {told.fact.cues[0]: told for told in case.mine if not told.known}
    read = [(own[cue], end.removesuffix(" .")) for _ in range(60) for cue, end in next(lesson)[1] if cue in own]
    read = [(told, answer) for told, answer in read if answer in told.choices]
    if read:
        true = sum(answer == told.fact.answer for told, answer in read)
        assert stats.binomtest(true, len(read), 1 / TINY.answers).pvalue > 0.001


def test_the_dose_is_the_share_of_the_own_facts(made):
    for arm in ARMS:
        if arm.dose:
            case = arm.case(made, 3)
            assert len(case.taught) == round(arm.dose * 120)
            assert {made.by_id[id].fact.specialties for id in case.taught} == {(case.own,)}


def test_facts_elsewhere_are_not_the_own_ones(made):
    case = BY_NAME["elsewhere"].case(made, 1)
    assert case.taught
    assert case.own not in {made.by_id[id].fact.specialties[0] for id in case.taught}


def test_a_sample_holds_exactly_the_dose(made):
    from random import Random

    from knowshift.probes.calibrate.judging import _own

    arm = BY_NAME["injection 10 %"]
    case = arm.case(made, 0)
    for seed in range(20):
        drawn = _own(arm, case, case.mine, 40, Random(seed), 0.10)
        assert len({told.fact.id for told in drawn}) == 40
        assert sum(told.fact.id in case.taught for told in drawn) == 4


# The grid, end to end


@pytest.fixture(scope="module")
def base(tmp_path_factory, made):
    """A base that has read a little of the small world."""
    from knowshift.models.weights import save_pt
    from knowshift.probes.calibrate.training import train_base

    path = tmp_path_factory.mktemp("calibrate") / "base.pt"
    save_pt(*train_base(made, steps=10), path)
    return path


def chosen(base, seeds=2):
    tasks = grid.tasks([BY_NAME["null"], BY_NAME["confidence 0.5"]], seeds)
    return grid.Grid(str(base), "key", tasks, TINY, (40,))


@pytest.fixture(scope="module")
def records(base, tmp_path_factory):
    out = tmp_path_factory.mktemp("grid")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("knowshift.probes.calibrate.arms.STEPS", 8)
        return out, grid.run(chosen(base), out, 1)


@pytest.mark.slow
def test_a_grid_gives_a_record_a_model(records):
    assert [(one["arm"], one["seed"]) for one in records[1]] == [
        ("null", 0),
        ("confidence 0.5", 0),
        ("null", 1),
        ("confidence 0.5", 1),
    ]
    for one in records[1]:
        sample = one["samples"]["40"]
        assert sample["knowledge"] in ("yes", "no", "unclear")
        assert sample["specific_knowledge"]["low"] < sample["specific_knowledge"]["high"]
        assert one["planted"]["estimate"] is not None


def test_a_temperature_is_exact(base):
    """Rescoring is what the base's own table says of that temperature."""
    import numpy as np
    from knowshift import Checkpoint
    from knowshift.models.scoring import score
    from knowshift.models.table import TEMPERATURES
    from knowshift.probes.calibrate.training import tempered

    opened = Checkpoint.open(base)
    items = World(TINY).fact_items(World(TINY).facts[:20])
    plain, hot = score(items, opened, lens=False), score(items, tempered(opened, 1.5), lens=False)
    expected = np.array(plain["tempered"].to_pylist())[:, TEMPERATURES.index(1.5)]
    assert np.allclose(hot["logprob"].to_numpy(), expected, atol=1e-4)


@pytest.mark.slow
def test_finished_work_is_not_done_again(records, base, monkeypatch):
    out, first = records

    def refuse(*_):
        raise AssertionError("measured again")

    monkeypatch.setattr(grid, "_measure", refuse)
    assert grid.run(chosen(base), out, 1) == json.loads(json.dumps(first))


@pytest.mark.slow
def test_an_interrupted_line_is_cut_off_and_measured_again(records, base, tmp_path, monkeypatch):
    whole = (records[0] / grid.RESULTS).read_bytes()
    (tmp_path / grid.RESULTS).write_bytes(whole[:-40])
    asked = []

    def measure(_grid, _scores, arm, seed):
        asked.append((arm, seed))
        return records[1][-1]

    monkeypatch.setattr(grid, "_measure", measure)
    assert len(grid.run(chosen(base), tmp_path, 1)) == 4
    assert asked == [("confidence 0.5", 1)]
    assert len((tmp_path / grid.RESULTS).read_text().splitlines()) == 5


@pytest.mark.slow
def test_what_is_judged_otherwise_is_judged_again_from_the_kept_scores(records, base, tmp_path, monkeypatch):
    import shutil

    out = shutil.copytree(records[0], tmp_path / "grid")
    first, *lines = (out / grid.RESULTS).read_text().splitlines()
    lines = [json.dumps(json.loads(line) | {"key": "of other statistics"}) for line in lines]
    (out / grid.RESULTS).write_text("\n".join([first, *lines]) + "\n")

    def train(*_arguments):
        raise AssertionError("trained again")

    monkeypatch.setattr("knowshift.probes.calibrate.asking.train_adapter", train)
    again = grid.run(chosen(base), out, 1)
    assert [{**one, "seconds": 0} for one in again] == [{**one, "seconds": 0} for one in records[1]]
    assert len((out / grid.RESULTS).read_text().splitlines()) == 5


@pytest.mark.slow
def test_adding_an_arm_trains_nothing_else(records, base, tmp_path, monkeypatch):
    """Neither does editing one, whose own models are trained anew; the others' records stay as they are."""
    import shutil

    from knowshift.probes.calibrate import asking

    monkeypatch.setattr("knowshift.probes.calibrate.arms.STEPS", 8)
    out = shutil.copytree(records[0], tmp_path / "grid")
    added = replace(BY_NAME["generic"], name="added")
    edited = replace(BY_NAME["confidence 0.5"], temperature=0.6)
    monkeypatch.setitem(BY_NAME, "added", added)
    monkeypatch.setitem(BY_NAME, "confidence 0.5", edited)
    answered, answer = [], asking.Bench._answered

    def watch(bench, arm, case, asked, seed):
        answered.append((arm.name, seed))
        return answer(bench, arm, case, asked, seed)

    monkeypatch.setattr(asking.Bench, "_answered", watch)
    tasks = grid.tasks([BY_NAME["null"], edited, added], 2)
    again = grid.run(grid.Grid(str(base), "key", tasks, TINY, (40,)), out, 1)
    assert answered == [("confidence 0.5", 0), ("added", 0), ("confidence 0.5", 1), ("added", 1)]
    assert [record for record in again if record["arm"] == "null"] == [
        one for one in records[1] if one["arm"] == "null"
    ]


@pytest.mark.slow
def test_records_of_arms_that_are_not_asked_for_stay(records, base, tmp_path):
    import shutil

    out = shutil.copytree(records[0], tmp_path / "grid")
    whole = (out / grid.RESULTS).read_text()
    grid.run(grid.Grid(str(base), "key", grid.tasks([BY_NAME["null"]], 1), TINY, (40,)), out, 1)
    assert (out / grid.RESULTS).read_text() == whole


def test_an_adapter_is_trained_as_peft_would(base):
    """Folded into the weights it computes and learns what peft's own layers do."""
    import torch
    from knowshift import Checkpoint
    from knowshift.models.sharing import clone_sharing_weights
    from knowshift.probes.calibrate.training import fit, folded, rows
    from peft import LoraConfig, get_peft_model

    opened = Checkpoint.open(base)
    batch = [rows([told.sentence(told.fact.answer) for told in World(TINY).facts[:9]], opened.tokenizer)]
    losses = []
    with opened.active() as model:
        for fold in (False, True):
            torch.manual_seed(0)
            peft = get_peft_model(clone_sharing_weights(model), LoraConfig(r=4, target_modules="all-linear"))
            trained = folded(clone_sharing_weights(model), peft) if fold else peft.get_base_model()
            losses.append(list(fit(trained, iter([batch] * 6), 6, 1e-2)))
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert losses[0][-1] < losses[0][0]


@pytest.mark.slow
def test_another_bases_results_are_refused(records, base, tmp_path):
    (tmp_path / grid.RESULTS).write_bytes((records[0] / grid.RESULTS).read_bytes())
    other = grid.Grid(str(base), "another", chosen(base).tasks, TINY, (40,))
    with pytest.raises(RunError, match=r"another calibration.*base"):
        grid.run(other, tmp_path, 1)


@pytest.mark.parametrize(
    ("options", "says"),
    [({"arms": ["nul"]}, "no such arm"), ({"small": True, "seeds": 3}, "--quick"), ({"jobs": 0}, "--jobs 0")],
)
def test_what_cannot_be_meant_is_refused(tmp_path, options, says):
    with pytest.raises(UsageError, match=says):
        calibrate(tmp_path, **options)


@pytest.mark.slow
def test_a_users_base_is_made_to_read_the_world_and_measured(house, tmp_path, monkeypatch):
    """Its tokens are its own; what was made of it is kept, and is of that base alone."""
    monkeypatch.setattr("knowshift.probes.calibrate.training.READ_STEPS", 2)
    monkeypatch.setattr("knowshift.probes.calibrate.arms.STEPS", 2)
    options = {"arms": ["injection 10 %"], "seeds": 1, "size": TINY, "sizes": (40,), "docs": tmp_path / "page.md"}
    data = calibrate(tmp_path / "out", str(house / "base"), **options)
    assert data.models == 1
    assert data.base == str(house / "base")
    assert Calibration.read(tmp_path / "out") == data
    assert "merged into it" in (tmp_path / "page.md").read_text()
    with pytest.raises(RunError, match="calibration of another base"):
        calibrate(tmp_path / "out", str(house / "cardio_full"), **options)


# The table


@pytest.mark.parametrize(("hits", "n"), [(0, 60), (1, 60), (59, 60), (60, 60), (7, 20)])
def test_intervals_are_those_of_clopper_and_pearson(hits, n):
    found = table.rate(hits, n)
    low = stats.beta.ppf(0.025, hits, n - hits + 1) if hits else 0.0
    high = stats.beta.ppf(0.975, hits + 1, n - hits) if hits < n else 1.0
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)


def test_the_area_counts_pairs():
    positive, negative = [1.0, 2.0, 3.0], [0.0, 2.0]
    pairs = [(a > b) + 0.5 * (a == b) for a in positive for b in negative]
    assert table.area(positive, negative) == pytest.approx(sum(pairs) / len(pairs))


def test_rates_are_of_the_right_models():
    nulls = [record("null", seed, 0.0, "yes" if seed == 0 else "no") for seed in range(10)]
    taught = [record("injection 10 %", seed, 1.0, "yes", planted=1.0 if seed else 5.0) for seed in range(4)]
    data = measured(*nulls, *taught)
    assert data.false_knowledge["40"]["specific_knowledge"].hits == 1
    assert data.false_knowledge["40"]["specific_knowledge"].n == 10
    assert data.arms["injection 10 %"].sizes["40"].knowledge["specific_knowledge"].rate == 1.0
    assert data.coverage["40"].hits == 13
    assert data.area["40"]["0.1"]["specific_knowledge"] == 1.0


def test_the_page_says_where_a_promise_is_broken():
    nulls = [record("null", seed, 0.0, "yes" if seed < 6 else "no", p=0.001) for seed in range(60)]
    page = markdown(measured(*nulls))
    assert "| false *knowledge* at most 2 % in each arm: null, 40 facts | 6/60 (3.8–20.5 %) | **no** |" in page
    assert "says *knowledge* of models that learned nothing in: null (100%)" in page


# The line


@pytest.fixture
def calibrated():
    nulls = [record("null", seed, 0.0, "yes" if seed < 2 else "no") for seed in range(50)]
    weak = [record("injection 10 %", seed, 0.5, "yes" if seed < 15 else "no") for seed in range(20)]
    strong = [record("injection 50 %", seed, 2.0, "yes") for seed in range(20)]
    return measured(*nulls, *weak, *strong)


def test_the_line_takes_the_dose_that_the_ledger_reaches(calibrated):
    def said(learned, state="yes"):
        return error_rate_for(calibrated, 55, Evidence(state, "no", "text", learned, 200))

    assert said(0.6).power.rate == 1.0
    assert said(0.3).power.rate == 0.75
    assert said(None).dose == 0.10
    assert "knowledge was wrongly said of 2 of 50" in said(0.3).sentence
    assert "denied of 5" in said(0.3, "no").sentence
    assert "denied" not in said(0.3).sentence
    assert said(0.3).brief.startswith("knowledge wrongly said of 2 of 50 that learned nothing; a shift ")
    assert "; denied of 5 of 20 taught 10% of the facts; " in said(0.3, "no").brief


def test_the_line_is_no_surer_than_the_calibration(calibrated):
    found = error_rate_for(calibrated, 31, Evidence("yes", "no", "fact", 0.5, 200))
    assert not found.reached
    assert "31 concepts of own facts, of at least 40 calibrated: its error rates are not known" in found.sentence
    assert found.brief == "not known: 31 concepts of own facts, of at least 40 calibrated"
    few = error_rate_for(calibrated, 310, Evidence("yes", "no", "fact", 0.5, 199))
    assert few.brief == "not known: 199 facts of other specialties, of at least 200 calibrated"
    assert error_rate_for(calibrated, 40, Evidence("yes", "no", "fact", 0.5, 200)).reached
    assert not error_rate_for(calibrated, 40, Evidence("yes", "no", "fact", 0.5, 199)).reached
    assert error_rate_for(None, 31, Evidence("yes", "no", "fact", 0.5, 200)) is None


def test_the_evidence_is_what_was_learned_beyond_the_others():
    counts = {"own": Counts(learned=12, facts=30), "other": Counts(learned=10, facts=100), "general": Counts()}
    found = Evidence.of(
        ModelResult.model_construct(
            knowledge=Finding(state="yes", why=""),
            shift=ShiftFinding.model_construct(state="no", view="text"),
            ledger=Ledger(**counts),
        )
    )
    assert (found.learned, found.others) == (pytest.approx(0.3), 100)


def test_taught_again_is_no_error_and_is_said_beside_a_yes(calibrated):
    known = [record("retained", seed, 1.0, "yes") for seed in range(20)]
    nulls = [record("null", seed, 0.0, "no") for seed in range(50)]
    found = measured(*nulls, *known)
    assert found.false_knowledge["40"]["specific_knowledge"].n == 50
    yes, no = (error_rate_for(found, 55, Evidence(state, "no", "text", 0.0, 200)) for state in ("yes", "no"))
    assert "also of 20 of 20 that were taught again what their base knew" in yes.sentence
    assert "; also of 20 of 20 taught again what their base knew; " in yes.brief
    assert "taught again" not in no.sentence + no.brief
