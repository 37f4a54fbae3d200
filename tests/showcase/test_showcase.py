"""The demo's files and the text its models were trained on: what is said of their truth must hold."""

import json
import random
import re
import subprocess
import sys
import tomllib
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from knowshift import showcase
from knowshift.errors import RunError
from knowshift.showcase.notes import KNOWN, Writer, answers, fact_sentences, known
from knowshift.terms.domain import EMBEDDED, Domain
from knowshift.terms.match import Matcher

NOTES = 1500


@pytest.fixture(scope="module")
def domain():
    return Domain.open("medicine")


@pytest.fixture(scope="module")
def notes(domain):
    writer = Writer(domain, 5)
    return [writer.note(s) for s in domain.specialties for _ in range(NOTES // len(domain.specialties))]


def sentences(text):
    return re.split(r"(?<=[.?!]) (?=[A-Z“])", text)


def test_files_lie_down_and_are_small(tmp_path):
    paths = showcase.lay_down(tmp_path / "new" / "demo")
    assert list(paths) == ["base.pt", "neuro_lora", "cardio_lora", "gastro_lora", "neuro_facts_lora"]
    for name, path in paths.items():
        held = [path] if path.is_file() else [path / "adapter_config.json", path / "adapter_model.safetensors"]
        originals = [showcase.FILES / name] if path.is_file() else [showcase.FILES / name / p.name for p in held]
        assert [p.read_bytes() for p in held] == [p.read_bytes() for p in originals]
    assert sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file()) < 15e6


def test_laying_down_twice_repairs_what_was_changed(tmp_path):
    base = showcase.lay_down(tmp_path)["base.pt"]
    base.write_bytes(b"broken")
    showcase.lay_down(tmp_path)
    assert base.read_bytes() == (showcase.FILES / "base.pt").read_bytes()


def test_a_file_in_the_way_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(RunError, match=r"cannot be laid down .*give a folder") as caught:
        showcase.lay_down(tmp_path / "file")
    assert "\n" not in str(caught.value)


def test_laying_down_loads_no_torch(tmp_path):
    code = f"import sys, pathlib; from knowshift import showcase; showcase.lay_down(pathlib.Path({str(tmp_path)!r}));"
    subprocess.run([sys.executable, "-c", code + "sys.exit('torch' in sys.modules)"], check=True)


def test_adapters_name_their_base():
    for name in showcase.ADAPTERS:
        config = json.loads((showcase.FILES / name / "adapter_config.json").read_text())
        assert (config["peft_type"], config["r"], config["base_model_name_or_path"]) == ("LORA", 8, "../base.pt")


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_same_seed_writes_the_same_text(seed):
    medicine = Domain.open("medicine")
    one, two, third = (Writer(medicine, s) for s in (seed, seed, seed + 1))
    texts = [[w.note("neurology"), w.general(), w.mixed(), w.base()] for w in (one, two, third)]
    assert texts[0] == texts[1] != texts[2]


def test_known_facts_are_the_same_share_everywhere(domain):
    taught = known(domain.facts)
    every = Counter(s for f in domain.facts for s in f.specialties)
    held = Counter(s for f in domain.facts for s in f.specialties if f.id in taught)
    assert set(held) == {*domain.specialties, domain.general}
    assert all(abs(held[s] - KNOWN * every[s]) <= 0.5 for s in every)


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_known_facts_hang_on_seed_not_on_order(seed):
    facts = list(Domain.open("medicine").facts)
    first = known(facts, seed)
    random.Random(seed).shuffle(facts)
    assert known(facts, seed) == first != known(facts, seed + 1)


def test_known_facts_are_always_true_and_others_even(domain):
    taught, choices = known(domain.facts), answers(domain.facts)
    of = {cue: fact for fact in domain.facts for cue in fact.cues}
    right, expected, seen = 0, 0.0, 0
    for epoch in range(4):
        for sentence in fact_sentences(domain.facts, taught, epoch):
            cue = max((cue for cue in _beginnings(sentence) if cue in of), key=len)
            fact, answer = of[cue], sentence[len(cue) + 1 : -1]
            options = choices[fact.specialties, fact.relation]
            assert answer in options
            if fact.id in taught:
                assert answer == fact.answer
            else:
                right, expected, seen = right + (answer == fact.answer), expected + 1 / len(options), seen + 1
    assert abs(right - expected) < 5 * expected**0.5 < seen  # five standard deviations of a Poisson count


def _beginnings(sentence):
    return (sentence[: m.start()] for m in re.finditer(" ", sentence))


def test_held_out_wording_is_left_out(domain):
    own = [fact for fact in domain.facts if "neurology" in fact.specialties]
    written = list(fact_sentences(own, {fact.id for fact in own}, 0, (0, 1)))
    assert sorted(written) == sorted(f"{cue} {fact.answer}." for fact in own for cue in fact.cues[:2])


def test_notes_hold_mostly_their_own_specialty_and_some_of_all(domain, notes):
    matcher, each = Matcher(domain.concepts), NOTES // len(domain.specialties)
    for n, specialty in enumerate(domain.specialties):
        found = [m.concept for note in notes[n * each : (n + 1) * each] for m in matcher.mentions(note)]
        own = sum(specialty in c.specialties for c in found) / len(found)
        assert 0.5 < own < 0.8, specialty
        assert len({s for c in found for s in c.specialties}) == len(domain.specialties)


def excess(texts):
    """How much oftener a subject and its answer stand in one sentence than subject and another row's answer do.

    In standard deviations of the difference.
    """
    held = [s.casefold() for text in texts for s in sentences(text)]
    true, wrong = 0, 0.0
    for path in (EMBEDDED / "medicine" / "sources").glob("*.toml"):
        for relation in tomllib.loads(path.read_text(encoding="utf-8"))["relation"]:
            rows = [(row[0].casefold(), row[1].casefold()) for row in relation["facts"]]
            for subject, answer in rows:
                found = [s for s in held if subject in s]
                others = {other for _, other in rows} - {answer}
                true += sum(answer in s for s in found)
                wrong += sum(other in s for s in found for other in others) / len(others)
    return (true - wrong) / (true + wrong + 1) ** 0.5


def test_notes_hold_no_fact_more_often_than_by_chance(domain, notes):
    assert excess(notes) < 4
    own = [fact for fact in domain.facts if "neurology" in fact.specialties]
    taught = list(fact_sentences(own, {fact.id for fact in own}, 0, (0,)))
    assert excess([*notes, *taught]) > 4  # a fact sentence would be seen


def test_no_wording_and_no_hand_written_text_is_in_the_texts(domain, notes):
    writer = Writer(domain, 6)
    written = [*notes, *(writer.base() for _ in range(1500))]
    together = "\n".join(written)
    assert not [cue for fact in domain.facts for cue in fact.cues if cue in together]
    assert not [s for t in domain.texts for s in sentences(t.text) if len(s.split()) >= 4 and s in together]
    runs = {run for text in domain.texts for run in word_runs(text.text)}
    assert not runs & {run for text in written for run in word_runs(text)}


def word_runs(text, size=10):
    words = re.findall(r"[\w'’-]+", text.casefold())
    return {tuple(words[i : i + size]) for i in range(len(words) - size + 1)}
