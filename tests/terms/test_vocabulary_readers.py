"""OBO, tables and scispaCy's JSON: each form gives the same concepts, and what is broken is one clear line."""

import gzip
import json

import pytest
from knowshift.terms.vocabulary.entry import Entry, canonical
from knowshift.terms.vocabulary.reading import Tally
from knowshift.terms.vocabulary.sources import read
from vocabularies import MATERIALS, OBO, one_line, with_materials


def test_obo(tmp_path):
    (tmp_path / "t.obo").write_text(OBO)
    tally = Tally()
    heart, beat = read([str(tmp_path / "t.obo")], tally=tally)
    codes = ("T:7", "UMLS:C0018799", "MSH:D006331")
    assert heart == Entry("T:1", "heart disease", ("cardiac disease",), (), 'Any "cardiac" disorder.', (), codes)
    assert beat == Entry("T:2", "arrhythmia {any}", parents=("T:1",))
    assert tally.dropped == {"obsolete concepts": 1, "parents that are not there": 1}
    assert tally.notes == ["t.obo: 2026-01-01"]
    wide = next(read([str(tmp_path / "t.obo")], scopes=["related", "broad"]))
    assert wide.aliases == ("heart trouble", "cardiopathy")


@with_materials
def test_obo_agrees_with_the_lines_of_a_real_file():
    """Against the same lines, taken apart in the plainest way."""
    path = MATERIALS / "disease_ontology" / "DO_rare_slim.obo"
    stanzas = [s.splitlines() for s in path.read_text().split("\n\n") if s.startswith("[Term]")]
    live = [s for s in stanzas if "is_obsolete: true" not in s]
    found = list(read([str(path)]))
    assert [entry.id for entry in found] == [line[4:] for s in live for line in s if line.startswith("id: ")]
    assert [entry.name for entry in found] == [line[6:] for s in live for line in s if line.startswith("name: ")]
    ids = {entry.id for entry in found}
    for entry, stanza in zip(found, live, strict=True):
        exact = [line.split('"')[1] for line in stanza if line.startswith("synonym:") and '" EXACT' in line]
        assert {*entry.aliases} == {*exact} - {entry.name}
        above = [line.split()[1] for line in stanza if line.startswith("is_a:")]
        assert list(entry.parents) == [id for id in above if id in ids]
        codes = {canonical(line.split()[1]) for line in stanza if line.startswith(("xref:", "alt_id:"))}
        assert {*entry.xrefs} == codes


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (OBO.replace("id: T:2", "id: T:1"), r"t.obo, line 16: T:1 is already the id of line 5; remove one"),
        (OBO.replace("T:99", "T:2"), r"runs in a circle: T:2 \(arrhythmia {any}\) is_a T:2 \(arrhythmia"),
        (
            OBO.replace("is_a: T:99", "is_a: T:1").replace("alt_id: T:7", "is_a: T:2"),
            r"circle: T:(1|2) \(.*\) is_a T:(2|1) \(.*\) is_a T:\1 \(.*remove one of these is_a",
        ),
        (OBO.replace("EXACT abb", "EXAKT abb"), r'line 10: unknown scope "exakt"; expected one of: EXACT, NARROW'),
        (OBO.replace('"cardiopathy"', "cardiopathy"), r'line 12: expected synonym: "text" in quotes, found'),
        (OBO.replace("id: T:2\n", ""), r"line 16: a \[Term\] without id"),
        (OBO.replace("xref: MESH:D006331", "xref MESH"), r'line 14: expected "tag: value", found'),
        ("", "no .Term. in it"),
        ("<rdf:RDF>\n", "no .Term. in it"),
    ],
)
def test_a_broken_obo_is_one_clear_line(tmp_path, content, said):
    (tmp_path / "t.obo").write_text(content)
    one_line(tmp_path, [tmp_path / "t.obo"], said)


ROWS = [
    {
        "id": "T:1",
        "name": "heart disease",
        "synonyms": ["cardiac disease", "cor"],
        "umls_cui": ["C0018799"],
        "is_a": [],
    },
    {"id": "T:2", "name": "arrhythmia", "synonyms": [], "umls_cui": [], "is_a": ["Heart  disease"]},
]
TABLED = [
    Entry("T:1", "heart disease", ("cardiac disease", "cor"), xrefs=("UMLS:C0018799",)),
    Entry("T:2", "arrhythmia", parents=("T:1",)),
]


def test_a_table_in_all_its_forms(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n\n" for row in ROWS))
    (tmp_path / "t.json").write_text("\n" + json.dumps(ROWS, indent=2))
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "t.parquet")
    plain = "\ufeffID,Name,Synonyms,UMLS CUI,subClassOf\nT:1,heart disease,cardiac disease|cor,C0018799,\n\n"
    plain += 'T:2,"arrhythmia",,,"Heart\n disease"\n'
    (tmp_path / "t.csv").write_text(plain)
    (tmp_path / "t.tsv").write_text(plain.replace(",", "\t"))
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(plain.encode()))
    for name in ("t.jsonl", "t.json", "t.parquet", "t.csv", "t.tsv", "t.csv.gz"):
        assert list(read([str(tmp_path / name)])) == TABLED, name


def test_rows_of_one_id_are_one_concept(tmp_path):
    (tmp_path / "long.tsv").write_text(
        "id\tlabel\txref\tdef\nT:1\tflu\tMESH:D1\t\nT:2\tcold\tMESH:D3\t\nT:1\tflu\tUMLS_CUI:C0000001\tA virus.\n"
    )
    flu, cold = read([str(tmp_path / "long.tsv")])
    assert flu == Entry("T:1", "flu", definition="A virus.", xrefs=("MSH:D1", "UMLS:C0000001"))
    assert cold.xrefs == ("MSH:D3",)


def test_a_table_of_cuis_needs_no_other_id(tmp_path):
    (tmp_path / "t.csv").write_text("cui,preferred_name,tui\nC0000001,flu,T047|T048\n")
    assert list(read([str(tmp_path / "t.csv")])) == [
        Entry("C0000001", "flu", types=("T047", "T048"), xrefs=("UMLS:C0000001",))
    ]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.csv", "", "t.csv: no concept in it"),
        ("t.csv", "id,name\n", "t.csv: no concept in it"),
        ("t.jsonl", "\n", "t.jsonl: no concept in it"),
        ("t.csv", "code,name\n1,x\n", r"line 1: no column for the id; expected id, concept_id; found 'code', 'name'"),
        ("t.csv", "id,name\n1,x,y\n", "line 2: 3 cells; expected 2 as in the first line"),
        ("t.csv", "id,name\n1,a\n2,\n", "line 3: no name; expected one in every row"),
        ("t.csv", 'id,name\n1,"a\n2,b\n', "line 2: unexpected end of data; expected cells quoted as in CSV"),
        ("t.csv", "id,name\n1,a\n2,b\n1,c\n", 't.csv, line 4: 1 is named "c", but "a" in line 2; expected one name'),
        ("t.csv", b"id,name\n1,a\n2,M\xe9ni\xe8re\n", "t.csv, line 3: not UTF-8"),
        ("t.csv", "id,name,parents\n1,a,2\n2,b,1\n", "the hierarchy runs in a circle"),
        ("t.jsonl", '{"id": 1, "name": "a"}\n{"id": 2}\n', "line 2: no column for the name; expected name, label"),
        ("t.jsonl", '{"id": "1", "name": "a", "aliases": [["b"]]}', r'field "aliases": expected text or a list of te'),
        ("t.jsonl", '{"id": "1", "name": "a"}\n["1"]\n', "line 2: expected a record {...}, found list"),
        ("t.jsonl", '{"id": "1"\n', "line 1: expected JSON, one record a line or one list of records: "),
        ("t.json", '[{"id": "1", "name": "a"}', "t.json: expected JSON"),
        ("t.json", '[["1"]]', "record 1: expected a record {...}, found list"),
        ("t.jsonl", '{"id": "1", "name": "\\ud800"}', "concept '1': half of a surrogate pair"),
        ("t.jsonl", '{"concept_id": "C1", "canonical_name": null}', 'field "canonical_name": expected text'),
        ("t.jsonl", '{"concept_id": "C1", "aliases": []}', 'field "canonical_name": expected text, found None'),
        ("t.parquet", "PK", "t.parquet: expected a parquet file"),
        ("t.owl", "x", "t.owl: unknown form; expected a UMLS release folder, .obo, .csv"),
        ("MRCONSO.RRF", "x", "that is one file of a release: give its folder"),
    ],
)
def test_a_broken_file_is_one_clear_line(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    one_line(tmp_path, [tmp_path / name], said)


def test_concepts_twice_in_scispacy_s_json(tmp_path):
    row = '{"concept_id": "C0000001", "canonical_name": "a", "aliases": [], "types": []}\n'
    (tmp_path / "kb.jsonl").write_text(row + row)
    one_line(tmp_path, [tmp_path / "kb.jsonl"], "the id UMLS:C0000001 stands twice")
