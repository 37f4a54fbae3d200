"""Mentions by the scispaCy pipeline: offsets, abbreviations, ties, types, case; and the candidates behind them."""

import numpy as np
import pytest
from clinic import ENTRIES
from hypothesis import given, settings
from hypothesis import strategies as st
from knowshift.errors import UsageError
from knowshift.storage import cache_folder
from knowshift.terms.extraction import neighbours
from knowshift.terms.extraction.corpus import Corpus, Document
from knowshift.terms.extraction.linker import Linker
from knowshift.terms.extraction.linking import LinkerSettings
from knowshift.terms.extraction.mentions import by_document, mentions
from knowshift.terms.vocabulary.compiled import Vocabulary
from knowshift.terms.vocabulary.entry import Entry


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KNOWSHIFT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def vocabulary():
    return Vocabulary.of(ENTRIES)


@pytest.fixture(scope="module")
def linker(vocabulary):
    return Linker(vocabulary, LinkerSettings())


def linked(linker, text):
    return [(text[m.start : m.end], m.concept) for m in next(linker.mentions([text]))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "A heart attack, then a Myocardial\nInfarction.",
            [("heart attack", "D:10"), ("Myocardial\nInfarction", "D:10")],
        ),
        # what the text says of its own letters goes before what the vocabulary knows under them
        ("Mitral stenosis (MS). MS is severe.", [("Mitral stenosis", "D:14"), ("MS", "D:14"), ("MS", "D:14")]),
        ("multiple sclerosis (MS); MS", [("multiple sclerosis", "D:13"), ("MS", "D:13"), ("MS", "D:13")]),
        ("all of them, All, had ALL yesterday", [("ALL", "D:16")]),
        ("REVIEW OF SYSTEMS: ALL OTHER SYSTEMS NEGATIVE", []),
        ("two seizures, one seizure disorder", [("seizures", "D:21"), ("seizure disorder", "D:12")]),
        ("a word (disorder) in brackets, disorder", []),
        ("", []),
        (" \n ", []),
    ],
)
def test_what_is_linked(linker, text, found):
    assert linked(linker, text) == found


def test_a_tie_is_reported(linker):
    (found,) = next(linker.mentions(["He has MS."]))
    assert (found.concept, found.ties, found.score) == ("D:13", ("D:14",), 1.0)


def test_a_defined_abbreviation_names_its_long_form(linker):
    text = "An acute myocardial  infarction (AMI), an AMI; chronic obstructive pulmonary disease (COPD)"
    found = {text[m.start : m.end]: m for m in next(linker.mentions([text]))}
    assert found["COPD"].long_form == "chronic obstructive pulmonary disease"
    assert found["COPD"].concept == "D:17"
    assert "AMI" not in found  # its long form is no name of the vocabulary, nor near enough to one


def test_near_names_are_linked_above_the_threshold(vocabulary):
    text = "Chronic obstructive pulmonal disease (CPD) made CPD worse."
    broad = [("disease", "D:1")]
    assert linked(Linker(vocabulary, LinkerSettings(threshold=0.8)), text) == [*broad, ("CPD", "D:17"), ("CPD", "D:17")]
    assert linked(Linker(vocabulary, LinkerSettings(threshold=0.99)), text) == broad


def test_types_are_a_filter(vocabulary):
    text = "depression and stroke"
    only = Linker(vocabulary, LinkerSettings(types=("T048",)))
    assert linked(only, text) == [("depression", "D:18")]
    assert linked(Linker(vocabulary, LinkerSettings()), text) == [("depression", "D:18"), ("stroke", "D:11")]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (LinkerSettings(types=()), "--types: the list is empty"),
        (LinkerSettings(types=("T999",)), "--types T999: no concept of the vocabulary is of this type; it has T047"),
        (LinkerSettings(threshold=0), "--threshold 0: expected a similarity"),
        (LinkerSettings(threshold=1.5), "--threshold 1.5"),
        (
            LinkerSettings(model="en_core_sci_sm"),
            r"--model en_core_sci_sm: not installed; pip install https://.*/en_core_sci_sm-0.5.4.tar.gz$",
        ),
        (LinkerSettings(model="no/such/pipeline"), "--model no/such/pipeline: no such spaCy pipeline"),
    ],
)
def test_what_cannot_be_meant_is_one_line(vocabulary, settings, said):
    with pytest.raises(UsageError, match=said) as error:
        Linker(vocabulary, settings)
    assert "\n" not in str(error.value)


NAMES = sorted({name for entry in ENTRIES for name in (entry.name, *entry.aliases)} | {"AMI", "(MS)", "(COPD)"})
PIECES = st.one_of(
    st.sampled_from(NAMES), st.text(max_size=6), st.sampled_from([" ", "  ", "\n", "\r\n", "\t", ". ", "-"])
)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_offsets_are_the_documents_own_characters(linker, text):
    end = 0
    for mention in next(linker.mentions([text])):
        assert end <= mention.start < mention.end <= len(text)
        said, end = text[mention.start : mention.end], mention.end
        if not mention.long_form:
            names = {
                " ".join(n.casefold().split()) for e in ENTRIES if e.id == mention.concept for n in (e.name, *e.aliases)
            }
            plain = " ".join(said.casefold().split())
            assert plain in names or plain.removesuffix("s") in names


def test_the_table_holds_the_texts_of_its_places_and_is_read_from_the_cache(vocabulary, monkeypatch):
    texts = ["A stroke (CVA).", "Ménière's, then a Heart\u00a0Attack 🙂 and MS\u2028and multiple sclerosis."]
    corpus = Corpus(tuple(Document(str(n), text) for n, text in enumerate(texts)))
    table = mentions(corpus, vocabulary, LinkerSettings())
    rows = table.to_pylist()
    assert [row["concept"] for row in rows] == ["D:11", "D:10", "D:13", "D:13"]
    assert all(texts[int(row["document"])][row["start"] : row["end"]] == row["text"] for row in rows)
    monkeypatch.setattr(Linker, "mentions", None)
    assert mentions(corpus, vocabulary, LinkerSettings()).equals(table)
    assert by_document(table)["1"][1].ties == ("D:14",)
    with pytest.raises(TypeError):  # another setting is another question
        mentions(corpus, vocabulary, LinkerSettings(threshold=0.9))


def test_an_acronym_counts_only_where_the_corpus_spells_it_out(vocabulary):
    def found(*texts):
        corpus = Corpus(tuple(Document(str(n), text) for n, text in enumerate(texts)))
        return mentions(corpus, vocabulary, LinkerSettings())["text"].to_pylist()

    assert found("An MI.") == []
    assert found("An MI.", "A heart attack.") == ["MI", "heart attack"]


def test_a_broken_cache_is_computed_anew(vocabulary):
    corpus = Corpus((Document("one", "A stroke, quite alone."),))
    first = mentions(corpus, vocabulary, LinkerSettings())
    for kept in (cache_folder() / "mentions").glob("*.parquet"):
        kept.write_bytes(kept.read_bytes()[:-20])
    assert mentions(corpus, vocabulary, LinkerSettings()).equals(first)


def test_nearest_neighbours_are_exact_and_the_approximate_index_agrees(monkeypatch, tmp_path):
    """Against numpy on the full matrix; the approximate index (for large vocabularies) finds nearly all of them."""
    rng = np.random.default_rng(0)
    parts = ["cardio", "neuro", "gastro", "pathy", "itis", "osis", "acute", "chronic", "renal", "hepatic", "edema"]
    names = sorted({" ".join(rng.choice(parts, 3)) for _ in range(700)})
    vocabulary = Vocabulary.of([Entry(f"X:{n}", name) for n, name in enumerate(names)])
    queries = [name[:-1] for name in names[:40]]
    exact, vectorizer, spellings = neighbours.open_index(vocabulary)
    similar = (vectorizer.transform(queries) @ vectorizer.transform(spellings).T).toarray()
    answers = exact.knnQueryBatch(vectorizer.transform(queries), k=10)
    for row, (places, distances) in zip(similar, answers, strict=True):
        assert np.allclose(np.sort(row)[::-1][:10], 1 - distances, atol=1e-6)
        assert np.allclose(row[places], 1 - distances, atol=1e-6)
    monkeypatch.setattr(neighbours, "EXACT", 10)
    monkeypatch.setenv("KNOWSHIFT_CACHE", str(tmp_path / "approximate"))
    for _ in range(2):  # built, then from the cache
        near, _, _ = neighbours.open_index(vocabulary)
        assert not isinstance(near, neighbours.ExactIndex)
        found = near.knnQueryBatch(vectorizer.transform(queries), k=10)
        hits = [row[ids[0]] >= row.max() - 1e-5 for row, (ids, _) in zip(similar, found, strict=True)]
        assert np.mean(hits) > 0.9


def test_a_pipeline_of_the_users_own_brings_spans_and_negation(vocabulary, tmp_path):
    import spacy
    from spacy.tokens import Span

    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "PROBLEM", "pattern": "severe stroke"}, {"label": "PROBLEM", "pattern": "Epilepsy"}])
    nlp.to_disk(tmp_path / "pipeline")
    linker = Linker(vocabulary, LinkerSettings(model=str(tmp_path / "pipeline"), threshold=0.5))
    text = "Epilepsy and a severe stroke, no colitis."
    assert linked(linker, text) == [("Epilepsy", "D:12"), ("severe stroke", "D:11")]
    Span.set_extension("is_negated", default=True)
    try:
        assert [m.negated for m in next(linker.mentions([text]))] == [True, True]
    finally:
        Span.remove_extension("is_negated")
    assert [m.negated for m in next(linker.mentions([text]))] == [None, None]
