"""A domain folder: what is read, what is refused and how, and which specialty a name names."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from knowshift.errors import DomainError, UsageError
from knowshift.terms.domain import EMBEDDED, Concept, Domain, embedded
from knowshift.terms.items import items_hash
from knowshift.terms.making.joining import joining_problems
from knowshift.terms.match import Matcher
from knowshift.terms.select import group, items, priors

HEAD = """
name = "toy"
licence = "MIT"
[specialties.neurology]
name = "Neurology"
aliases = ["neuro", "neurological"]
[specialties.infectious_diseases]
name = "Infectious diseases"
aliases = ["infection"]
"""
FACT = {
    "id": "f1",
    "cues": ["Absence seizures are first treated with", "For absence seizures, give"],
    "answer": "ethosuximide",
    "distractors": ["levodopa", "riluzole"],
    "specialties": ["neurology"],
    "relation": "first_line_treatment",
    "concept": "C0014553",
}
TEXT = {"id": "t1", "text": "Multiple sclerosis is seen here.", "specialties": ["neurology"]}
CONCEPT = {"id": "C0026769", "name": "multiple sclerosis", "aliases": ["MS"], "types": ["T047"], "specialties": []}
QUESTION = {
    "Question": "Which drug first? ",
    "Specialty": "Infectious diseases",
    "Options": ["Ceftriaxone", " Gentamicin", "Trimethoprim", "Ciprofloxacin"],
    "Answer": "Ceftriaxone",
}
MEDICINE = Domain.open("medicine")
PROMISED = {"geography": (6, 150, 450), "medicine": (15, 150, 450)}
"""Of each embedded domain: specialties, and at the least texts and facts of its controls."""
PARTS = {"facts": FACT, "texts": TEXT, "concepts": CONCEPT, "questions": QUESTION}


def lay(folder: Path, head: str = HEAD, **parts: list[dict]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "domain.toml").write_text(head)
    for name, records in parts.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    return folder


def refused(folder: Path) -> str:
    with pytest.raises(DomainError) as error:
        Domain.open(folder)
    return str(error.value)


def test_every_part_is_read(tmp_path: Path) -> None:
    domain = Domain.open(lay(tmp_path / "d", **{name: [record] for name, record in PARTS.items()}))
    assert (domain.name, domain.general, domain.licence) == ("toy", "general", "MIT")
    fact, question = domain.facts[0], domain.questions[0]
    assert fact.cues == tuple(FACT["cues"])
    assert (fact.answer, fact.distractors, fact.concept) == ("ethosuximide", ("levodopa", "riluzole"), "C0014553")
    assert (question.relation, question.cues, question.answer) == ("question", ("Which drug first?",), "Ceftriaxone")
    assert question.distractors == ("Gentamicin", "Trimethoprim", "Ciprofloxacin")
    assert question.specialties == ("infectious_diseases",)
    assert domain.concepts[0].aliases == ("MS",)


def test_wordings_and_neutral_cues_may_be_named(tmp_path: Path) -> None:
    head = HEAD + '[neutral]\ndefault = "It is"\nfirst_line_treatment = "The drug is"\n'
    named = FACT | {"wordings": ["taught", "paraphrase"]}
    domain = Domain.open(lay(tmp_path / "named", head, facts=[named]))
    assert domain.facts[0].wordings == ("taught", "paraphrase")
    assert [domain.neutral_cue(relation) for relation in ("first_line_treatment", "gene")] == ["The drug is", "It is"]
    plain = Domain.open(lay(tmp_path / "plain", facts=[FACT]))
    assert plain.facts[0].wordings == ()
    assert plain.neutral_cue("gene") == "Answer:"
    assert plain.hash != domain.hash
    said = refused(lay(tmp_path / "short", facts=[FACT | {"wordings": ["taught"]}]))
    assert 'line 1, field "wordings": expected one for each of the 2 cues, found 1' in said


def test_a_domain_says_what_joins_cue_and_answer(tmp_path: Path) -> None:
    chinese = FACT | {"cues": ["失神发作的首选药物是"], "answer": "乙琥胺", "distractors": ["左旋多巴", "利鲁唑"]}
    plain = Domain.open(lay(tmp_path / "plain", facts=[chinese], questions=[QUESTION]))
    same = Domain.open(lay(tmp_path / "same", 'joiner = " "\n' + HEAD, facts=[chinese], questions=[QUESTION]))
    joined = Domain.open(lay(tmp_path / "joined", 'joiner = ""\n' + HEAD, facts=[chinese], questions=[QUESTION]))
    assert [domain.joiner for domain in (plain, same, joined)] == [" ", " ", ""]
    assert plain.hash == same.hash != joined.hash
    asked, spaced = items(joined), items(plain)
    assert {item.joiner for item in [*asked, *priors(asked, joined)]} == {""}
    assert items_hash(asked) != items_hash(spaced) == items_hash(items(same))
    (problem,) = joining_problems(plain)
    assert str(problem) == (
        "domain.toml: 1 of 2 facts and questions are in a script without spaces (f1); "
        'a space joins cue and answer; write joiner = "" above the specialties'
    )
    assert joining_problems(joined) == []
    (problem,) = joining_problems(Domain.open(lay(tmp_path / "english", 'joiner = ""\n' + HEAD, facts=[FACT])))
    assert 'with joiner = "" cue and answer of 1 run into one word (f1)' in str(problem)
    said = refused(lay(tmp_path / "odd", 'joiner = ": "\n' + HEAD, facts=[FACT]))
    assert 'field "joiner": expected " " or ""' in said


@pytest.mark.parametrize("neutral", ['neutral = "It is"', '[neutral]\ngene = " It is"', "[neutral]\ngene = 3"])
def test_neutral_cues_are_a_table_of_texts(tmp_path: Path, neutral: str) -> None:
    head = f'name = "toy"\n{neutral}\n'.replace("\\n", "\n")
    assert 'field "neutral": expected a table of cues by relation' in refused(lay(tmp_path / "d", head, facts=[FACT]))


@pytest.mark.parametrize("alone", ["facts", "texts", "questions"])
def test_one_part_is_enough(tmp_path: Path, alone: str) -> None:
    domain = Domain.open(lay(tmp_path / "d", **{alone: [PARTS[alone]]}))
    assert len(getattr(domain, alone)) == 1


def test_concepts_alone_are_not_enough(tmp_path: Path) -> None:
    assert "neither texts nor facts nor questions" in refused(lay(tmp_path / "d", concepts=[CONCEPT]))


def test_parquet_is_the_same_domain(tmp_path: Path) -> None:
    lines = lay(tmp_path / "lines", **{name: [record] for name, record in PARTS.items()})
    columns = lay(tmp_path / "columns")
    for name, record in PARTS.items():
        pq.write_table(pa.Table.from_pylist([record]), columns / f"{name}.parquet")
    assert Domain.open(lines).hash == Domain.open(columns).hash
    assert len(Domain.open(lines).hash) == 64


def test_hash_is_of_the_content(tmp_path: Path) -> None:
    one = Domain.open(lay(tmp_path / "one", facts=[FACT]))
    reordered = Domain.open(lay(tmp_path / "two", facts=[{**dict(reversed(FACT.items())), "comment": "passed over"}]))
    other = Domain.open(lay(tmp_path / "three", facts=[FACT | {"answer": "valproate"}]))
    assert one.hash == reordered.hash != other.hash


def test_questions_as_a_json_list_and_as_lines(tmp_path: Path) -> None:
    lines = lay(tmp_path / "lines", questions=[QUESTION, QUESTION])
    listed = lay(tmp_path / "listed")
    (listed / "questions.jsonl").write_text(json.dumps([QUESTION, QUESTION], indent=2))
    assert Domain.open(lines).questions == Domain.open(listed).questions


def test_both_forms_of_a_file_are_refused(tmp_path: Path) -> None:
    folder = lay(tmp_path / "d", facts=[FACT])
    pq.write_table(pa.Table.from_pylist([FACT]), folder / "facts.parquet")
    assert "both exist" in refused(folder)


BROKEN = [
    ("facts", {"cues": []}, "cues"),
    ("facts", {"cues": [""]}, "cues"),
    ("facts", {"cues": ["ends in a space "]}, "cues"),
    ("facts", {"cues": "not a list"}, "cues"),
    ("facts", {"answer": None}, "answer"),
    ("facts", {"answer": 7}, "answer"),
    ("facts", {"answer": " padded"}, "answer"),
    ("facts", {"answer": "levodopa"}, "distractors"),
    ("facts", {"distractors": ["riluzole", "riluzole"]}, "distractors"),
    ("facts", {"distractors": []}, "distractors"),
    ("facts", {"relation": ""}, "relation"),
    ("facts", {"specialties": ["alchemy"]}, "specialties"),
    ("facts", {"specialties": ["neurology", "general"]}, "specialties"),
    ("facts", {"id": "f0"}, "id"),
    ("texts", {"text": "  "}, "text"),
    ("texts", {"text": "half \ud83d"}, "text"),
    ("concepts", {"name": None}, "name"),
    ("concepts", {"aliases": ["ok", ""]}, "aliases"),
    ("questions", {"Answer": "Aspirin"}, "Answer"),
    ("questions", {"Options": ["Ceftriaxone"]}, "Options"),
    ("questions", {"Specialty": "Astrology"}, "Specialty"),
]


@pytest.mark.parametrize(("part", "change", "field"), BROKEN)
def test_a_fault_names_file_line_and_field(tmp_path: Path, part: str, change: dict, field: str) -> None:
    sound = PARTS[part] | ({"id": "f0"} if part != "questions" else {})
    said = refused(lay(tmp_path / "d", **{part: [sound, PARTS[part] | change]}))
    assert said.startswith(f'{tmp_path / "d" / part}.jsonl, line 2, field "{field}": ')
    assert "\n" not in said


@pytest.mark.parametrize("line", ['{"id": "f1", "cues": [', "[1, 2]", '"text"', "nonsense"])
def test_a_line_that_is_no_record(tmp_path: Path, line: str) -> None:
    folder = lay(tmp_path / "d", facts=[FACT])
    with (folder / "facts.jsonl").open("a") as file:
        file.write(line)
    assert refused(folder).startswith(f"{folder / 'facts.jsonl'}, line 2: expected")


@pytest.mark.parametrize("name", ["facts.jsonl", "facts.parquet"])
def test_a_file_of_other_bytes(tmp_path: Path, name: str) -> None:
    folder = lay(tmp_path / "d")
    (folder / name).write_bytes(b"\xff\xfe\x00\n")
    assert str(folder / name) in refused(folder)


def test_a_parquet_fault_names_the_record(tmp_path: Path) -> None:
    folder = lay(tmp_path / "d")
    pq.write_table(pa.Table.from_pylist([FACT, FACT | {"id": "f2", "answer": None}]), folder / "facts.parquet")
    assert refused(folder).startswith(f'{folder / "facts.parquet"}, record 2, field "answer": missing')


def test_ten_faults_over_all_files_then_a_count(tmp_path: Path) -> None:
    texts = [TEXT | {"id": f"t{n}", "text": ""} for n in range(6)]
    facts = [FACT | {"id": f"f{n}", "answer": ""} for n in range(7)]
    *told, last = refused(lay(tmp_path / "d", texts=texts, facts=facts)).splitlines()
    assert len(told) == 10
    assert "texts.jsonl, line 1" in told[0]
    assert "facts.jsonl, line 4" in told[-1]
    assert last == "and 3 more"


@pytest.mark.parametrize(
    ("head", "word"),
    [
        ("name = ", "TOML"),
        ("licence = 'MIT'", '"name"'),
        ("name = 'x'\nspecialties = ['a']", "specialties"),
        ("name = 'x'\n[specialties.a]\naliases = 'b'", "specialties.a.aliases"),
        (
            "name = 'x'\n[specialties.a]\naliases = ['heart']\n[specialties.b]\nname = 'Heart'",
            '"Heart" names both a and b',
        ),
        ("name = 'x'\n[specialties.general]", "control group"),
    ],
)
def test_a_broken_head(tmp_path: Path, head: str, word: str) -> None:
    said = refused(lay(tmp_path / "d", head, texts=[]))
    assert "domain.toml" in said
    assert word in said


def test_no_such_domain(tmp_path: Path) -> None:
    assert "expected geography, medicine or a folder" in refused(tmp_path / "nowhere")
    assert "has no domain.toml" in refused(tmp_path)


@pytest.mark.parametrize("name", ["neuro", "NEUROLOGY", "Neurological", "neurology"])
def test_a_specialty_by_any_of_its_names(tmp_path: Path, name: str) -> None:
    assert Domain.open(lay(tmp_path / "d", texts=[TEXT])).specialty(name).id == "neurology"


def test_an_unknown_specialty_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match=r'"cardio".*neurology, infectious_diseases'):
        Domain.open(lay(tmp_path / "d", texts=[TEXT])).specialty("cardio")


@pytest.mark.parametrize(
    ("model", "own"),
    [
        ("neuro_lora", "neurology"),
        ("neuro_facts_lora", "neurology"),
        ("Llama-3-NEURO.v2", "neurology"),
        ("cardio_lora", "cardiology"),
        ("gastroenterology", "gastroenterology"),
        ("infectious-diseases-7b", "infectious_diseases"),
        ("obstetrics_gynecology", "obstetrics_gynecology"),
        ("neurotic_lora", None),
        ("base", None),
        ("", None),
    ],
)
def test_own_from_a_models_name(model: str, own: str | None) -> None:
    assert Domain.open("medicine").own_from_name(model) == own


def test_two_specialties_in_a_name_are_an_error() -> None:
    with pytest.raises(UsageError, match=r"cardiology.*respiratory_medicine.*--own cardiovascular_pulmonary=NAME"):
        Domain.open("medicine").own_from_name("cardiovascular_pulmonary")


@given(st.from_regex(r"[a-z0-9]{0,6}", fullmatch=True), st.from_regex(r"[a-z0-9]{0,6}", fullmatch=True))
def test_own_needs_whole_words(before: str, after: str) -> None:
    assert MEDICINE.own_from_name(f"q{before}neuro") is None
    assert MEDICINE.own_from_name(f"neuro{after}q") is None
    assert MEDICINE.own_from_name(f"zz{before}-neuro_zz{after}") == "neurology"


@pytest.mark.parametrize("name", embedded())
def test_an_embedded_domain_holds_what_it_promises(name: str) -> None:
    specialties, control_texts, control_facts = PROMISED[name]
    domain = Domain.open(name)
    assert domain.name == name
    assert len(domain.specialties) == specialties
    for specialty in [*domain.specialties, domain.general]:
        general = specialty == domain.general
        texts = [text.text for text in domain.texts if specialty in text.specialties]
        facts = [fact for fact in domain.facts if specialty in fact.specialties]
        assert len(texts) >= (control_texts if general else 10), specialty
        assert all(60 <= len(text.split()) <= 150 for text in texts), specialty
        assert len(facts) >= (control_facts if general else 40), specialty
        assert general or sum(specialty in concept.specialties for concept in domain.concepts) >= 40, specialty
        assert general or len({fact.relation for fact in facts}) >= 4, specialty
    assert all(len(fact.cues) == 3 and len(fact.distractors) >= 6 for fact in domain.facts)
    groups = {(item.kind, group(item, None, domain.general)) for item in items(domain)}
    assert {("fact", "own"), ("fact", "general"), ("term", "own"), ("word", "general")} <= groups


@pytest.mark.parametrize("name", embedded())
def test_a_model_may_be_called_by_any_name_of_an_embedded_specialty(name: str) -> None:
    domain = Domain.open(name)
    for specialty in domain.specialties.values():
        for alias in (specialty.id, specialty.name, *specialty.aliases):
            assert domain.own_from_name(f"{alias.replace(' ', '_')}_lora") == specialty.id


@pytest.mark.parametrize("name", embedded())
def test_the_controls_name_nothing_of_any_embedded_domain(name: str) -> None:
    domain = Domain.open(name)
    controls = [text.text for text in domain.texts if domain.general in text.specialties]
    for fact in domain.facts:
        if domain.general in fact.specialties:
            controls += [*fact.cues, fact.answer]
    assert len(controls) > 1500
    for other in embedded():
        terms = Matcher(Domain.open(other).concepts)
        assert {text: found for text in controls if (found := terms.mentions(text))} == {}


def test_the_embedded_domains_share_their_controls() -> None:
    def controls(domain: Domain) -> list[object]:
        return [part for part in (*domain.texts, *domain.facts) if domain.general in part.specialties]

    first, *rest = (controls(Domain.open(name)) for name in embedded())
    assert all(first == other for other in rest)


def test_no_sentence_of_geography_says_a_fact() -> None:
    """Else a model trained on its texts alone, one of pure domain shift, would have been taught facts."""
    facts: dict[str, set[str]] = defaultdict(set)
    for path in (EMBEDDED / "geography" / "sources").glob("*.toml"):
        for relation in tomllib.loads(path.read_text())["relation"]:
            for subject, answer, *_ in relation["facts"]:
                facts[subject.removeprefix("the ")].add(answer)
    named = Matcher([Concept("", name) for name in {*facts, *chain(*facts.values())}])
    sentences = [s for text in Domain.open("geography").texts for s in re.split(r"(?<=[.!?])\s+", text.text)]
    seen = [{mention.concept.name for mention in named.mentions(sentence)} for sentence in sentences]
    assert sum(map(len, seen)) > 200
    assert [names for names in seen if any(facts[name] & names for name in names)] == []


@pytest.mark.heavy
def test_reading_a_domain_loads_neither_torch_nor_spacy() -> None:
    code = (
        "import sys; from knowshift.terms.domain import Domain; from knowshift.terms.select import items\n"
        "assert items(Domain.open('medicine')); print({'torch', 'spacy', 'transformers', 'scipy'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.skipif("KNOWSHIFT_MATERIALS" not in os.environ, reason="KNOWSHIFT_MATERIALS is not set: S-MedQA")
def test_smedqa_as_released(tmp_path: Path) -> None:
    released = Path(os.environ["KNOWSHIFT_MATERIALS"]) / "smedqa" / "S-MedQA_validation.json"
    shutil.copy(EMBEDDED / "medicine" / "domain.toml", tmp_path)
    shutil.copy(released, tmp_path / "questions.jsonl")
    domain = Domain.open(tmp_path)
    raw = json.loads(released.read_text())
    assert len(domain.questions) == len(raw) == 899
    for question, record in zip(domain.questions, raw, strict=True):
        assert domain.specialties[question.specialties[0]].name == record["Specialty"]
        assert {question.answer, *question.distractors} == {option.strip() for option in record["Options"]}
