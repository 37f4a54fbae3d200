"""A domain made from a person's own texts, tables and questions: what is in it, and what a build leaves alone."""

import json
import os
import tomllib
from collections import Counter, defaultdict
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from knowshift.errors import CorpusError, DomainError, KnowshiftError, UsageError
from knowshift.terms.domain import Concept, Domain, Fact, Specialty, Text, embedded
from knowshift.terms.extraction.hierarchy import Hierarchy, Root
from knowshift.terms.items import GENERAL
from knowshift.terms.making.build import Sources, build
from knowshift.terms.making.controls import control_problems
from knowshift.terms.making.facts import FactRow, make_facts
from knowshift.terms.making.folder import install, staged
from knowshift.terms.making.labels import Labels, with_tables
from knowshift.terms.making.leaks import leaks
from knowshift.terms.making.names import Names
from knowshift.terms.making.new import new
from knowshift.terms.making.quality import quality_problems, subjects
from knowshift.terms.match import Matcher
from knowshift.terms.normal_form import normal_form
from knowshift.terms.reading.load import read_records
from knowshift.terms.records import Faults
from knowshift.terms.vocabulary.compiled import Vocabulary
from law import AREAS, ENTRIES, ROOTS, TEXTS, questions, rows, table, tree, write_sources


@pytest.fixture
def law(tmp_path):
    """A folder of sources with an empty domain `law` in it, and what builds all of it."""
    write_sources(tmp_path)
    new("law", tmp_path / "law")
    (tmp_path / "law" / "hierarchy.tsv").write_text(ROOTS)
    return tmp_path


def everything(place, **other):
    given = {
        "texts": (str(place / "texts.jsonl"),),
        "specialty_field": "court",
        "controls": (str(place / "novel"),),
        "vocabulary": place / "law.vocab",
        "facts": (str(place / "facts.csv"),),
        "questions": (str(place / "exam.json"),),
    }
    # The tables name the specialty otherwise than the texts do: `specialty` is looked for too.
    return Sources(**{**given, **other})


def stated(subject, answer, specialty="tax", relation="is", also=()):
    return FactRow(subject, relation, answer, (specialty,), also, "here")


THREE = {"is": ("{} is", "One calls {}", "By {} is meant")}


def made(given, names=None, notes=None):
    return make_facts(given, THREE, names or Names(), GENERAL, notes if notes is not None else [])


# The whole way


def test_a_build_makes_every_part(law):
    done = build(law / "law", everything(law))
    domain = Domain.open(law / "law")
    assert list(domain.specialties) == list(AREAS) == list(done.new)
    assert Counter(s for text in domain.texts for s in text.specialties) == {
        "tax": 3,
        "contract": 2,
        "family": 2,
        GENERAL: 2,
    }
    assert {c.name: c.specialties for c in domain.concepts}["alimony"] == ("family",)
    assert len(domain.facts) == 4 * 2 * 9
    assert {q.answer for q in domain.questions} == {f"judge of {area}" for area in AREAS}
    assert domain.hash == done.domain.hash


def test_the_domains_names_find_what_the_linker_found(law):
    """So that a comparison without the vocabulary reads the same places."""
    build(law / "law", everything(law))
    domain = Domain.open(law / "law")
    assert "VAT on purchases" in {c.name: c.aliases for c in domain.concepts}["input tax"]
    matcher = Matcher(domain.concepts)
    said = {m.concept.name for text in TEXTS["tax"] for m in matcher.mentions(text)}
    assert said == {"input tax", "excise duty", "withholding"}


def test_the_same_sources_give_the_same_bytes(law):
    build(law / "law", everything(law))
    before = tree(law / "law")
    build(law / "law", everything(law))
    assert {**tree(law / "law"), "build.json": b""} == {**before, "build.json": b""}


def test_questions_are_written_in_the_released_fields(law):
    build(law / "law", Sources(questions=(str(law / "exam.json"),)))
    lines = (law / "law" / "questions.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == questions()


# Where records come from


def test_every_form_of_a_source_gives_the_same_texts(law, tmp_path):
    import datasets
    import polars as pl

    records = [json.loads(line) for line in (law / "texts.jsonl").read_text().splitlines()]
    frame = pl.DataFrame(records)
    frame.write_parquet(tmp_path / "t.parquet")
    frame.write_csv(tmp_path / "t.csv")
    frame.write_csv(tmp_path / "t.tsv", separator="\t")
    (tmp_path / "t.json").write_text(json.dumps(records))
    datasets.Dataset.from_list(records).save_to_disk(tmp_path / "saved")
    halves = {"train": records[:3], "test": records[3:]}
    datasets.DatasetDict({k: datasets.Dataset.from_list(v) for k, v in halves.items()}).save_to_disk(tmp_path / "split")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "part.jsonl").write_text((law / "texts.jsonl").read_text())
    found = {}
    for name in ("t.parquet", "t.csv", "t.tsv", "t.json", "saved", "split", "folder", "texts.jsonl"):
        build(law / "law", Sources(texts=(str(tmp_path / name),), specialty_field="court"))
        found[name] = (law / "law" / "texts.jsonl").read_bytes()
    assert len(set(found.values())) == 1


def test_text_files_are_labelled_by_their_folder(law, tmp_path):
    for area in AREAS:
        (tmp_path / "notes" / area).mkdir(parents=True)
        (tmp_path / "notes" / area / "one.md").write_text(f"About {area}.")
    build(law / "law", Sources(texts=(str(tmp_path / "notes"),)))
    assert {t.text: t.specialties for t in Domain.open(law / "law").texts} == {f"About {a}.": (a,) for a in AREAS}


def test_a_name_that_is_no_file_is_looked_for_on_the_hub(monkeypatch):
    """Off line that fails, in one line that says so."""
    with pytest.raises(CorpusError, match=r"^nobody/nothing: no such file or folder, and cannot be read as a dataset"):
        list(read_records("nobody/nothing", Faults()))
    with pytest.raises(CorpusError, match=r"no such file or folder; expected a folder, a file"):
        list(read_records("missing/notes.jsonl.gz/x", Faults()))


# Labels


def test_labels_are_specialties_known_mapped_or_new(law):
    texts = [
        {"text": f"Text {n}.", "court": label}
        for n, label in enumerate(["fiscal", "Tax", "kinship", "junk", "law_of_the_sea", "tax|family", "general"])
    ]
    (law / "t.json").write_text(json.dumps(texts))
    toml = law / "law" / "domain.toml"
    before = toml.read_text() + '[specialties.tax]\nname = "Tax law"\naliases = ["fiscal"]\n'
    toml.write_text(before)
    build(
        law / "law",
        Sources(texts=(str(law / "t.json"),), specialty_field="court", labels=("kinship=family", "junk=none")),
    )
    domain = Domain.open(law / "law")
    assert [t.specialties for t in domain.texts] == [
        ("tax",),
        ("tax",),
        ("family",),
        (),
        ("law_of_the_sea",),
        ("tax", "family"),
        (GENERAL,),
    ]
    assert domain.specialties["law_of_the_sea"].name == "Law of the sea"
    assert toml.read_text().startswith(before)


@given(st.lists(st.text(min_size=1, max_size=12), max_size=6))
def test_any_label_becomes_a_table_that_reads_back(names):
    labels = Labels(Domain("law"))
    for name in names:
        if any(c.isalnum() for c in normal_form(name).casefold()):
            labels(name)
        else:
            with pytest.raises(DomainError, match="--map"):
                labels(name)
    read = tomllib.loads(with_tables('name = "law"', labels.new.values()))
    assert {id: s["name"] for id, s in read.get("specialties", {}).items()} == {
        s.id: s.name for s in labels.new.values()
    }


def test_specialties_in_braces_are_not_broken(law):
    toml = law / "law" / "domain.toml"
    toml.write_text('name = "law"\r\nspecialties = {tax = {name = "Tax"}, contract = {}}\r\n', newline="")
    before = tree(law / "law")
    with pytest.raises(DomainError, match=r"domain\.toml: its specialties stand in braces"):
        build(law / "law", everything(law))
    assert tree(law / "law") == before
    (law / "t.json").write_text(json.dumps([{"text": "A text.", "court": "contract"}]))
    build(law / "law", Sources(texts=(str(law / "t.json"),), specialty_field="court"))
    assert toml.read_bytes() == before["domain.toml"]


def test_a_field_that_holds_something_else_is_no_specialty(law):
    texts = [{"text": f"Text {n}.", "court": f"Case {n}"} for n in range(80)]
    (law / "t.json").write_text(json.dumps(texts))
    with pytest.raises(UsageError, match="80 different values"):
        build(law / "law", Sources(texts=(str(law / "t.json"),), specialty_field="court"))


def test_the_same_text_twice_is_one_of_both(law):
    (law / "t.json").write_text(
        json.dumps(
            [
                {"text": "One  text.", "court": "tax"},
                {"text": "One text.", "court": "family"},
                {"text": " ", "court": "tax"},
            ]
        )
    )
    done = build(law / "law", Sources(texts=(str(law / "t.json"),), specialty_field="court"))
    assert [t.specialties for t in done.domain.texts] == [("tax", "family")]
    assert any("1 stood there before" in note for note in done.notes)
    assert any("1 had no text" in note for note in done.notes)


# Facts


def test_answers_serve_as_often_wrong_as_right():
    facts = made([stated(f"s{n}", f"answer {n:02}") for n in range(20)])
    wrong = Counter(d for fact in facts for d in fact.distractors)
    assert set(wrong.values()) == {8}
    assert len(wrong) == 20


def test_distractors_are_of_the_specialty_where_it_has_enough():
    facts = made(
        [stated(f"{area}{n}", f"{area} {n}") for area in ("tax", "family") for n in range(9)]
        + [stated(f"small{n}", f"small {n}", "contract") for n in range(2)]
        + [stated(f"control{n}", f"control {n}", GENERAL) for n in range(9)]
    )
    for fact in facts:
        lenders = {d.split()[0] for d in fact.distractors}
        area = fact.answer.split()[0]
        assert "control" not in lenders or area == "control"
        assert lenders == {area} if area != "small" else lenders <= {"small", "tax", "family"}
    assert {f.specialties for f in facts if f.answer.startswith("small")} == {("contract",)}


NAMES = {"flu": "f", "influenza": "f", "Grippe": "f", "cold": "c", "measles": "m", "rubeola": "m"}
WORDS = st.sampled_from([*NAMES, "FLU", "mumps", "Mumps ", "gout", "rabies", "tetanus", "typhus", "scurvy", "ague"])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcABC"), WORDS, st.lists(WORDS, max_size=2)), min_size=5, max_size=40))
def test_no_distractor_is_true_under_any_name(pairs):
    def meant(name):
        folded = name.strip().casefold()
        return {k.casefold(): v for k, v in NAMES.items()}.get(folded, folded)

    by_id = defaultdict(list)
    for name, id in NAMES.items():
        by_id[id].append(name)
    names = Names([Concept(id, first, tuple(rest)) for id, (first, *rest) in by_id.items()])
    true = defaultdict(set)
    for subject, answer, also in pairs:
        true[subject.casefold()] |= {meant(answer), *map(meant, also)}
    spare = [stated(f"spare {n}", f"word {n}") for n in range(4)]
    facts = made(spare + [stated(s, a.strip(), also=tuple(also)) for s, a, also in pairs], names)
    for fact in (fact for fact in facts if "pare" not in fact.cues[0]):
        subject = fact.cues[0].removesuffix(" is").casefold()
        assert meant(fact.answer) in true[subject]
        assert not {meant(d) for d in fact.distractors} & true[subject]
        assert len({meant(d) for d in fact.distractors}) == len(fact.distractors) >= 3
    assert len({(f.cues[0].casefold(), meant(f.answer)) for f in facts}) == len(facts)


def test_what_lies_over_or_under_an_answer_is_no_distractor(law):
    vocabulary = Vocabulary.open(law / "law.vocab")
    given = [stated("x", "tax law"), *(stated(f"s{n}", e.name) for n, e in enumerate(ENTRIES))]
    facts = made(given, Names([], vocabulary))
    assert {f.answer: set(f.distractors) for f in facts if f.cues[0] == "X is"}["tax law"].isdisjoint(
        {"law", "input tax", "excise duty", "withholding"}
    )


def test_facts_without_a_specialty_take_that_of_their_concept(law):
    vocabulary = Vocabulary.open(law / "law.vocab")
    names = Names([], vocabulary, Hierarchy(vocabulary, [Root("L:2", "tax law", ("tax",))]))
    notes = []
    subjects = ["input tax", "VAT on purchases", "excise duty", "withholding", "weather"]
    given = [FactRow(s, "is", f"thing {n}", (), (), "here") for n, s in enumerate(subjects)]
    given += [stated(f"levy {n}", f"thing 1{n}") for n in range(4)]
    facts = made(given, names, notes)
    assert {f.specialties for f in facts} == {("tax",)}
    assert len(facts) == 4 + 4
    assert len({f.concept for f in facts}) == 3 + 4  # two names of the input tax
    assert any("1 have no specialty" in note and "weather" in note for note in notes)


def test_a_fact_that_its_cue_tells_is_left_out():
    notes = []
    facts = made(
        [stated("hepatitis B virus", "Hepatitis B"), *(stated(f"s{n}", f"answer {n}") for n in range(9))], None, notes
    )
    assert "Hepatitis B" not in {f.answer for f in facts}
    assert any("given away by their own cue" in note for note in notes)


def test_cues_may_stand_in_the_table(law):
    given = [
        {**row, **{f"cue_{n}": f"{n}: {{}} is" for n in (1, 2, 3)}, "relation": "own"} for row in rows(["tax"])[:9]
    ]
    table(law / "own.csv", given)
    build(law / "law", Sources(facts=(str(law / "own.csv"),)))
    assert Domain.open(law / "law").facts[0].cues == ("1: tax matter 0 is", "2: tax matter 0 is", "3: tax matter 0 is")


def test_a_doubtful_answer_is_no_distractor_and_not_said_to_be_true():
    rows = [FactRow(f"thing {n}", "is", f"answer {n}", ("tax",), (), "here") for n in range(8)]
    rows[0] = replace(rows[0], doubtful=("answer 1", "answer 2"))
    facts = made(rows)
    assert not {"answer 1", "answer 2"} & set(facts[0].distractors)
    assert facts[0].also_true == ()


def test_many_facts_of_few_answers_have_them_all_as_distractors():
    answers = ("dominant", "recessive", "linked to X", "of the mother")
    rows = [stated(f"disease {n}", answers[n % 2 if n < 600 else n % 4]) for n in range(640)]
    assert all(len(fact.distractors) == 3 for fact in made(rows))


# Questions


@pytest.mark.parametrize(
    "given",
    [
        {"options": {"A": "jury", "B": "judge", "C": None}, "answer": "B"},
        {"options": ["jury", "judge"], "answer": "b"},
        {"options": [{"key": "A", "value": "jury"}, {"key": "B", "value": "judge"}], "answer_idx": "B"},
        {"Options": "jury|judge|judge ", "Answer": "Judge "},
        {"choices": ["jury", " judge "], "answer_idx": "B"},
    ],
)
def test_options_and_answers_come_in_several_forms(law, given):
    (law / "q.json").write_text(json.dumps([{"question": "Who decides?", "specialty": "tax", **given}]))
    build(law / "law", Sources(questions=(str(law / "q.json"),)))
    question = Domain.open(law / "law").questions[0]
    assert (question.cues, question.answer, question.distractors) == (("Who decides?",), "judge", ("jury",))


@pytest.mark.parametrize(("answer", "right"), [("pH", "pH"), ("PH", "PH"), ("B", "PH"), ("b", "PH")])
def test_options_that_differ_only_in_case_are_two(law, answer, right):
    one = {"question": "Which?", "specialty": "tax", "options": ["pH", "PH", "Ca"], "answer": answer}
    (law / "q.json").write_text(json.dumps([one]))
    build(law / "law", Sources(questions=(str(law / "q.json"),)))
    question = Domain.open(law / "law").questions[0]
    assert (question.answer, set(question.distractors)) == (right, {"pH", "PH", "Ca"} - {right})
    problems = quality_problems(Domain.open(law / "law"), Names())
    assert any('have answers that differ only in case (question-1: "' in str(problem) for problem in problems)
    assert not any(problem.fault for problem in problems if "that is true" in str(problem))


def test_the_same_question_of_two_specialties_is_one(law):
    one = questions()[0]
    (law / "q.json").write_text(json.dumps([one, {**one, "Specialty": "Family"}]))
    build(law / "law", Sources(questions=(str(law / "q.json"),)))
    assert [q.specialties for q in Domain.open(law / "law").questions] == [("tax", "family")]


# What a build leaves alone


def test_a_second_build_replaces_only_what_it_made(law):
    build(law / "law", everything(law))
    before = tree(law / "law")
    table(law / "facts.csv", rows(each=8))
    build(law / "law", Sources(facts=(str(law / "facts.csv"),)))
    after = tree(law / "law")
    assert {name for name in after if after[name] != before.get(name)} == {"facts.jsonl", "build.json"}
    assert len(Domain.open(law / "law").facts) == 3 * 2 * 8


@pytest.mark.parametrize("part", ["facts.jsonl", "terms.csv", "questions.jsonl", "concepts.jsonl", "texts.jsonl"])
def test_a_part_changed_by_hand_stops_the_build(law, part):
    build(law / "law", everything(law))
    with (law / "law" / part).open("a") as file:
        file.write("\n")
    before = tree(law / "law")
    with pytest.raises(UsageError, match=part):
        build(law / "law", everything(law))
    assert tree(law / "law") == before


def test_a_persons_own_part_is_not_replaced(law):
    (law / "law" / "facts.jsonl").write_text("")
    with pytest.raises(UsageError, match=r"facts\.jsonl: not made by a build"):
        build(law / "law", everything(law))


def test_edited_terms_decide_and_stay(law):
    build(law / "law", everything(law))
    path = law / "law" / "terms.csv"
    lines = path.read_text().splitlines()
    lines = [f"x{line}" if ",excise duty," in line else line for line in lines]
    path.write_text("\n".join(lines).replace(",family,", ",tax,") + "\n")
    edited = path.read_bytes()
    build(law / "law", everything(law, terms=path))
    found = {c.name: c.specialties for c in Domain.open(law / "law").concepts}
    assert "excise duty" not in found
    assert found["alimony"] == ("tax",)
    assert path.read_bytes() == edited


def test_a_build_that_cannot_be_put_in_place_leaves_all_as_it_was(law, monkeypatch):
    """Whichever of the files it is that cannot be moved."""
    build(law / "law", everything(law))
    table(law / "facts.csv", rows(each=10))
    (law / "exam.json").write_text(json.dumps(questions()[:6]))
    before, real = tree(law / "law"), os.replace
    for stop in range(1, 6):
        calls = []

        def replace(source, target, stop=stop, calls=calls):
            calls.append(target)
            if len(calls) == stop:
                raise OSError(28, "No space left on device", str(target))
            real(source, target)

        monkeypatch.setattr(os, "replace", replace)
        with pytest.raises(OSError, match="No space left"):
            build(law / "law", everything(law))
        monkeypatch.setattr(os, "replace", real)
        assert tree(law / "law") == before


def test_a_first_build_that_fails_leaves_no_part(law):
    before = tree(law / "law")
    with staged(law / "law") as stage:
        (stage / "facts.jsonl").write_text("x")
        with pytest.raises(FileNotFoundError):
            install(stage, law / "law", ["facts.jsonl", "questions.jsonl"], {})
    assert tree(law / "law") == before


# Checks


def test_subjects_are_what_a_relation_s_cues_do_not_share():
    cues = ["The protein encoded by the PKP2 gene is", "The protein encoded by the LMNA gene is"]
    facts = [Fact(str(n), (cue,), "a", ("b",), (), "gene", "") for n, cue in enumerate(cues)]
    assert subjects(facts) == {"0": ("pkp2",), "1": ("lmna",)}


def test_leaks_are_found_in_a_sentence_and_in_long_pieces():
    cue = "The capital of {} is"
    facts = tuple(
        Fact(s, (cue.format(s),), a, ("x",), ("t",), "capital", s)
        for s, a in [("Chad", "Ndjamena"), ("Peru", "Lima"), ("Mali", "Bamako")]
    )
    stem = "A man of forty leaves his house without a key and cannot return."
    question = Fact("q", (stem,), "a", ("b",), ("t",), "question", "q")
    texts = (
        Text("t1", "They met in Lima, in Peru. In Chad it rained. Ndjamena was far."),
        Text("t2", f"He said: {stem} Nobody knew Bamako."),
        Text("t3", "Lima beans grow in Mali."),
    )
    found = leaks(Domain("d", specialties={"t": Specialty("t", "t")}, texts=texts, facts=facts, questions=(question,)))
    assert found.stated == (("Peru", "t1"),)
    assert found.shared == (("q", "t2"),)
    assert found.twins == ()


def test_texts_that_share_half_of_their_pieces_are_twins():
    base = [f"word{n}" for n in range(400)]
    texts = [base, base[:200] + [f"other{n}" for n in range(60)], [f"new{n}" for n in range(300)], list(reversed(base))]
    domain = Domain("d", texts=tuple(Text(str(n), " ".join(words)) for n, words in enumerate(texts)))
    assert leaks(domain).twins == (("1", "0"),)


def test_a_true_distractor_is_a_fault():
    def fact(id, answer, wrong):
        return Fact(id, ("Peru borders on",), answer, wrong, ("t",), "border", "peru")

    domain = Domain("d", facts=(fact("one", "Chile", ("Brazil", "Spain")), fact("two", "brazil", ("Italy",))))
    problem = next(p for p in quality_problems(domain, Names()) if p.fault)
    assert 'one: "Brazil" is the answer of two' in str(problem)


def small_domain(*given):
    return Domain("law", specialties={"tax": Specialty("tax", "Tax")}, facts=tuple(given))


def a_fact(n, answer, wrong, cue="The seat of court {} is", **more):
    return Fact(f"f{n}", (cue.replace("{}", f"number {n}"),), answer, tuple(wrong), ("tax",), "seat", f"c{n}", **more)


def test_a_distractor_that_is_another_name_of_the_truth_is_a_fault():
    """In other case, by another fact of the same answer, or as the name's owner."""
    wrong = ("Rome", "Oslo", "Bonn")
    for facts, id in (
        ([a_fact(1, "Paris", ("lutetia", *wrong), aliases=("Lutetia",))], "f1"),
        ([a_fact(1, "Paris", ("Lutetia", *wrong)), a_fact(2, "paris", wrong, aliases=("Lutetia",))], "f1"),
        ([a_fact(1, "Lutetia", ("Paris", *wrong)), a_fact(2, "Paris", wrong, aliases=("Lutetia",))], "f1"),
        ([a_fact(1, "Paris", ("LYON", *wrong), also_true=("Lyon",))], "f1"),
    ):
        faults = [problem for problem in quality_problems(small_domain(*facts), Names()) if problem.fault]
        assert any("another name of the truth, or true as well" in str(fault) and id in str(fault) for fault in faults)
    assert not [p for p in quality_problems(small_domain(a_fact(1, "Paris", wrong)), Names()) if p.fault]


def test_answers_told_by_their_length_alone_are_found():
    def problems(length):
        facts = [a_fact(n, "x" * length(n) + f" {n}", [f"{'y' * 9} {n}{c}" for c in "abcde"]) for n in range(30)]
        return [str(p) for p in quality_problems(small_domain(*facts), Names()) if "length alone" in str(p)]

    assert "seat: the longest in 30 of 30" in problems(lambda n: 20)[0]
    assert "seat: the shortest in 30 of 30" in problems(lambda n: 2)[0]
    assert problems(lambda n: 20 if n % 6 == 0 else 10) == []


def test_a_cue_that_holds_an_answers_words_in_another_order_is_found():
    told = a_fact(1, "carcinoma of the lung", ("a", "b", "c"), cue="Lung {} with carcinoma is called")
    named = a_fact(2, "Paris", ("a", "b", "c"), cue="The town of Lutetia {} is", aliases=("Lutetia",))
    fine = a_fact(3, "carcinoma of the skin", ("a", "b", "c"), cue="Lung {} with carcinoma is called")
    (problem,) = [p for p in quality_problems(small_domain(told, named, fine), Names()) if "given away" in str(p)]
    assert "2 are given away by their cue (f1, f2)" in str(problem)


@pytest.mark.heavy
@pytest.mark.parametrize("name", embedded())
def test_general_facts_of_an_embedded_domain_are_no_other_ones(name):
    assert control_problems(Domain.open(name)) == []


@pytest.mark.heavy
def test_a_general_fact_about_another_embedded_domain_is_a_fault():
    medicine = Domain.open("medicine")
    general = next(fact for fact in medicine.facts if medicine.general in fact.specialties)
    place = replace(general, id="place", answer="Lisbon")
    (problem,) = control_problems(replace(medicine, facts=(*medicine.facts, place)))
    assert problem.fault
    assert "1 general ones have a subject or answer of geography's facts (place)" in str(problem)
    assert control_problems(replace(medicine, name="mine", facts=(*medicine.facts, place))) == []


def test_errors_of_many_rows_come_together(law):
    given = rows()
    for n in (3, 7, 11):
        given[n]["object"] = ""
    table(law / "facts.csv", given)
    with pytest.raises(KnowshiftError) as error:
        build(law / "law", everything(law))
    lines = str(error.value).splitlines()
    assert [line.split(", field")[0] for line in lines] == [f"{law / 'facts.csv'}, line {n}" for n in (5, 9, 13)]
