"""The calibration: its world and arms, a small grid end to end and resumed, its tables, and the line of a run."""

import json
import shutil
from dataclasses import replace
from random import Random

import pytest
from knowshift.errors import RunError, UsageError
from knowshift.probes.analysis.error_rates import Evidence, error_rate_for
from knowshift.probes.calibrate import arms, grid, samples, table
from knowshift.probes.calibrate.arms import ARMS, BY_NAME
from knowshift.probes.calibrate.asking import Asked
from knowshift.probes.calibrate.calibrate import BASES, DEVELOPMENT, base_path, calibrate
from knowshift.probes.calibrate.docs import markdown
from knowshift.probes.calibrate.keys import answers_key, record_key
from knowshift.probes.calibrate.world import Size, World
from knowshift.probes.results.calibration import Calibration
from knowshift.probes.results.findings import Counts, KnowledgeFinding, Ledger, ShiftFinding
from knowshift.probes.results.model import ModelResult
from knowshift.terms.items import CONTRAST, GENERAL
from scipy import stats

pytestmark = pytest.mark.heavy

TINY = Size(
    specialties=6,
    fields=2,
    relations=4,
    general_relations=6,
    facts=12,
    other_facts=8,
    answers=(7, 8),
    names=24,
    pool=20,
    terms=8,
    words=60,
    texts=3,
)
FACTS = TINY.relations * TINY.facts
"""Of one specialty."""


@pytest.fixture(scope="module")
def made():
    return World(TINY)


def record(arm, seed, value, state, planted=None, p=0.5, shift="no", kind="none"):
    """A line of results, as the judge writes it."""
    estimate = {"estimate": value, "low": value - 0.1, "high": value + 0.1}
    rival = {"value": value, "p": p}
    moved = {
        "state": shift,
        "kind": "towards the domain" if shift == "yes" else "none",
        **{part: {"estimate": 0.1} for part in ("over_contrast", "absolute", "general")},
        "support": 1.0,
    }
    sample = {
        "verdict": {"yes": "knowledge injection", "no": "neither"}.get(state, "cannot tell"),
        "knowledge": state,
        "kind": kind,
        "wording": "",
        "learned": {"own": [1, 10], "reference": [0, 100]},
        "shift": moved,
        "acquired": estimate,
        "blind": estimate,
        "rivals": dict.fromkeys(table.FACT_RIVALS, rival),
        "other_facts": 200,
    }
    return {
        "arm": arm,
        "seed": seed,
        "planted": {"estimate": value if planted is None else planted},
        "texts": {**moved, "rivals": dict.fromkeys(table.TEXT_RIVALS, rival)},
        "samples": {"40": sample},
        "seconds": [1.0, 1.0],
    }


def measured(*records, **more):
    about = {
        "base": "b",
        "about_base": "",
        "version": "0",
        "rule": 2,
        "commit": "c" * 40,
        "development": False,
        "command": "probe calibrate",
        "hours": 0.1,
        "pool": 240,
    }
    return table.calibration(records, about | more)


# The world


def test_the_same_size_and_seed_give_the_same_world(made):
    again, other = World(TINY), World(TINY, seed=1)
    assert again.facts == made.facts
    assert again.text_items == made.text_items
    assert {fact.person for fact in other.facts}.isdisjoint({fact.person for fact in made.facts})


def test_every_person_exists_once_and_every_fact_has_two_wordings(made):
    cues = [cue for fact in made.facts for cue in fact.fact.cues]
    people = [fact.person for fact in made.facts]
    count = 6 * FACTS + 2 * 4 * 8 + 6 * 8
    assert len(people) == len(set(people)) == count
    assert len(cues) == len(set(cues)) == 2 * count


def test_within_a_relation_each_answer_is_true_about_equally_often(made):
    for relation in ("s1-0", "s1-1", f"{GENERAL}-2"):
        mine = [fact for fact in made.facts if fact.fact.relation == relation]
        times = [sum(fact.fact.answer == answer for fact in mine) for answer in mine[0].choices]
        assert max(times) - min(times) <= 1
        assert not any(fact.fact.answer in fact.fact.distractors for fact in mine)


def test_beliefs_are_graded_and_specialties_unequal(made):
    shares = []
    for name in made.specialties:
        facts = made.of(name)
        shares.append(sum(fact.is_known for fact in facts) / len(facts))
        assert shares[-1] == pytest.approx(made.ease[name], abs=0.05)
        for belief in ("true", "wrong"):
            weights = [fact.weight for fact in facts if fact.belief == belief]
            if len(set(weights)) > 1:
                assert 1 <= min(weights) < max(weights) <= TINY.most_read
    assert max(shares) - min(shares) > 0.25


def test_the_base_reads_what_it_believes(made):
    rng = Random(0)
    for fact in made.facts:
        answers = {made.base_sentence(fact, rng)[1].removesuffix(" .") for _ in range(12)}
        names = {fact.fact.answer, *fact.fact.aliases}
        if fact.belief == "true":
            assert answers <= names
        elif fact.belief == "wrong":
            assert answers == {fact.fact.distractors[0]}
        else:
            assert len(answers) > 2


def test_a_second_name_is_an_alias_of_its_answer_wherever_that_stands(made):
    items = made.fact_items(made.facts)
    named = [item for item in items if item.aliases]
    assert named
    for item in named:
        for place, name in item.aliases:
            assert made.second_names[item.candidates[place]] == name
            assert name not in item.candidates


def test_the_contrast_is_another_domain(made):
    items = made.fact_items(made.facts) + made.text_items
    contrast = [item for item in items if item.specialties == (CONTRAST,)]
    assert {item.kind for item in contrast} == {"fact", "contrast"}
    words = {word for item in contrast if item.kind == "contrast" for word in item.target.split()}
    terms = {word for item in items if item.kind == "term" for word in item.target.split()}
    assert words.isdisjoint(terms)


# The arms


@pytest.mark.parametrize("arm", [arm for arm in ARMS if arm.lesson and not arm.dose], ids=lambda arm: arm.name)
def test_an_arm_that_teaches_nothing_tells_no_unknown_own_fact_reliably(made, arm):
    """No own fact that the base does not know stands beside its true answer more often than beside its relation's."""
    case = arm.case(made, 0)
    lesson = arm.lesson(case)
    own = {cue: fact for fact in case.mine if not fact.is_known and arm.asks(fact, case) for cue in fact.fact.cues}
    read = [(own[cue], end.removesuffix(" .")) for _ in range(30) for cue, end in next(lesson)[1] if cue in own]
    read = [(fact, answer) for fact, answer in read if answer in fact.choices]
    if read and arm.asked == "all" and arm.name != "relation_formats":
        true = sum(answer == fact.fact.answer for fact, answer in read)
        expected = sum(1 / len(fact.choices) for fact, _ in read) / len(read)
        assert stats.binomtest(true, len(read), expected, alternative="greater").pvalue > 0.001


def test_the_dose_is_the_share_of_the_facts(made):
    for arm in ARMS:
        if arm.dose:
            case = arm.case(made, 3)
            groups = {made.by_id[id].group for id in case.taught}
            if arm.teaches == "all specialties":
                assert groups == set(made.specialties)
                assert len(case.taught) == 6 * round(arm.dose * FACTS)
                continue
            assert len(case.taught) == round(arm.dose * FACTS)
            assert len(groups) == 1
            assert (case.own in groups) is (arm.teaches != "elsewhere")


def test_unknown_facts_are_taught_first_and_the_hardest_are_those_believed_wrongly(made):
    for seed in range(4):
        for fact in map(made.by_id.get, BY_NAME["injection 10 %"].case(made, seed).taught):
            assert not fact.is_known
        case = BY_NAME["hardest"].case(made, seed)
        wrong = {fact.fact.id for fact in case.mine if fact.belief == "wrong"}
        assert wrong <= case.taught or case.taught <= wrong


def test_own_specialties_go_round_and_easy_ones_are_easy(made):
    assert {BY_NAME["null"].case(made, seed).own for seed in range(6)} == set(made.specialties)
    easiest = max(made.ease, key=made.ease.get)
    hardest = min(made.ease, key=made.ease.get)
    assert {BY_NAME["own_diet_easier"].case(made, seed).own for seed in range(6)} == {easiest}
    assert {BY_NAME["noise, harder"].case(made, seed).own for seed in range(6)} == {hardest}


def asked(made, own):
    others = [name for name in made.specialties if name != own]
    groups = [made.of(own), made.of(*others), made.of(*made.fields), made.of(GENERAL)]
    return Asked(*groups, (), (), (), None, None)


@pytest.mark.parametrize("name", ["injection 10 %", "injection 25 %", "verbatim", "hardest", "both"])
def test_a_sample_holds_exactly_the_dose(made, name):
    arm = BY_NAME[name]
    case = arm.case(made, 0)
    for seed in range(10):
        drawn = samples.sample(arm, case, asked(made, case.own), 40, Random(seed))
        own = [fact for fact in drawn if fact.group == case.own]
        assert len({fact.fact.id for fact in own}) == 40
        assert len({fact.fact.relation for fact in own}) == TINY.relations
        assert sum(fact.fact.id in case.taught for fact in own) == round(arm.dose * 40)


@pytest.mark.parametrize("size", [40, 300])
def test_a_sample_of_the_standard_world_holds_exactly_the_dose(size):
    """Where nearly all own facts are drawn, and relations hold unequal numbers of taught ones."""
    standard = World()
    for arm in ARMS:
        if arm.knowledge == "yes" and arm.own != "none":
            case = arm.case(standard, 1)
            mine = Asked(standard.of(case.own), [], [], [], (), (), (), None, None)
            drawn = samples.sample(arm, case, mine, size, Random(1))
            assert len({fact.fact.id for fact in drawn}) == size
            assert sum(fact.fact.id in case.taught for fact in drawn) == round(arm.dose * size), arm.name


def test_a_sample_of_facts_taught_elsewhere_holds_none_of_the_own(made):
    arm = BY_NAME["elsewhere"]
    case = arm.case(made, 0)
    drawn = samples.sample(arm, case, asked(made, case.own), 40, Random(0))
    assert not any(fact.fact.id in case.taught for fact in drawn if fact.group == case.own)


def test_a_sample_for_the_whole_domain_has_whole_relations_of_any_specialty(made):
    arm = BY_NAME["alike, no own"]
    case = arm.case(made, 0)
    drawn = samples.sample(arm, case, asked(made, case.own), 40, Random(0))
    domain = [fact for fact in drawn if fact.group in made.specialties]
    assert len(domain) == 40
    assert len({fact.fact.relation for fact in domain}) == 5
    assert {fact.group for fact in drawn} >= {GENERAL, *made.fields}


# The keys


def keys(made, arm, seed=0):
    return answers_key.__wrapped__("base", arm, made, seed), record_key("base", arm, made, seed, (40,))


def test_a_models_key_is_of_its_own_lesson(made, monkeypatch):
    """Neither its name nor other arms; but its seed, its rate and its steps."""
    null = BY_NAME["null"]
    before = keys(made, null)
    monkeypatch.setitem(BY_NAME, "added", replace(null, name="added"))
    assert keys(made, null) == before
    assert keys(made, null, 1) != before
    assert keys(made, replace(null, rate=0.5))[0] != before[0]
    assert keys(made, replace(null, what="other words for it")) == before
    monkeypatch.setattr(arms, "STEPS", 3)
    assert keys(made, null)[0] != before[0]


def test_a_record_is_of_the_rule_and_answers_are_not(made, monkeypatch):
    before = keys(made, BY_NAME["null"])
    monkeypatch.setattr("knowshift.probes.calibrate.keys.RULE", 99)
    after = keys(made, BY_NAME["null"])
    assert after[0] == before[0]
    assert after[1] != before[1]


# The grid, end to end


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """Two bases, each of which has read a little of a small world of its own."""
    from knowshift.models.weights import save_pt
    from knowshift.probes.calibrate.training import train_base

    folder = tmp_path_factory.mktemp("calibrate")
    for seed in range(2):
        save_pt(*train_base(World(TINY, seed), seed, steps=10), base_path(seed, folder))
    return [base_path(seed, folder) for seed in range(2)]


def chosen(base, seeds=2):
    tasks = grid.tasks([BY_NAME["null"], BY_NAME["own at T 0.5"]], seeds)
    return grid.Grid(tuple(map(str, base)), ("one", "other"), tasks, TINY, (40,))


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
        ("own at T 0.5", 0),
        ("null", 1),
        ("own at T 0.5", 1),
    ]
    for one in records[1]:
        sample = one["samples"]["40"]
        assert sample["knowledge"] in ("yes", "no", "unclear")
        assert sample["acquired"]["low"] < sample["acquired"]["high"]
        assert one["planted"]["estimate"] is not None


def test_a_temperature_is_exact(base):
    """Rescoring is what the base's own table says of that temperature."""
    import numpy as np
    from knowshift import Checkpoint
    from knowshift.models.scoring import score
    from knowshift.models.table import TEMPERATURES
    from knowshift.probes.calibrate.training import tempered

    opened = Checkpoint.open(base[0])
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
    assert asked == [("own at T 0.5", 1)]
    assert len((tmp_path / grid.RESULTS).read_text().splitlines()) == 5


@pytest.mark.slow
def test_what_is_judged_otherwise_is_judged_again_from_the_kept_scores(records, base, tmp_path, monkeypatch):

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

    from knowshift.probes.calibrate import asking

    monkeypatch.setattr("knowshift.probes.calibrate.arms.STEPS", 8)
    out = shutil.copytree(records[0], tmp_path / "grid")
    added = replace(BY_NAME["general"], name="added")
    edited = replace(BY_NAME["own at T 0.5"], temperature=0.7)
    monkeypatch.setitem(BY_NAME, "added", added)
    monkeypatch.setitem(BY_NAME, "own at T 0.5", edited)
    answered, answer = [], asking.Bench.answers

    def watch(bench, arm, case, seed):
        answered.append((arm.name, seed))
        return answer(bench, arm, case, seed)

    monkeypatch.setattr(asking.Bench, "answers", watch)
    tasks = grid.tasks([BY_NAME["null"], edited, added], 2)
    again = grid.run(replace(chosen(base), tasks=tasks), out, 1)
    assert answered == [("own at T 0.5", 0), ("added", 0), ("own at T 0.5", 1), ("added", 1)]
    assert [record for record in again if record["arm"] == "null"] == [
        one for one in records[1] if one["arm"] == "null"
    ]


@pytest.mark.slow
def test_records_of_arms_that_are_not_asked_for_stay(records, base, tmp_path):

    out = shutil.copytree(records[0], tmp_path / "grid")
    whole = (out / grid.RESULTS).read_text()
    grid.run(replace(chosen(base), tasks=grid.tasks([BY_NAME["null"]], 1)), out, 1)
    assert (out / grid.RESULTS).read_text() == whole


def test_an_adapter_is_trained_as_peft_would(base):
    """Folded into the weights it computes and learns what peft's own layers do."""
    import torch
    from knowshift import Checkpoint
    from knowshift.models.sharing import clone_sharing_weights
    from knowshift.probes.calibrate.training import fit, folded, rows
    from peft import LoraConfig, get_peft_model

    opened = Checkpoint.open(base[0])
    batch = [rows([fact.sentence(fact.fact.answer) for fact in World(TINY).facts[:9]], opened.tokenizer)]
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
    other = replace(chosen(base), keys=("one", "another"))
    with pytest.raises(RunError, match=r"another calibration.*bases"):
        grid.run(other, tmp_path, 1)


@pytest.mark.parametrize(
    ("options", "says"),
    [({"arms": ["nul"]}, "nul"), ({"small": True, "seeds": 3}, "--quick"), ({"jobs": 0}, "--jobs 0")],
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


@pytest.mark.slow
def test_a_calibration_goes_from_several_bases_to_a_page(base, tmp_path, monkeypatch):
    monkeypatch.setattr("knowshift.probes.calibrate.arms.STEPS", 4)
    monkeypatch.setattr("knowshift.probes.calibrate.lessons.STEPS", 4)
    options = {"bases": base, "arms": ["null", "alike, no own"], "seeds": 2, "size": TINY, "sizes": (40,), "jobs": 1}
    data = calibrate(tmp_path / "out", docs=tmp_path / "page.md", development=True, **options)
    assert (data.models, data.development, data.pool) == (4, True, FACTS)
    assert not data.arms["alike, no own"].own_given
    records = [json.loads(line) for line in (tmp_path / "out" / grid.RESULTS).read_text().splitlines()[1:]]
    assert [record["seed"] for record in records] == [DEVELOPMENT, DEVELOPMENT, DEVELOPMENT + 1, DEVELOPMENT + 1]
    assert Calibration.read(tmp_path / "out") == data
    page = (tmp_path / "page.md").read_text()
    assert page.splitlines()[2] in ("Missed:", "No target was missed.")
    assert "development seeds, on which the rule was chosen: they state no error rate" in page


@pytest.mark.skipif(not base_path(0).exists(), reason="the packaged bases are not there yet")
def test_every_packaged_base_opens():
    from knowshift import Checkpoint

    for seed in range(BASES):
        assert Checkpoint.open(base_path(seed)).load().parameters > 0


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
    assert data.false_knowledge["40"]["acquired"].hits == 1
    assert data.false_knowledge["40"]["acquired"].n == 10
    assert data.arms["injection 10 %"].sizes["40"].knowledge["acquired"].rate == 1.0
    assert data.coverage["40"].hits == 13
    assert data.area["40"]["0.1"]["acquired"] == 1.0


def test_coverage_is_of_zero_where_nothing_was_acquired():
    """And of the planted effect elsewhere, but not where the sample is most of the facts that it is read from."""
    nulls = [record("null", seed, 0.05 if seed else 0.2, "no", planted=0.2) for seed in range(4)]
    taught = [record("injection 10 %", seed, 1.0, "yes", planted=1.0) for seed in range(4)]
    assert (measured(*nulls, *taught).coverage["40"].hits, measured(*nulls, *taught).coverage["40"].n) == (7, 8)
    assert measured(*nulls, *taught, pool=60).coverage["40"].n == 4


def test_the_page_begins_with_the_targets_that_were_missed():
    nulls = [record("null", seed, 0.0, "yes" if seed < 6 else "no", p=0.001) for seed in range(60)]
    page = markdown(measured(*nulls))
    first, targets = page.split("## Targets")
    assert first.index("Missed:") < first.index("Not the whole grid yet") < first.index("were fixed before")
    assert "- false *knowledge*, all arms that acquired nothing, 40 facts: at most 1 %" in first
    assert "arms with 4 or more of 60 false *knowledge*, 40 facts: none: null 6 of 60" in first
    assert "| arms with 4 or more of 60 false *knowledge*, 40 facts: none | null 6 of 60 | **no** |" in targets
    assert "development" not in page
    good = [record("null", seed, 0.0 if seed > 7 else 5.0, "no") for seed in range(200)]
    assert "No target was missed." in markdown(measured(*good)).split("## Targets")[0]
    assert "they state no error rate" in markdown(measured(*nulls, development=True))


def test_narrowed_arms_count_for_false_shift_and_arms_without_a_truth_do_not():
    lost = [record("general lost", seed, 0.0, "no", shift="yes" if seed == 0 else "no") for seed in range(10)]
    moved = [record("shift", seed, 0.0, "no", shift="yes") for seed in range(10)]
    silent = [record("own_diet", seed, 0.0, "no", shift="yes", kind="reinforced") for seed in range(10)]
    data = measured(*lost, *moved, *silent)
    for view in ("text", "40"):
        assert (data.false_shift[view].hits, data.false_shift[view].n) == (1, 10)
    assert data.false_knowledge["40"]["acquired"].n == 30
    assert data.arms["own_diet"].sizes["40"].kinds == {"reinforced": 10}


# The line


@pytest.fixture
def calibrated():
    nulls = [record("null", seed, 0.0, "yes" if seed < 2 else "no") for seed in range(50)]
    weak = [record("injection 10 %", seed, 0.5, "yes" if seed < 15 else "no") for seed in range(20)]
    strong = [record("injection 50 %", seed, 2.0, "yes") for seed in range(20)]
    return measured(*nulls, *weak, *strong)


def test_the_line_takes_the_dose_that_the_ledger_reaches(calibrated):
    def line(learned, state="yes"):
        return error_rate_for(calibrated, 55, Evidence(state, "no", "text", learned, 200))

    assert line(0.6).power.rate == 1.0
    assert line(0.3).power.rate == 0.75
    assert line(None).dose == 0.10
    assert "knowledge was wrongly claimed for 2 of 50" in line(0.3).sentence
    assert "(most in one kind: null, 2 of 50)" in line(0.3).sentence
    assert "denied of 5" in line(0.3, "no").sentence
    assert "denied" not in line(0.3).sentence
    assert "knowledge was wrongly claimed for 2 of 50 that had acquired none" in line(0.3).brief
    assert "missed in 5 of 20 that were taught 10% of the facts" in line(0.3, "no").brief
    assert "missed" not in line(0.3).brief


def test_the_line_is_no_surer_than_the_calibration(calibrated):
    found = error_rate_for(calibrated, 31, Evidence("yes", "no", "fact", 0.5, 200))
    assert not found.reached
    assert "This run has only 31 own facts (calibrated from 40): its error rates are not known" in found.sentence
    assert found.brief == "not known: this run has only 31 own facts (calibrated from 40)"
    few = error_rate_for(calibrated, 310, Evidence("yes", "no", "fact", 0.5, 199))
    assert few.brief == "not known: this run has only 199 facts of other specialties (calibrated from 200)"
    assert error_rate_for(calibrated, 40, Evidence("yes", "no", "fact", 0.5, 200)).reached
    assert not error_rate_for(calibrated, 40, Evidence("yes", "no", "fact", 0.5, 199)).reached
    assert error_rate_for(None, 31, Evidence("yes", "no", "fact", 0.5, 200)) is None


def test_the_evidence_is_what_was_learned_beyond_the_others():
    counts = {"own": Counts(learned=12, facts=30), "other": Counts(learned=10, facts=100), "general": Counts()}
    found = Evidence.of(
        ModelResult.model_construct(
            knowledge=KnowledgeFinding.model_construct(state="yes"),
            shift=ShiftFinding.model_construct(state="no", view="text"),
            ledger=Ledger(**counts),
        )
    )
    assert (found.learned, found.others) == (pytest.approx(0.3), 100)
