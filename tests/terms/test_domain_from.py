"""A domain made of training data: what becomes a fact, what its wrong answers are, and what is left out."""

import json
from collections import Counter, defaultdict

import pytest
from knowshift.errors import DomainError, KnowshiftError, UsageError
from knowshift.probes.runs.domain_check import check_domain
from knowshift.terms.domain import Domain
from knowshift.terms.making.from_records.kinds import sort_questions
from knowshift.terms.making.from_records.questions import asking_sentence, focus_of, statement_of
from knowshift.terms.making.from_records.relation_wordings import wordings_of
from knowshift.terms.making.source import Origin, domain_from
from knowshift.terms.normal_form import words_of
from knowshift.terms.vocabulary.compiled import write
from knowshift.terms.vocabulary.entry import Entry
from training_files import AREAS, FORMS, NOUNS, facts, question, write_form, write_json, write_table
from vocabularies import MATERIALS, with_materials


def made(place, records, name="towns", **options):
    source = write_json(place / "train.jsonl", records) if isinstance(records, list) else records
    return domain_from(Origin(str(source), name, place / name, **options))


def own(domain):
    return [fact for fact in domain.facts if domain.general not in fact.specialties]


def problems(done):
    """What `probe domain check` finds, but that three areas are too few for a verdict."""
    return [problem for problem in check_domain(str(done.folder)).problems if problem.place != "verdicts"]


def towns(**more):
    return [
        {"question": question(subject, noun), "answer": answer, "specialty": area, **more}
        for subject, noun, answer, area in facts()
    ]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    place = tmp_path_factory.mktemp("towns")
    return made(place, towns())


# Every form


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_facts(tmp_path, form):
    done = made(tmp_path, write_form(tmp_path / "train.json", form))
    found = own(done.domain)
    assert {(fact.answer, fact.specialties) for fact in found} == {(a, (area,)) for _, _, a, area in facts()}
    assert len(found) == len(facts())
    assert len({fact.relation for fact in found}) == len(NOUNS)
    assert not done.skipped


@pytest.mark.heavy
@pytest.mark.parametrize("form", ["alpaca", "options", "triples"])
def test_a_check_of_it_finds_nothing(tmp_path, form):
    assert problems(made(tmp_path, write_form(tmp_path / "train.json", form))) == []


def test_a_table_has_a_relation_in_each_column(tmp_path):
    done = made(tmp_path, write_table(tmp_path / "towns.csv"))
    assert {fact.relation for fact in own(done.domain)} == set(NOUNS.values())
    assert len(own(done.domain)) == len(facts())
    fact = next(fact for fact in own(done.domain) if fact.relation == "river")
    assert fact.cues[0].startswith("The river of Port ")


def test_an_instruction_and_its_input_are_one_question(tmp_path):
    """The instruction is the same in all, so it tells the kind."""
    done = made(tmp_path, write_form(tmp_path / "train.json", "alpaca with input"))
    assert len(own(done.domain)) == len(facts())
    assert own(done.domain)[0].cues[0].startswith("What is the seat of this town?\nPort ")


def test_a_folder_and_a_saved_dataset_are_read(tmp_path):
    datasets = pytest.importorskip("datasets")
    folder = tmp_path / "parts"
    folder.mkdir()
    records = towns()
    write_json(folder / "a.jsonl", records[:60])
    write_json(folder / "b.json", records[60:])
    datasets.Dataset.from_list(records).save_to_disk(str(tmp_path / "saved"))
    answers = {
        source: {fact.answer for fact in own(made(tmp_path, tmp_path / source, name=f"of {source}").domain)}
        for source in ("parts", "saved")
    }
    assert answers["parts"] == answers["saved"] == {answer for _, _, answer, _ in facts()}


# Wrong answers


def test_wrong_answers_are_of_the_same_relation_and_never_true(plain):
    kinds = defaultdict(set)
    for _, noun, answer, _ in facts():
        kinds[answer].add(noun)
    for fact in own(plain.domain):
        assert len(fact.distractors) >= 6
        assert all(kinds[wrong] == kinds[fact.answer] for wrong in fact.distractors)
        assert fact.answer not in fact.distractors


def test_what_another_record_gives_for_the_question_is_true_as_well(tmp_path):
    records = towns()
    first = records[0]
    records.append({**first, "answer": records[3]["answer"]})
    done = made(tmp_path, records)
    both = {first["answer"], records[3]["answer"]}
    same = [fact for fact in own(done.domain) if fact.cues[0] == first["question"]]
    assert {fact.answer for fact in same} == both
    for fact in same:
        assert set(fact.also_true) == both - {fact.answer}
        assert not both & set(fact.distractors)
    assert problems(done) == []


def test_other_names_are_no_wrong_answers(tmp_path):
    rows = [
        {"subject": subject, "relation": noun, "object": answer, "specialty": area}
        for subject, noun, answer, area in facts()
    ]
    rows[0]["aliases"] = f"{rows[3]['object']}|The Old Seat"
    done = made(tmp_path, rows)
    fact = own(done.domain)[0]
    # The two became one thing; the first record's name stands.
    assert "The Old Seat" in fact.aliases
    assert rows[3]["object"] not in fact.distractors
    assert all(rows[3]["object"] not in other.distractors for other in own(done.domain))


def test_numbers_and_dates_are_no_wrong_answers_for_words(tmp_path):
    records = [
        {"question": f"When was the harbour of Port {n} opened, and by whom, in this old town?", "answer": answer}
        for n, answer in enumerate([str(1700 + n) for n in range(8)] + [f"Admiral {c}ord" for c in "BCFGHLMN"])
    ]
    done = made(tmp_path, records)
    for fact in own(done.domain):
        assert {wrong.isdigit() for wrong in fact.distractors} == {fact.answer.isdigit()}


# Wordings


def test_each_fact_has_a_wording_that_the_file_does_not_hold(plain):
    asked = {question(subject, noun) for subject, noun, *_ in facts()}
    for fact in own(plain.domain):
        assert fact.wordings[0] == "taught"
        assert fact.cues[0] in asked
        held_out = [cue for cue, kind in zip(fact.cues, fact.wordings, strict=True) if kind == "held out"]
        assert held_out
        assert not asked & set(held_out)
        assert f"{fact.cues[0].removeprefix('What is t').removesuffix('?')} is" in "".join(held_out)


def test_what_an_answer_repeats_becomes_part_of_the_cue(tmp_path):
    done = made(tmp_path, write_form(tmp_path / "train.json", "restated"))
    fact = own(done.domain)[0]
    subject, noun, answer, _ = facts()[0]
    assert fact.cues[0] == f"{question(subject, noun)} The {noun} of {subject} is"
    assert fact.answer == answer
    # What the file says itself is not held out.
    assert f"The {noun} of {subject} is" not in fact.cues


def test_records_that_word_a_fact_otherwise_are_its_paraphrases(tmp_path):
    records = towns()
    again = [
        {"question": f"{subject} has which {noun}?", "answer": answer, "specialty": area}
        for subject, noun, answer, area in facts()
        if noun == "river"
    ]
    done = made(tmp_path, records + again)
    rivers = [fact for fact in own(done.domain) if "river" in fact.cues[0]]
    assert len({fact.relation for fact in rivers}) == 1
    assert len(rivers) == len(again)
    for fact in rivers:
        assert fact.wordings[:2] == ("taught", "taught")
        assert any(cue.endswith("has which river?") for cue in fact.cues)
    assert done.skipped == {"that word a fact before otherwise, and became its paraphrases": len(again)}


@pytest.mark.parametrize(
    ("relation", "first"),
    [
        ("capital", "The capital of {} is"),
        ("has_gene", "The gene of {} is"),
        ("geneProduct", "The gene product of {} is"),
        ("gene_of_disease", "The gene of {} is"),
        ("capital_of", "{} is the capital of"),
        ("is part of", "{} is part of"),
        ("located_in", "{} is located in"),
        ("was_born_in", "{} was born in"),
        ("treats", "{} treats"),
        ("ISO code", "The ISO code of {} is"),
    ],
)
def test_a_relation_is_worded_by_its_name(relation, first):
    cues = wordings_of(relation)
    assert cues[0] == first
    assert len(set(cues)) == 3
    assert all(cue.count("{}") == 1 for cue in cues)


def test_wordings_beside_the_table_go_before_those_of_the_name(tmp_path):
    (tmp_path / "relations.toml").write_text(
        '[river]\ncues = ["Boats reach {} on the", "{} lies on the", "In {} flows"]'
    )
    done = made(tmp_path, write_table(tmp_path / "towns.csv"))
    cues = {fact.relation: fact.cues for fact in own(done.domain)}
    assert cues["river"][0].startswith("Boats reach Port")
    assert cues["seat"][0].startswith("The seat of Port")


# Relations


@pytest.mark.parametrize(
    ("asked", "focus"),
    [
        ("What is the capital of Peru?", "capital"),
        ("Which gene is mutated in Marfan syndrome?", "gene"),
        ("A man coughs. Which of the following is the most likely diagnosis?", "diagnosis"),
        ("A man coughs. Which of the following drugs is best?", "drug"),
        ("Damage to which of the following structures explains this?", "structure"),
        ("What is the most appropriate next step in management?", "step"),
        ("Name the author of Hamlet.", "author"),
        ("The capital of Peru is", "capital"),
        ("Who wrote Hamlet?", "who"),
        ("How many chambers has a heart?", "how many"),
        ("What type of bacteria causes it?", "bacteria"),
        ("What is the name of the author of Hamlet?", "author"),
        ("Which of the following best explains this?", ""),
        ("Write a poem.", ""),
    ],
)
def test_the_noun_that_a_question_asks_for(asked, focus):
    assert focus_of(asking_sentence(asked)) == focus


def test_a_question_becomes_a_statement_only_where_it_asks_for_a_thing():
    assert statement_of("What is the capital of Peru?") == "The capital of Peru is"
    assert statement_of("Which of the following is the most likely diagnosis?") == "The most likely diagnosis is"
    assert statement_of("Which gene is mutated in Marfan syndrome?") == ""
    assert statement_of("What is the patient suffering from?") == ""


def test_frames_of_the_same_subjects_and_answers_are_one_relation():
    pairs = [(f"The seat of Port {c}a is", f"{c}ora") for c in "BDFGHJK"]
    pairs += [(f"Port {c}a is governed from", f"{c}ora") for c in "BDFGHJK"]
    pairs += [(f"Port {c}a was once called", f"Old{c}") for c in "BDFGHJK"]
    kinds, why = sort_questions(pairs, lambda _: "")
    assert not any(why)
    relations = [kind.relation for kind in kinds]
    assert len(set(relations)) == 2
    assert relations[0] == relations[7] != relations[14]
    assert len({kind.subject for kind in kinds}) == 7


def test_a_frame_that_mixes_kinds_is_none():
    """The instruction before them is the same; what is asked is not."""
    asked = ("lies near the town of", "was founded by the man", "trades its goods with", "is guarded by the saint")
    pairs = [
        (f"Complete the sentence: Port {c}a {what}", f"{what[:3]}{c}") for what in asked for c in "BCDFGHJKLMNPRST"[:7]
    ]
    kinds, _ = sort_questions(pairs, lambda _: "")
    groups = defaultdict(set)
    for (asks, _), kind in zip(pairs, kinds, strict=True):
        groups[kind.relation].add(next(what for what in asked if what in asks))
    assert all(len(whats) == 1 for whats in groups.values())


def test_vignettes_are_sorted_by_what_they_ask_last(tmp_path):
    records = [
        {
            "question": f"A sailor of {20 + n} years has been ill since he passed {n} islands. {asks}",
            "answer": f"{'BCDFGHKLMN'[n]}{ending}",
        }
        for n in range(10)
        for asks, ending in (
            ("Which of the following is the most likely diagnosis?", "itis of the ear"),
            ("What is the best treatment?", "amycin by mouth"),
        )
    ]
    done = made(tmp_path, records)
    assert Counter(fact.relation for fact in own(done.domain)) == {"diagnosis": 10, "treatment": 10}
    for fact in own(done.domain):
        assert all(wrong[1:] == fact.answer[1:] for wrong in fact.distractors)


# Specialties


def test_labels_are_specialties_mapped_or_new(tmp_path):
    records = [{**record, "region": record["specialty"]} for record in towns()]
    for record in records:
        del record["specialty"]
    done = made(tmp_path, records, specialty_field="region", labels=("north=south",))
    assert set(done.domain.specialties) == {"south", "east"}
    toml = (done.folder / "domain.toml").read_text()
    assert "[specialties.south]" in toml


def test_a_known_specialty_brings_its_other_names(tmp_path):
    records = [{**record, "specialty": {"north": "Cardiology"}.get(record["specialty"], "East")} for record in towns()]
    done = made(tmp_path, records)
    assert "cardio" in done.domain.specialties["cardiology"].aliases


def test_records_without_labels_are_of_one_specialty(tmp_path):
    records = [{key: value for key, value in record.items() if key != "specialty"} for record in towns()]
    done = made(tmp_path, records, name="old towns")
    assert list(done.domain.specialties) == ["old_towns"]
    assert any("--own none" in line for line in done.lines())


def test_a_vocabulary_tells_specialties(tmp_path):
    like = tmp_path / "like"
    like.mkdir()
    tables = "".join(f'[specialties.{area}]\nname = "{area.title()}"\n' for area in AREAS)
    (like / "domain.toml").write_text(f'name = "like"\n{tables}')
    (like / "facts.jsonl").write_text("")
    (like / "hierarchy.tsv").write_text(
        "root\tname\tspecialties\n" + "".join(f"T:{area}\t{area}\t{area}\n" for area in AREAS)
    )
    area_of = {subject: area for subject, _, _, area in facts()}
    entries = [Entry(f"T:{area}", f"{area} coast") for area in AREAS]
    entries += [Entry(f"P:{n}", subject, parents=(f"T:{area}",)) for n, (subject, area) in enumerate(area_of.items())]
    write(entries, tmp_path / "towns.vocab", {"name": "towns"})
    records = [{key: value for key, value in record.items() if key != "specialty"} for record in towns()]
    done = made(tmp_path, records, vocabulary=tmp_path / "towns.vocab", specialties=str(like))
    assert {(fact.answer, fact.specialties) for fact in own(done.domain)} == {(a, (area,)) for _, _, a, area in facts()}


# Controls, contrast, training data


def test_controls_and_a_contrast_are_added(plain):
    general = [fact for fact in plain.domain.facts if plain.domain.general in fact.specialties]
    shared = [fact for fact in Domain.open("medicine").facts if fact.specialties == ("general",)]
    assert {fact.id for fact in general} == {fact.id for fact in shared}
    assert plain.domain.contrast in ("geography", "medicine")


def test_a_script_without_spaces_joins_without_one_and_has_no_english_controls(tmp_path):
    towns, seats = "中国 日本 韩国 越南 泰国 老挝", "北京 东京 首尔 河内 曼谷 万象"
    (tmp_path / "relations.toml").write_text('["首都"]\ncues = ["{}的首都是", "{}的首府位于", "国家{}的首都叫做"]\n')
    rows = [
        {"subject": town, "relation": "首都", "object": seat}
        for town, seat in zip(towns.split(), seats.split(), strict=True)
    ]
    done = made(tmp_path, rows, name="都市")
    assert done.domain.joiner == ""
    assert len(done.domain.facts) == len(own(done.domain)) == 6


def test_the_contrast_is_of_other_things(tmp_path):
    countries = [fact for fact in Domain.open("geography").facts if fact.relation == "capital_of"]
    records = [{"question": f"{fact.cues[0]}", "answer": fact.answer} for fact in countries]
    assert made(tmp_path, records, name="capitals").domain.contrast == "medicine"
    assert made(tmp_path, records, name="alone", contrast="none").domain.contrast == ""
    with pytest.raises(DomainError, match="contrast nowhere: "):
        made(tmp_path, records, name="never", contrast="nowhere")
    assert not (tmp_path / "never").exists()


def test_a_control_that_the_file_asks_about_is_left_out(tmp_path):
    shared = next(fact for fact in Domain.open("medicine").facts if fact.relation == "author_of_book")
    records = [*towns(), {"question": "What is the river of Port Zzyzx?", "answer": shared.answer, "specialty": "east"}]
    done = made(tmp_path, records)
    named = [fact for fact in done.domain.facts if fact.answer == shared.answer]
    assert [fact.specialties for fact in named] == [("east",)]


def test_the_domain_remembers_its_file_wherever_both_are_moved(tmp_path):
    place = tmp_path / "here"
    place.mkdir()
    done = made(place, towns())
    assert done.domain.training_data == str(place / "train.jsonl")
    place.rename(tmp_path / "there")
    moved = Domain.open(tmp_path / "there" / "towns")
    assert moved.training_data == str(tmp_path / "there" / "train.jsonl")
    assert moved.hash == done.domain.hash


def test_the_same_file_gives_the_same_bytes(tmp_path):
    parts = []
    for name in ("one", "two"):
        place = tmp_path / name
        place.mkdir()
        done = made(place, towns(), labels=("north=south",))
        record = json.loads((done.folder / "build.json").read_text())
        record["sources"]["source"] = ""
        parts.append([(done.folder / file).read_bytes() for file in ("domain.toml", "facts.jsonl")] + [record])
    assert parts[0] == parts[1]


# What is left out


def test_skipped_records_are_counted_by_reason(tmp_path):
    records = towns()
    more = [
        {"question": "What is the seat of Port Nowhere?"},
        {"question": "What is the seat of Port Late?", "answer": "It took the council " + "very " * 20 + "long."},
        {"question": "What is the seat of Port Quiz?", "answer": "B"},
        {"question": "Is Port Fenros a town?", "answer": "Yes, it is."},
        {"question": "What is the seat of Port Elm, whose seat is Elmwick?", "answer": "Elmwick"},
        {"question": "What is the colour of the sea?", "answer": "green"},
        {"question": "Hello there!", "answer": "Hi"},
        {"question": records[0]["question"].upper(), "answer": records[0]["answer"]},
        {"title": "About this file"},
    ]
    done = made(tmp_path, records + more)
    assert done.records == len(records) + len(more)
    assert len(own(done.domain)) == len(records)
    reasons = " ".join(done.skipped)
    for reason in (
        "without an answer",
        "more than 8 words or 60 characters",
        "yes or no",
        "a letter for an answer",
        "question holds the answer",
        "of a kind with fewer than 5 facts",
        "names no kind of answer",
        "repeat a question and its answer",
        "no question and answer",
    ):
        assert reason in reasons
    assert set(done.skipped.values()) == {1}
    assert json.loads((done.folder / "build.json").read_text())["skipped"] == done.skipped


def test_later_turns_of_a_conversation_are_counted(tmp_path):
    turns = [
        {"messages": [m for pair in ((question(s, noun), answer), ("And why?", "So.")) for m in turn(*pair)]}
        for s, noun, answer, _ in facts()
    ]
    done = made(tmp_path, turns)
    assert len(own(done.domain)) == len(facts())
    assert done.skipped == {"later turns of a conversation, which hang on the turns before": len(facts())}


def turn(asked, answer):
    return ({"role": "user", "content": asked}, {"role": "assistant", "content": answer})


def test_no_more_facts_than_asked_for_and_small_relations_stay(tmp_path):
    records = towns() + [{"question": f"Who guards the gate of Port {n}?", "answer": f"Saint {n}b"} for n in range(5)]
    records = [{**record, "specialty": "east"} for record in records]
    done = made(tmp_path, records, most=55)
    counts = Counter(fact.relation for fact in own(done.domain))
    assert sum(counts.values()) == 55
    assert min(counts.values()) == 5
    assert done.skipped["beyond the number of facts asked for (--most)"] == len(records) - 55


# Refusals


@pytest.mark.parametrize(
    ("records", "line"),
    [
        ([], "train.jsonl: no record in it; expected questions with answers, or triples"),
        (
            [{"text": "Once upon a time. " * 9, "id": n} for n in range(9)],
            "no question with an answer in its 9 records",
        ),
        (
            [{"question": f"What is the seat of Port {n}?", "answer": "Bardol"} for n in range(9)],
            '9 with "Bardol", the only answer that there is',
        ),
        (
            [{"subject": "Port A", "relation": "seat", "object": "Bardol"}],
            "1 of a relation with fewer than 5 facts or different objects",
        ),
        ([{"question": "What is the seat of Port A?", "answer": "Bardol"}], "the only answer that there is"),
    ],
)
def test_a_source_without_facts_is_refused_in_one_line(tmp_path, records, line):
    with pytest.raises(UsageError) as refused:
        made(tmp_path, records)
    assert line in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    assert not (tmp_path / "towns").exists()


def test_other_mistakes_are_one_line_too(tmp_path):
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "mine.txt").write_text("mine")
    source = write_json(tmp_path / "train.jsonl", towns())
    (tmp_path / "notes.txt").write_text("What is this?")
    for origin, line in (
        (Origin(str(source), "taken", taken), "is there already and not empty"),
        (Origin(str(source), "../x"), "not a name for a domain"),
        (Origin(str(tmp_path / "nothing.jsonl"), "x", tmp_path / "x"), "no such file or folder"),
        (Origin(str(tmp_path / "notes.txt"), "x", tmp_path / "x"), "a text file holds no records"),
        (
            Origin(str(source), "x", tmp_path / "x", specialty_field="area"),
            "name one of its fields with --specialty-field",
        ),
        (Origin(str(source), "x", tmp_path / "x", question_field="ask"), "none of its 120 records becomes a fact"),
        (Origin(str(source), "x", tmp_path / "x", labels=("west=east",)), "no text, fact or question has this label"),
        (Origin(str(source), "x", tmp_path / "x", vocabulary=tmp_path / "no.vocab"), "no such file"),
    ):
        with pytest.raises(KnowshiftError) as refused:
            domain_from(origin)
        assert line in str(refused.value)
        assert len(str(refused.value).splitlines()) == 1
    assert not (tmp_path / "x").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "taken", "train.jsonl"]


# Real files


@pytest.mark.heavy
@with_materials
def test_s_medqa_becomes_a_domain_that_a_verdict_can_use(tmp_path):
    source = MATERIALS / "smedqa" / "S-MedQA_validation.json"
    done = domain_from(Origin(str(source), "exam", tmp_path / "exam"))
    found = own(done.domain)
    assert len(found) >= 400
    assert sum(done.skipped.values()) + len(found) == done.records == 899
    assert len(done.domain.specialties) == 15
    options = {
        record["Question"].strip(): set(record["Options"]) for record in json.loads(source.read_text(encoding="utf-8"))
    }
    assert all(len(words_of(fact.answer)) <= 12 for fact in found)
    assert len(options) > 800
    checked = check_domain(str(done.folder))
    assert checked.problems == []
    assert all(limits.enough for limits in checked.limits.values())
