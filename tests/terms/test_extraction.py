"""From corpus and vocabulary to a list of terms: evidence, the rule, files, edits, agreement, and the command."""

import json
import shutil

import numpy as np
import polars as pl
import pytest
from clinic import ENTRIES, NOTES, write_corpus, write_domain
from hypothesis import given
from hypothesis import strategies as st
from knowshift.errors import CorpusError, DomainError
from knowshift.terms.domain import Domain
from knowshift.terms.extraction.agreement import agreement, read_gold
from knowshift.terms.extraction.corpus import Corpus
from knowshift.terms.extraction.evidence import Evidence, combine
from knowshift.terms.extraction.extract import Extraction, ranked, sentence
from knowshift.terms.extraction.hierarchy import Hierarchy, Root, read_roots
from knowshift.terms.extraction.logodds import log_odds_z
from knowshift.terms.extraction.run import run_extraction
from knowshift.terms.vocabulary.compiled import Vocabulary, write
from knowshift.terms.vocabulary.entry import Entry


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("extraction")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KNOWSHIFT_CACHE", str(folder / "cache"))
        write_domain(folder / "clinic")
        write_corpus(folder / "notes.jsonl")
        write(ENTRIES, folder / "clinic.vocab", {"name": "clinic"})
        yield folder


def run(place, name, **options):
    options = {"domain": str(place / "clinic"), **options}
    return run_extraction([place / "notes.jsonl"], place / "clinic.vocab", place / name, **options)


@pytest.fixture(scope="module")
def extraction(place):
    run(place, "terms")
    return Extraction.open(place / "terms")


def test_each_specialty_has_its_terms(extraction):
    specialties = {term.name: term.specialties for term in extraction.terms}
    assert specialties["myocardial infarction"] == ("cardiology",)
    assert set(specialties["stroke"]) == {"cardiology", "neurology"}
    assert specialties["depression"] == ("psychiatry",)
    assert specialties["fatigue"] == ()
    assert "acute lymphoblastic leukemia" not in specialties  # "ALL SYSTEMS", "All limbs"
    basis = {term.name: term.basis for term in extraction.terms}
    assert (basis["stroke"], basis["depression"], basis["disease"]) == ("hierarchy", "types", "subtree")
    disease = next(term for term in extraction.terms if term.name == "disease")
    assert disease.common
    assert len(disease.specialties) == 4
    assert [term.name for term in ranked(extraction.terms, "gastroenterology")] == ["colitis"]


def test_counts_and_examples_are_those_of_the_corpus(extraction):
    by_name = {term.name: term for term in extraction.terms}
    infarction = by_name["myocardial infarction"]
    # "heart attack"; "Myocardial infarction (MI)", "the MI"; "MI was ruled out"; "myocardial infarction"
    assert (infarction.documents, infarction.mentions) == (4, 6)
    assert infarction.documents_by["cardiology"] == 4
    assert infarction.cuis == ("C0027051",)
    assert infarction.examples[0] == "Admitted with a heart attack."
    assert len(infarction.examples) == 3
    assert infarction.z["cardiology"] > 0 > infarction.z["neurology"]
    assert infarction.specificity > by_name["stroke"].specificity
    texts = {f"{label}-{n}": text for label, notes in NOTES.items() for n, text in enumerate(notes)}
    for row in extraction.mentions.to_pylist():
        assert texts[row["document"]][row["start"] : row["end"]] == row["text"]


def test_the_files_open_in_pandas_and_say_the_same(place, extraction):
    import pandas as pd

    csv, parquet = pd.read_csv(place / "terms" / "terms.csv"), pd.read_parquet(place / "terms" / "terms.parquet")
    assert csv["concept"].tolist() == parquet["concept"].tolist() == [term.concept for term in extraction.terms]
    assert csv["specialties"].fillna("").tolist() == ["|".join(names) for names in parquet["specialties"]]
    record = json.loads((place / "terms" / "extraction.json").read_text())
    assert record["counts"]["mentions"] == extraction.mentions.num_rows
    assert record["vocabulary"]["hash"] == Vocabulary.open(place / "clinic.vocab").hash


def test_the_corpus_speaks_where_nothing_else_does():
    silent = Entry("X", "x")
    z = {"cardiology": 3.0, "neurology": 2.0}
    assert combine(silent, Evidence(z=z, documents={"cardiology": 3, "neurology": 9})) == (("cardiology",), "corpus")
    assert combine(silent, Evidence(z=z, documents={"cardiology": 2, "neurology": 9})) == ((), "")
    none = Root("R", "eye disease", ())
    assert combine(silent, Evidence((none,), z=z, documents={"cardiology": 9})) == ((), "hierarchy")


def test_a_near_root_mends_a_far_one():
    entries = [
        Entry("1", "vessel disease"),
        Entry("2", "brain vessel disease", parents=("1",)),
        Entry("3", "stroke", parents=("2", "1")),
        Entry("4", "leg vein disease", parents=("1",)),
        Entry("5", "migraine with stroke", parents=("3", "6")),
        Entry("6", "headache"),
    ]
    roots = [Root("1", "", ("cardiology",)), Root("2", "", ("neurology",)), Root("6", "", ("pain",))]
    hierarchy = Hierarchy(Vocabulary.of(entries), roots)
    found = {entry.id: [root.id for root in hierarchy.roots(n)] for n, entry in enumerate(entries)}
    assert found == {"1": ["1"], "2": ["2"], "3": ["2"], "4": ["1"], "5": ["2", "6"], "6": ["6"]}


def test_roots_are_met_by_cross_reference_where_ids_are_anothers():
    entries = [Entry("C1", "heart disease", xrefs=("MSH:D006331",)), Entry("C2", "angina", parents=("C1",))]
    hierarchy = Hierarchy(Vocabulary.of(entries), [Root("MSH:D006331", "Heart Diseases", ("cardiology",))])
    assert [root.id for root in hierarchy.roots(1)] == ["MSH:D006331"]


counts = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.floats(0.1, 20)), min_size=2, max_size=12)


@given(counts)
def test_log_odds_against_the_papers_equations(rows):
    """Monroe et al. 2008, equations 15, 19 and 22, word by word; exchanging the groups changes the sign alone."""
    inside, outside, prior = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    n_i, n_j, a0 = inside.sum(), outside.sum(), prior.sum()
    z = log_odds_z(inside, outside, prior)
    for w, (yi, yj, a) in enumerate(zip(inside, outside, prior, strict=True)):
        delta = np.log((yi + a) / (n_i + a0 - yi - a)) - np.log((yj + a) / (n_j + a0 - yj - a))
        assert z[w] == pytest.approx(delta / np.sqrt(1 / (yi + a) + 1 / (yj + a)), rel=1e-9, abs=1e-9)
    assert np.allclose(log_odds_z(outside, inside, prior), -z)


def test_edits_win_and_are_kept_in_the_record(place, extraction):
    frame = pl.read_csv(place / "terms" / "terms.csv", infer_schema=False)
    edited = frame.filter(pl.col("name") != "fatigue").with_columns(
        drop=pl.when(pl.col("name") == "disease").then(pl.lit("x")).otherwise(pl.lit("")),
        specialties=pl.when(pl.col("name") == "stroke").then(pl.lit("neurology")).otherwise(pl.col("specialties")),
    )
    edited.write_csv(place / "edited.csv")
    done = run(place, "edited", edits=place / "edited.csv")
    names = {term.name: term for term in Extraction.open(place / "edited").terms}
    assert "fatigue" not in names
    assert "disease" not in names
    assert (names["stroke"].specialties, names["stroke"].basis) == (("neurology",), "edited")
    assert done.record["edits"]["reassigned"] == ["D:11"]
    assert set(done.record["edits"]["dropped"]) == {"D:1", "D:19"}
    assert len(names) == len(extraction.terms) - 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b\n1,2\n", "expected a list of terms with the columns concept and specialties"),
        ("", "expected a list of terms"),
        ("concept,specialties\nD:1,hepatology\n", r'row 2: unknown specialty "hepatology"; expected one of cardiology'),
        ("concept,specialties\nD:1,\nD:1,\n", r'row 3: "D:1" stands twice'),
    ],
)
def test_a_wrong_list_is_one_line(place, content, said):
    (place / "wrong.csv").write_text(content, encoding="utf-8")
    with pytest.raises(CorpusError, match=said):
        run(place, "wrong", edits=place / "wrong.csv")
    assert not (place / "wrong").exists()


def test_the_published_recipe_keeps_fewer_than_four_and_no_others(place, extraction):
    done = run(place, "recipe", recipe="smedqa")
    assert {term.name for term in extraction.terms} - {term.name for term in done.terms} >= {"disease", "fatigue"}
    assert all(0 < len(term.specialties) < 4 for term in done.terms)
    assert {term.basis for term in done.terms} == {"keywords"}  # no SNOMED or HPO in this vocabulary
    assert done.record["rule"] == "smedqa"


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([], "the corpus is empty"),
        ([{"id": "1", "text": ""}], 'line 1, field "text": expected text that is not empty'),
        ([{"id": "1", "text": "a"}, {"id": "1", "text": "b"}], 'document "1": another document has this id'),
        (
            [{"text": "a", "specialty": "hepatology"}],
            "unknown in domain clinic; say --map hepatology=NAME",
        ),
    ],
)
def test_a_wrong_corpus_is_one_line(place, records, said):
    path = place / "wrong.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    with pytest.raises(CorpusError, match=said) as error:
        Corpus.read([path], Domain.open(place / "clinic"))
    assert "\n" not in str(error.value)


def test_corpora_of_every_form(place, tmp_path):
    domain = Domain.open(place / "clinic")
    (tmp_path / "neuro").mkdir()
    (tmp_path / "neuro" / "a.txt").write_text("A stroke.", encoding="utf-8")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "b.txt").write_text("Nothing.", encoding="utf-8")
    labels = {"other": ["none"], "heart and lungs": ["cardio", "lungs"]}
    found = Corpus.read([tmp_path], domain, labels).documents
    assert [(d.id, d.specialties) for d in found] == [("neuro/a.txt", ("neurology",)), ("other/b.txt", ())]
    pl.DataFrame({"text": ["x"], "specialty": ["heart and lungs"]}).write_parquet(tmp_path / "one.parquet")
    found = Corpus.read([tmp_path / "one.parquet"], domain, labels).documents
    assert [(d.id, d.specialties) for d in found] == [("one-1", ("cardiology", "respiratory"))]
    question = {"Question": "What is a stroke?", "Specialty": "Neurology", "Options": ["a", "b"], "Answer": "a"}
    (tmp_path / "questions.json").write_text(json.dumps([question]), encoding="utf-8")
    found = Corpus.read([tmp_path / "questions.json"], domain).documents
    assert [(d.text, d.specialties) for d in found] == [("What is a stroke?", ("neurology",))]
    for wrong in (tmp_path / "nothing.txt", tmp_path / "gone.jsonl"):
        with pytest.raises(CorpusError, match=r"(?i)no such file"):
            Corpus.read([wrong], domain)


def test_sentences_are_whole_and_short():
    text = "One here. The stroke came\nlate! And more."
    at = text.index("stroke")
    assert sentence(text, at, at + 6) == "The stroke came late!"
    long = "word " * 200 + "stroke" + " word" * 200
    assert len(sentence(long, 1000, 1006)) < 340


def test_agreement_with_gold(place, extraction, tmp_path, probe):
    rows = extraction.mentions.to_pylist()
    gold = [{key: row[key] for key in ("document", "start", "end", "concept")} for row in rows]
    path = tmp_path / "gold.jsonl"

    def judged(records):
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
        return agreement(extraction.mentions, *read_gold(path))

    assert all(one.f1 == one.precision == one.recall == 1 for one in judged(gold).values())
    # one of the found is wrong, one that is there was not found
    first = {**gold[0], "concept": "D:999"}
    missed = {"document": gold[0]["document"], "start": 0, "end": 3, "concept": "D:1"}
    found = judged([first, missed, *gold[1:]])
    n = len(gold)
    assert (found["mentions"].precision, found["mentions"].recall) == (1, n / (n + 1))
    assert found["concepts"].right == n - 1
    assert found["concepts"].precision == (n - 1) / n
    wider = [{**row, "end": row["end"] + 1} for row in gold]
    assert (judged(wider)["mentions"].right, judged(wider)["overlapping"].right) == (0, n)
    alone = judged([row for row in gold if row["document"] == gold[0]["document"]])
    assert alone["mentions"].f1 == 1  # documents that gold does not know do not count
    assert judged([{"id": gold[0]["document"], "mentions": []}])["mentions"].precision == 0
    judged(gold)
    code, out, _ = probe("terms", "check", place / "terms", "--gold", path)
    assert code == 0
    assert "1.000" in out
    path.write_text('{"document": "a", "start": 5, "end": 2}\n', encoding="utf-8")
    with pytest.raises(CorpusError, match=r"line 1.*expected whole numbers 0 <= start < end"):
        read_gold(path)


def test_the_command_from_source_to_list(place, tmp_path, probe, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    source = tmp_path / "terms.jsonl"
    rows = [{"id": e.id, "name": e.name, "synonyms": e.aliases, "is_a": e.parents} for e in ENTRIES]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    code, out, _ = probe("terms", "vocabulary", source, "--out", tmp_path / "v.vocab")
    assert (code, f"{len(ENTRIES)} concepts" in out) == (0, True)
    given = ("--vocabulary", tmp_path / "v.vocab", "--domain", place / "clinic", "--out", tmp_path / "terms")
    code, out, _ = probe("terms", "extract", place / "notes.jsonl", *given)
    assert code == 0
    assert str(tmp_path / "terms" / "terms.csv") in out
    code, out, _ = probe("terms", "show", tmp_path / "terms", "--specialty", "neuro", "--domain", place / "clinic")
    assert code == 0
    assert all(name in out for name in ("stroke", "epilepsy", "multiple sclerosis"))
    # the same again replaces it; what is no extraction is left alone
    assert probe("terms", "extract", place / "notes.jsonl", *given)[0] == 0
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine", encoding="utf-8")
    code, _, err = probe("terms", "extract", place / "notes.jsonl", *given[:-1], tmp_path / "mine")
    assert (code, "is there already, and no extraction" in err) == (2, True)
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--types", ""], "--types: the list is empty"),
        (["--types", "T999"], "--types T999: no concept of the vocabulary is of this type"),
        (["--map", "neuro"], "--map neuro: expected LABEL=SPECIALTY"),
        (["--recipe", "other"], "--recipe other: no such recipe; expected smedqa"),
        (["--model", "en_core_sci_md"], "not installed; pip install https://"),
        (["--vocabulary", "notes.jsonl"], "not a compiled vocabulary"),
    ],
)
def test_a_wrong_option_is_one_line_and_leaves_nothing(place, probe, monkeypatch, options, said):
    monkeypatch.chdir(place)
    given = ["--vocabulary", "clinic.vocab", "--domain", "clinic", "--out", "never", *options]
    code, _, err = probe("terms", "extract", "notes.jsonl", *given)
    assert code == 2
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert not (place / "never").exists()
    assert not list(place.glob(".never*"))


def test_a_wrong_table_of_roots_is_one_line(place, tmp_path):
    domain = Domain.open(place / "clinic")
    for line, said in (("D:1\tx\thepatology", 'unknown specialty "hepatology"'), ("D:1 x y", "parted by tabs")):
        (tmp_path / "hierarchy.tsv").write_text(f"root\tname\tspecialties\n{line}\n", encoding="utf-8")
        with pytest.raises(DomainError, match=f"line 2: .*{said}"):
            read_roots(tmp_path / "hierarchy.tsv", domain)


def test_a_folder_that_is_no_extraction(tmp_path, place):
    with pytest.raises(CorpusError, match="not an extraction"):
        Extraction.open(tmp_path)
    shutil.copytree(place / "terms", tmp_path / "broken")
    (tmp_path / "broken" / "terms.parquet").write_bytes(b"PAR1")
    with pytest.raises(CorpusError, match=r"terms\.parquet: not a list of terms"):
        Extraction.open(tmp_path / "broken")
