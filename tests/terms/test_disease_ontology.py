"""The Disease Ontology over the questions of S-MedQA validation: real names in real texts."""

import json
import os
from pathlib import Path

import pytest
from knowshift.terms.domain import Domain
from knowshift.terms.extraction.corpus import Corpus
from knowshift.terms.extraction.extract import extract, ranked
from knowshift.terms.extraction.hierarchy import roots_of
from knowshift.terms.vocabulary.sources import compile

MATERIALS = Path(os.environ.get("KNOWSHIFT_MATERIALS", "/nowhere"))
SOURCES = (
    "disease_ontology/HumanDO.tsv",
    "disease_ontology/allXREFinDO.tsv",
    "corpora/terms_doid_nci.jsonl",
    "disease_ontology/DO_rare_slim.obo",
)
QUESTIONS = MATERIALS / "smedqa" / "S-MedQA_validation.json"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not QUESTIONS.is_file(), reason="KNOWSHIFT_MATERIALS is not set"),
]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ontology")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KNOWSHIFT_CACHE", str(folder / "cache"))
        vocabulary = compile([str(MATERIALS / source) for source in SOURCES], folder / "do.vocab")
        domain = Domain.open("medicine")
        corpus = Corpus.read([QUESTIONS], domain)
        return domain, extract(corpus, vocabulary, domain, roots_of("medicine", domain))


def test_every_mention_is_the_questions_own_characters(done):
    texts = [record["Question"] for record in json.loads(QUESTIONS.read_text(encoding="utf-8"))]
    rows = done[1].mentions.to_pylist()
    assert len(rows) > 800
    for row in rows:
        assert texts[int(row["document"].rpartition("-")[2]) - 1][row["start"] : row["end"]] == row["text"]


def test_every_specialty_has_terms_and_those_one_would_name(done):
    domain, extraction = done
    names = {s: {term.name for term in ranked(extraction.terms, s)} for s in domain.specialties}
    assert all(len(found) >= 3 for found in names.values())
    assert {"hypertension", "atrial fibrillation", "myocardial infarction"} <= names["cardiology"]
    assert {"stroke", "migraine", "epilepsy"} <= names["neurology"]
    assert {"Crohn's disease", "liver cirrhosis"} <= names["gastroenterology"]
    assert {"asthma", "chronic obstructive pulmonary disease"} <= names["respiratory_medicine"]
    assert {term.name for term in extraction.terms if term.common} >= {"disease", "syndrome"}


def test_everyday_words_are_no_acronyms(done):
    """ "all" is acute lymphoblastic leukemia, "as" Angelman syndrome, "ms" and "pa" are diseases too."""
    said = {row["text"] for row in done[1].mentions.to_pylist()}
    assert not said & {"all", "All", "ALL", "as", "As", "AS", "a", "was", "am", "cm", "go", "he", "an"}
