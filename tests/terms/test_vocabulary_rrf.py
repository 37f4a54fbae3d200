"""UMLS releases: read as scispaCy's own reader reads them, and what is broken in one is one clear line."""

import json
import os
import shutil

import pytest
from knowshift.errors import VocabularyError
from knowshift.terms.vocabulary.entry import Entry
from knowshift.terms.vocabulary.reading import Tally
from knowshift.terms.vocabulary.sources import read
from vocabularies import HEADERS, MATERIALS, RELEASE, as_json, made, one_line, with_materials


def by_scispacy(meta, **filters):
    """Concepts by scispaCy's own reader of the same files."""
    from scispacy.umls_utils import read_umls_concepts, read_umls_definitions, read_umls_types

    concepts = {}
    read_umls_concepts(str(meta), concepts, **filters)
    read_umls_types(str(meta), concepts)
    read_umls_definitions(str(meta), concepts)
    return concepts


def agrees(entries, concepts):
    """Names, aliases (each once), types and definitions are scispaCy's; so is the name where it chose one."""
    assert [entry.id for entry in entries] == list(concepts)
    for entry in entries:
        theirs = concepts[entry.id]
        names = {*theirs["aliases"], theirs.get("canonical_name", entry.name)}
        assert {entry.name, *entry.aliases} == names
        assert len(entry.aliases) == len(names) - 1
        assert entry.name == theirs.get("canonical_name", entry.name)
        assert list(entry.types) == theirs["types"]
        assert entry.definition == theirs.get("definition", "")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({}, {}),
        ({"languages": None}, {"lang": None}),
        ({"languages": ["SPA"]}, {"lang": "SPA"}),
        ({"sab": ["MSH"]}, {"source": "MSH"}),
        ({"sab": ["NCI"]}, {"source": "NCI"}),
        ({"keep_suppressed": True}, {"non_suppressed": False}),
    ],
)
def test_a_release_is_read_as_scispacy_reads_it(tmp_path, ours, theirs):
    entries = list(read([str(made(tmp_path))], **ours))
    concepts = by_scispacy(tmp_path / "META", **theirs)
    if ours.get("keep_suppressed"):  # scispaCy's reader of definitions has no such filter
        entries = [Entry(*(getattr(e, f) for f in ("id", "name", "aliases", "types"))) for e in entries]
        concepts = {id: {**concept, "definition": ""} for id, concept in concepts.items()}
    agrees(entries, concepts)


@with_materials
def test_the_umls_fixture_is_what_scispacy_s_reader_and_its_json_give(tmp_path):
    fixture = MATERIALS / "umls_fixture"
    through_rrf = list(read([str(fixture)]))
    agrees(through_rrf, by_scispacy(fixture))
    path = as_json(through_rrf, tmp_path / "kb.jsonl")
    plain = [Entry(e.id, e.name, e.aliases, e.types, e.definition) for e in through_rrf]
    assert list(read([str(path)])) == list(read([str(path.with_suffix(".json"))])) == plain
    published = {e.id: e for e in read([str(fixture / "umls_test_fixture.json")])}
    raw = json.loads((fixture / "umls_test_fixture.json").read_text())
    assert len(published) == len(raw)
    for row in raw:
        entry = published[row["concept_id"]]
        assert {entry.name, *entry.aliases} == {row["canonical_name"], *row["aliases"]}
    for entry in through_rrf:
        assert published[entry.id].name == entry.name
        assert {*entry.aliases} <= {*published[entry.id].aliases}


def test_names_codes_and_parents_of_a_release(tmp_path):
    tally = Tally()
    found = {entry.id: entry for entry in read([str(made(tmp_path))], tally=tally)}
    assert found["C0000001"] == Entry(
        "C0000001",
        "Heart Diseases",
        ("Heart disorder", "Cardiac Diseases"),
        ("T047",),
        "of the heart, by MeSH",
        (),
        ("NCI:C111", "MSH:D006331", "SNOMEDCT_US:56265001"),
    )
    assert found["C0000002"].parents == ("C0000001",)
    assert found["C0000002"].xrefs == ("HP:0011675",)
    assert found["C0000003"].name == "Rhythm Disorder"  # none is marked preferred: PT before SY
    assert found["C0000003"].parents == ("C0000002",)
    assert set(found) == {"C0000001", "C0000002", "C0000003", "C0000006"}
    assert tally.dropped == {"suppressed names": 2, "names in other languages": 2, "concepts without a name left": 2}
    assert tally.notes == []


def test_filters_of_a_release(tmp_path):
    release = str(made(tmp_path))
    wide = {entry.id: entry for entry in read([release], broader=True, keep_suppressed=True)}
    assert wide["C0000003"].parents == ("C0000002", "C0000006", "C0000001")
    assert "Old name" in wide["C0000001"].aliases
    assert "C0000005" in wide
    narrow = {entry.id: entry for entry in read([release], sab=["NCI"])}
    assert set(narrow) == {"C0000001", "C0000003"}
    assert narrow["C0000001"].xrefs == ("NCI:C111",)
    spanish = list(read([release], languages=["spa"]))
    assert [(entry.name, entry.xrefs[1]) for entry in spanish] == [("Cardiopatías", "MSH:D006331")]
    with pytest.raises(VocabularyError, match=r"everything was left out \(11 names of other sources, .*choose other"):
        list(read([release], sab=["ICPC"]))


def test_packed_files_and_missing_ones(tmp_path):
    whole = list(read([str(made(tmp_path / "a"))]))
    assert list(read([str(made(tmp_path / "b", packed=HEADERS) / "META")])) == whole
    tally = Tally()
    names = list(read([str(made(tmp_path / "c", {"MRCONSO": RELEASE["MRCONSO"]}))], tally=tally))
    assert [entry.name for entry in names] == [entry.name for entry in whole]
    assert not any(entry.types or entry.definition or entry.parents for entry in names)
    missing = (
        "MRSTY.RRF is missing: no types",
        "MRDEF.RRF is missing: no definitions",
        "MRREL.RRF is missing: no parents",
    )
    assert tuple(tally.notes) == missing


def broken(name, change):
    return lambda meta: (meta / name).write_bytes(change((meta / name).read_bytes()))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (broken("MRCONSO.RRF", lambda b: b[: b.rfind(b"Disease|")]), r"MRCONSO.RRF, line 13: 14 columns, expected 18"),
        (broken("MRCONSO.RRF", lambda b: b.decode().encode("latin-1")), r"MRCONSO.RRF, line 6: not UTF-8 \("),
        (broken("MRDEF.RRF", lambda b: b.replace(b"|N||\n", b"|N|\n", 1)), r"MRDEF.RRF, line 1: 7 columns, expected 8"),
        (broken("MRSTY.RRF", lambda b: b.replace(b"C0000003", b"C0000000")), r"MRSTY.RRF, line 4: C0000000 comes"),
        (broken("MRREL.RRF", lambda b: b.replace(b"2|A2|AUI|PAR", b"9|A2|AUI|PAR", 1)), r"MRREL.RRF, line 3: C0000002"),
        (broken("MRCONSO.RRF", lambda b: b"not|a|release\n"), r"line 1: 2 columns, expected 18"),
        (broken("MRCONSO.RRF", lambda b: b""), r": no concept in it"),
        (lambda meta: (meta / "MRCONSO.RRF").unlink(), r"no MRCONSO.RRF in the folder or its META; expected a UMLS"),
    ],
)
def test_a_broken_release_is_one_clear_line(tmp_path, spoil, said):
    spoil(made(tmp_path / "r") / "META")
    one_line(tmp_path, [tmp_path / "r"], said)


@pytest.mark.skipif(not shutil.which("sort"), reason="no sort command")
@pytest.mark.parametrize("packed", [(), ("MRCONSO",)])
def test_the_command_that_is_said_sorts_the_file(tmp_path, packed):
    expected = list(read([str(made(tmp_path / "sorted"))]))
    rows = RELEASE["MRCONSO"].strip().split("\n")
    mixed = "\n".join(rows[6:] + rows[:6])
    folder = made(tmp_path / "it's mixed", {**RELEASE, "MRCONSO": mixed}, packed)
    said = one_line(tmp_path, [folder], "C0000001 comes after C0000006; sort the file: ")
    assert os.system(said.partition("sort the file: ")[2]) == 0
    assert list(read([str(folder)])) == expected


def test_cut_gzip_is_one_clear_line(tmp_path):
    meta = made(tmp_path / "r", packed=["MRCONSO"]) / "META"
    path = meta / "MRCONSO.RRF.gz"
    path.write_bytes(path.read_bytes()[:-30])
    one_line(tmp_path, [tmp_path / "r"], "MRCONSO.RRF.gz: broken gzip .*; fetch the file again")
