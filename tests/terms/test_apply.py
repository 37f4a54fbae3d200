"""A domain's terms by the linker: which mentions a comparison reads when it is given a vocabulary or a list."""

import json

import polars as pl
import pytest
from house import TOPICS, write_domain
from knowshift.errors import UsageError
from knowshift.terms.domain import Domain
from knowshift.terms.extraction.apply import OWN_NAMES, domain_terms
from knowshift.terms.extraction.run import run_extraction
from knowshift.terms.select import items
from knowshift.terms.vocabulary.compiled import write
from knowshift.terms.vocabulary.entry import Entry


@pytest.fixture
def place(tmp_path):
    write_domain(tmp_path / "domain")
    words = [word for _, words in TOPICS.values() for word in words]
    write([Entry(f"V:{word}", word) for word in words if word != "stroke"], tmp_path / "small.vocab", {"name": "small"})
    run_extraction(
        [tmp_path / "domain" / "texts.jsonl"],
        tmp_path / "small.vocab",
        tmp_path / "terms",
        domain=str(tmp_path / "domain"),
    )
    return tmp_path


def linked(place, **given):
    domain = Domain.open(place / "domain")
    found = domain_terms(place / "domain", domain, given.get("vocabulary"), given.get("terms"))
    return domain, found, [item for item in items(domain, found.mentions) if item.kind == "term"]


def test_without_a_vocabulary_the_domains_names_stand(place):
    domain, found, terms = linked(place)
    assert found.found_by == OWN_NAMES
    assert terms == [item for item in items(domain) if item.kind == "term"]
    assert any(item.concept == "neurology-stroke" for item in terms)


def test_with_a_vocabulary_terms_are_its_concepts(place):
    _, found, terms = linked(place, vocabulary=place / "small.vocab")
    assert {item.concept for item in terms} >= {"V:seizure", "V:angina", "V:colitis"}
    assert all(item.concept == f"V:{item.target.lower()}" for item in terms)
    assert "V:stroke" not in {item.concept for item in terms}
    assert found.found_by == "scispaCy's linker over small.vocab (17 concepts), by its names"
    # no hierarchy and too few documents for the corpus to speak: the document's specialty is the term's
    assert {item.specialties for item in terms if item.concept == "V:seizure"} == {("neurology",)}


def test_a_persons_list_wins(place):
    path = place / "terms" / "terms.csv"
    frame = pl.read_csv(path, infer_schema=False).filter(pl.col("concept") != "V:angina")
    moved = pl.when(pl.col("concept") == "V:seizure").then(pl.lit("cardiology")).otherwise(pl.col("specialties"))
    frame.with_columns(specialties=moved).write_csv(path)
    for given in ({"terms": place / "terms"}, {"terms": path}, {"terms": path, "vocabulary": place / "small.vocab"}):
        _, found, terms = linked(place, **given)
        assert "V:angina" not in {item.concept for item in terms}
        assert {item.specialties for item in terms if item.concept == "V:seizure"} == {("cardiology",)}
        assert found.record["edits"]["reassigned"] == ["V:seizure"]
        assert str(path) in found.found_by


def test_a_list_without_its_vocabulary_is_one_line(place):
    alone = place / "alone.csv"
    alone.write_text("concept,specialties\nV:seizure,neurology\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"no extraction\.json beside it .* give --vocabulary too"):
        linked(place, terms=alone)
    write([Entry("V:seizure", "seizure")], place / "small.vocab", {"name": "other"})
    with pytest.raises(UsageError, match=r"small\.vocab has changed"):
        linked(place, terms=place / "terms")
    (place / "small.vocab").unlink()
    with pytest.raises(UsageError, match=r"small\.vocab is gone; give --vocabulary"):
        linked(place, terms=place / "terms")


def test_every_term_has_controls_of_its_own_document(place):
    domain, found, terms = linked(place, vocabulary=place / "small.vocab")
    every = items(domain, found.mentions)
    controls = [item for item in every if item.kind == "control"]
    by_id = {item.id: item for item in terms}
    assert controls
    places = set()
    for control in controls:
        term = by_id[control.beside]
        assert control.document == term.document
        assert control.text == term.text
        assert not set(range(control.start, control.end)) & {
            at for t in terms if t.document == term.document for at in range(t.start, t.end)
        }
        spot = (control.document, control.start)
        assert spot not in places
        places.add(spot)


def test_controls_are_of_the_same_part_of_speech_where_a_model_tells(place):
    domain, found, _ = linked(place, vocabulary=place / "small.vocab")
    nouns = {"patient", "week", *(word for _, words in TOPICS.values() for word in words)}
    classes = {
        text.id: {at: "NOUN" if word.strip(".,;") in nouns else "OTHER" for at, word in _words(text.text)}
        for text in domain.texts
    }
    free = {item.name for item in items(domain, found.mentions) if item.kind == "control"}
    told = {item.name for item in items(domain, found.mentions, classes) if item.kind == "control"}
    assert "ruled" in free
    assert told <= {"patient", "week", "stroke"}


def _words(text):
    at = 0
    for word in text.split(" "):
        yield at, word
        at += len(word) + 1


def test_the_comparison_says_which(place, house, monkeypatch):
    import knowshift

    run = knowshift.compare(
        house / "base",
        house / "neuro_lora",
        domain=str(place / "domain"),
        vocabulary=place / "small.vocab",
        out=place / "run",
        lens=False,
    )
    assert run.result.mentions.startswith("scispaCy's linker over small.vocab")
    record = json.loads((place / "run" / "run.json").read_text())
    assert record["terms"]["vocabulary"]["path"] == str(place / "small.vocab")
    assert set(run.terms()["concept"]) <= {f"V:{word}" for _, words in TOPICS.values() for word in words}
    assert set(run.models["neuro_lora"].controls) == {"documents", "general"}
