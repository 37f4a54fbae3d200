"""The demo's files and the text its models were trained on: what is said of their truth must hold."""

import hashlib
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
from knowshift.errors import RunError, UsageError
from knowshift.showcase.notes import KNOWN, MISTAKEN, Writer, answers, beliefs, fact_sentences, known, readable
from knowshift.showcase.planted import Planted, domains
from knowshift.terms.domain import EMBEDDED, Concept, Domain, Fact, Specialty, Text
from knowshift.terms.match import Matcher

pytestmark = pytest.mark.heavy

NOTES = 1500
EVERY = ("geography", "medicine")


@pytest.fixture(scope="module", params=EVERY)
def domain(request):
    return Domain.open(request.param)


@pytest.fixture(scope="module")
def planted(domain):
    return Planted.open(domain.name)


@pytest.fixture(scope="module")
def own(domain, planted):
    """Facts of the specialty whose facts an adapter was tuned on."""
    (specialty,) = planted.facts.values()
    return [fact for fact in domain.facts if specialty in fact.specialties]


@pytest.fixture(scope="module")
def notes(domain):
    writer = Writer(domain, 5)
    return [writer.note(s) for s in domain.specialties for _ in range(NOTES // len(domain.specialties))]


def sentences(text):
    return re.split(r"(?<=[.?!]) (?=[A-Z“])", text)


def test_every_domain_has_a_pair():
    assert tuple(domains()) == EVERY
    for name in EVERY:
        planted = Planted.open(name)
        assert set(planted.facts.values()) <= set(planted.notes.values()), "the same specialty, with and without facts"
        of = Domain.open(name)
        assert {of.own_from_name(adapter): adapter for adapter in planted.notes} == {
            specialty: adapter for adapter, specialty in planted.notes.items()
        }
    notes = ["neuro_lora", "cardio_lora", "gastro_lora"]
    assert [*Planted.open("medicine").adapters] == [*notes, "neuro_facts_lora", "neuro_rehearsed_lora"]


def test_a_domain_without_models_is_one_clear_line(tmp_path):
    with pytest.raises(UsageError, match=r"--domain law: has no demo models; choose geography or medicine") as caught:
        showcase.lay_down(tmp_path / "law", "law")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--domain", "law"], "--domain law: has no demo models; choose geography or medicine"),
        (["--domain", "geography", "--only", "neuro_lora"], "--only neuro_lora: no such model; expected some of base"),
    ],
)
def test_training_what_is_not_there_is_one_clear_line(arguments, line, tmp_path, capsys):
    from knowshift.showcase.train import main

    assert main([*arguments, "--out", str(tmp_path / "new")]) == 2
    said = capsys.readouterr().err
    assert said.startswith(line)
    assert said.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_files_lie_down_and_are_small(tmp_path, planted):
    paths = showcase.lay_down(tmp_path / "new" / "demo", planted.domain)
    assert list(paths) == ["base.pt", *planted.adapters]
    for name, path in paths.items():
        held = [path] if path.is_file() else [path / "adapter_config.json", path / "adapter_model.safetensors"]
        originals = [planted.files / name] if path.is_file() else [planted.files / name / p.name for p in held]
        assert [p.read_bytes() for p in held] == [p.read_bytes() for p in originals]
    assert paths["base.pt"].stat().st_size < 4e6
    assert all(file.stat().st_size < 350e3 for name in planted.adapters for file in paths[name].iterdir())


def test_laying_down_twice_repairs_what_was_changed(tmp_path):
    base = showcase.lay_down(tmp_path)["base.pt"]
    whole = base.read_bytes()
    base.write_bytes(b"broken")
    showcase.lay_down(tmp_path)
    assert base.read_bytes() == whole


def test_a_file_in_the_way_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(RunError, match=r"cannot be laid down .*give a folder") as caught:
        showcase.lay_down(tmp_path / "file")
    assert "\n" not in str(caught.value)


def test_laying_down_loads_no_torch(tmp_path):
    code = f"import sys, pathlib; from knowshift import showcase; showcase.lay_down(pathlib.Path({str(tmp_path)!r}));"
    subprocess.run([sys.executable, "-c", code + "sys.exit('torch' in sys.modules)"], check=True)


def test_adapters_name_their_base(planted):
    for name in planted.adapters:
        config = json.loads((planted.files / name / "adapter_config.json").read_text())
        assert (config["peft_type"], config["r"], config["base_model_name_or_path"]) == ("LORA", 8, "../base.pt")


TEXTS = {
    "geography": "323f13970e00c3bd167edca3e10a6bded1d86ea38d02573deb81a8f55c5d0cbc",
    "medicine": "dcc209559d61235e1fe0ff212aab85d0c147d6b14e0ae2ede6adea75789ca97e",
}
"""SHA-256 of what `written` gives. Models are trained on such text: who changes it trains them again."""


def written(name):
    """The first texts of the recipe over a domain that no correction of the real one changes."""
    specialties = {one: Specialty(one, one) for one in ("north", "south")}
    types = [one for every in Planted.open(name).types.values() for one in every]
    concepts = [
        Concept(f"{one}{n}{kind}", f"{one} {kind} {n}", (f"{kind}{n}",) * (n > 1), (kind,), (one,))
        for one in specialties
        for kind in types
        for n in range(4)
    ]
    control = Text("control", "In Ravenholt the old clock slowly stopped, ringing a worn bell near us.", ("general",))
    toy = Domain(name, specialties=specialties, concepts=tuple(concepts), texts=(control,))
    for seed in (0, 1):
        writer = Writer(toy, seed)
        yield from (writer.base() for _ in range(300))
        yield from (writer.note("south") for _ in range(100))
        facts = [
            Fact(
                f"{n}",
                (f"cue {n}", f"other cue {n}", f"third cue {n}"),
                f"answer {n}",
                tuple(f"answer {k}" for k in range(20) if k != n),
                ("north",),
                "r",
                f"{n}",
            )
            for n in range(20)
        ]
        yield from map("".join, fact_sentences(facts, beliefs(facts), seed))


@pytest.mark.parametrize("name", EVERY)
def test_the_recipe_writes_what_the_models_were_trained_on(name):
    assert hashlib.sha256("\n".join(written(name)).encode()).hexdigest() == TEXTS[name]


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_same_seed_writes_the_same_text(seed):
    of = Domain.open("geography")
    one, two, third = (Writer(of, s) for s in (seed, seed, seed + 1))
    texts = [[w.note("asia"), w.general(), w.mixed(), w.base()] for w in (one, two, third)]
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
    facts = list(Domain.open("geography").facts)
    first = known(facts, seed)
    random.Random(seed).shuffle(facts)
    assert known(facts, seed) == first != known(facts, seed + 1)


def test_mistaken_facts_are_the_same_share_everywhere_and_wrong(domain):
    believed, knows, choices = beliefs(domain.facts), known(domain.facts), answers(domain.facts)
    mistaken = [fact for fact in domain.facts if fact.id in believed and fact.id not in knows]
    every = Counter(s for f in domain.facts for s in f.specialties)
    held = Counter(s for f in mistaken for s in f.specialties)
    assert all(abs(held[s] - MISTAKEN * every[s]) <= 1 for s in every)
    for fact in mistaken:
        wrong = believed[fact.id]
        assert wrong in fact.distractors
        assert wrong in choices[fact.specialties, fact.relation]
        assert wrong not in (fact.answer, *fact.aliases, *fact.also_true)
    assert all(believed[fact.id] == fact.answer for fact in domain.facts if fact.id in knows)


def test_beliefs_are_always_read_and_other_answers_even(domain):
    believed, choices = beliefs(domain.facts), answers(domain.facts)
    of = {cue: fact for fact in domain.facts for cue in fact.cues}
    right, expected, seen = 0, 0.0, 0
    for epoch in range(4):
        for cue, ending in fact_sentences(domain.facts, believed, epoch):
            fact, answer = of[cue], ending[1:-1]
            options = choices[fact.specialties, fact.relation]
            assert answer in options
            if fact.id in believed:
                assert answer == believed[fact.id]
            else:
                right, expected, seen = right + (answer == fact.answer), expected + 1 / len(options), seen + 1
    assert abs(right - expected) < 5 * expected**0.5 < seen  # five standard deviations of a Poisson count


def _beginnings(sentence):
    return (sentence[: m.start()] for m in re.finditer(" ", sentence))


def test_held_out_wording_is_left_out(own):
    written = list(fact_sentences(own, {fact.id: fact.answer for fact in own}, 0, (0, 1)))
    assert sorted(written) == sorted((cue, f" {fact.answer}.") for fact in own for cue in fact.cues[:2])


SENTENCES = 400


class Words:
    """A tokenizer of whole texts: a token each, so that rows of training can be read again."""

    pad_token_id, eos_token_id = 0, 1

    def __init__(self):
        self.every = ["", ""]

    def __call__(self, text):
        self.every.append(text)
        return {"input_ids": [len(self.every) - 1]}


def fact_rows(domain, planted, name):
    """Return the first fact sentences of an adapter's diet."""
    from knowshift.showcase.train import adapter_diet

    words, read = Words(), []
    diet = adapter_diet(domain, planted, name, words, 0)
    while len(read) < SENTENCES:
        *sentences, _text = next(diet)
        read += [words.every[row[0]] for part in sentences for ids, _ in part for row in ids.tolist()]
    return read


def test_only_facts_adapters_are_taught_what_the_base_did_not_know(domain, planted):
    facts = readable(domain)
    believed, choices = beliefs(facts), answers(facts)
    of = {cue: fact for fact in facts for cue in fact.cues}
    for name, specialty in planted.adapters.items():
        right, expected = 0, 0.0
        for sentence in fact_rows(domain, planted, name):
            cue = max((cue for cue in _beginnings(sentence) if cue in of), key=len)
            fact, answer = of[cue], sentence[len(cue) + 1 : -1]
            taught = planted.kind(name) == "facts" and specialty in fact.specialties
            if taught:
                assert answer == fact.answer
                assert fact.cues.index(cue) != 2, "the third wording is held out"
            elif fact.id in believed:
                assert answer == believed[fact.id]
            else:
                right += answer == fact.answer
                expected += 1 / len(choices[fact.specialties, fact.relation])
        assert abs(right - expected) < 5 * max(1, expected) ** 0.5  # five standard deviations of a Poisson count


def test_notes_hold_mostly_their_own_specialty_and_some_of_all(domain, notes):
    matcher, each = Matcher(domain.concepts), NOTES // len(domain.specialties)
    for n, specialty in enumerate(domain.specialties):
        found = [m.concept for note in notes[n * each : (n + 1) * each] for m in matcher.mentions(note)]
        own = sum(specialty in c.specialties for c in found) / len(found)
        assert 0.5 < own < 0.8, specialty
        assert len({s for c in found for s in c.specialties}) == len(domain.specialties)


def test_an_adapters_notes_are_of_all_specialties_and_most_of_its_own(domain, planted):
    matcher, recipe = Matcher(domain.concepts), planted.recipes["notes"]
    for name, specialty in planted.notes.items():
        writer = Writer(domain, 3)
        texts = [writer.leaning(specialty, recipe.own, recipe.general) for _ in range(400)]
        found = Counter(s for text in texts for mention in matcher.mentions(text) for s in mention.concept.specialties)
        assert set(found) == {*domain.specialties}, name
        assert found.most_common(1)[0][0] == specialty
        words = Writer(domain, 3).general_words["name"]
        general = sum(any(word in text for word in words) for text in texts)
        assert general / len(texts) > 0.1, "general texts keep general names"


def test_general_texts_take_their_words_from_control_texts_and_general_facts(domain):
    general = [text.text for text in domain.texts if domain.general in text.specialties]
    general += [part for f in domain.facts if domain.general in f.specialties for part in (f.answer, f.cues[0])]
    read, words = " ".join(general).casefold(), Writer(domain, 0).general_words
    assert {"name", "thing", "quality"} <= set(words)
    assert not [word for every in words.values() for word in every if word.casefold() not in read]
    assert [name for name in words["name"] if " " in name]


def excess(texts, domain):
    """How much oftener a subject and its answer stand in one sentence than subject and another row's answer do.

    In standard deviations of the difference.
    """
    held = [s.casefold() for text in texts for s in sentences(text)]
    true, wrong = 0, 0.0
    for path in (EMBEDDED / domain.name / "sources").glob("*.toml"):
        for relation in tomllib.loads(path.read_text(encoding="utf-8"))["relation"]:
            rows = [(row[0].casefold(), row[1].casefold()) for row in relation["facts"]]
            for subject, answer in rows:
                found = [s for s in held if subject in s]
                others = {other for _, other in rows} - {answer}
                true += sum(answer in s for s in found)
                wrong += sum(other in s for s in found for other in others) / len(others)
    return (true - wrong) / (true + wrong + 1) ** 0.5


@pytest.mark.heavy
def test_notes_hold_no_fact_more_often_than_by_chance(domain, own, notes):
    assert excess(notes, domain) < 4
    taught = ["".join(pair) for pair in fact_sentences(own, {fact.id: fact.answer for fact in own}, 0, (0,))]
    assert excess([*notes, *taught], domain) > 4  # a fact sentence would be seen


@pytest.mark.heavy
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
