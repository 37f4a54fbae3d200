"""From sources to one compiled vocabulary: several merged, those that scispaCy hosts, and what is said of them."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from knowshift.errors import UsageError, VocabularyError
from knowshift.terms.vocabulary import scispacy_json, sources
from knowshift.terms.vocabulary.compiled import Vocabulary
from knowshift.terms.vocabulary.entry import Entry
from knowshift.terms.vocabulary.reading import Tally
from knowshift.terms.vocabulary.sources import compile, read
from vocabularies import MATERIALS, OBO, as_json, made, one_line, with_materials


def test_usage(tmp_path):
    (tmp_path / "t.csv").write_text("id,name\n1,a\n")
    table, release = tmp_path / "t.csv", made(tmp_path / "r")
    one_line(tmp_path, [], "no source of a vocabulary; expected a UMLS release folder")
    one_line(
        tmp_path, [tmp_path / "none.obo"], "none.obo: no such file or folder; expected .* umls, mesh, go, hpo, rxnorm"
    )
    one_line(tmp_path, [tmp_path], "no MRCONSO.RRF in the folder")
    (tmp_path / "rrf").mkdir()
    (tmp_path / "rrf" / "RXNCONSO.RRF").write_text("161|ENG||||||1||161||RXNORM|IN|161|Acetaminophen||N|4096|\n")
    for own in (tmp_path / "rrf", tmp_path / "rrf" / "RXNCONSO.RRF"):
        one_line(tmp_path, [own], r"RxNorm's own release .* is not read; give the UMLS release with --source RXNORM")
    one_line(tmp_path, [table, release], "too large to be merged with other sources")
    one_line(tmp_path, [table], "the filter sab means nothing to a source of this form .table.", sab=["MSH"])
    one_line(tmp_path, [release], "the filter scopes means nothing", scopes=["broad"])
    one_line(tmp_path, [release], 'unknown scope of synonyms "wide"', scopes=["wide"])
    one_line(tmp_path, [release], "no language is chosen", languages=[])
    one_line(tmp_path, [release], "no source is chosen", sab=[" "])
    with pytest.raises(UsageError, match=r"t.csv: is one of the sources"):
        compile([str(table)], table)
    assert table.read_text() == "id,name\n1,a\n"


def test_sources_meet_by_id(tmp_path):
    (tmp_path / "one.csv").write_text("id,name,parents\nT:2,arrhythmia,heart disorder\nT:02,other,root\n")
    (tmp_path / "two.obo").write_text(OBO)
    (tmp_path / "three.jsonl").write_text('{"id": "T:1", "label": "heart disorder", "definition": "later"}\n')
    tally = Tally()
    given = [str(tmp_path / name) for name in ("one.csv", "three.jsonl", "two.obo")]
    beat, other, heart = read(given, tally=tally)
    assert (heart.name, heart.aliases) == ("heart disorder", ("heart disease", "cardiac disease"))
    assert heart.definition == "later"
    assert (beat.name, beat.aliases, beat.parents) == ("arrhythmia", ("arrhythmia {any}",), ("T:1",))
    assert other.parents == ()
    assert tally.dropped["parents that are not there"] == 2


def test_a_parent_s_name_that_two_concepts_have_is_no_parent(tmp_path):
    (tmp_path / "t.csv").write_text("id,name,parents\n1,a,\n2,A,\n3,b,a\n4,c,2\n")
    tally = Tally()
    assert [entry.parents for entry in read([str(tmp_path / "t.csv")], tally=tally)] == [(), (), (), ("2",)]
    assert tally.dropped == {"parents whose name several concepts have": 1}


@pytest.mark.heavy
@with_materials
def test_disease_ontology_s_four_files_are_one_vocabulary(tmp_path):
    ontology = MATERIALS / "disease_ontology"
    given = [ontology / "HumanDO.tsv", ontology / "allXREFinDO.tsv", MATERIALS / "corpora" / "terms_doid_nci.jsonl"]
    given.append(ontology / "DO_rare_slim.obo")
    vocabulary = compile([str(path) for path in given], tmp_path / "do.vocabulary")
    assert list(Vocabulary.open(tmp_path / "do.vocabulary")) == list(vocabulary)
    found = {entry.id: entry for entry in vocabulary}
    labels = {line.split("\t")[0].strip('"') for line in given[0].read_text().splitlines()[1:]}
    assert len(found) == len(vocabulary) == len(labels | {"DOID:4"})
    sarcoma = found["DOID:0001816"]
    assert sarcoma.name == "angiosarcoma"
    assert "hemangiosarcoma" in sarcoma.aliases
    assert sarcoma.definition.startswith("A vascular cancer that derives_from")
    assert {"UMLS:C0018923", "NCI:C3088", "SNOMEDCT_US:39000009"} <= {*sarcoma.xrefs}
    above = {vocabulary.entry(n).name for n in vocabulary.ancestors(vocabulary.index("DOID:0001816"))}
    assert {"vascular cancer", "cancer", "disease"} <= above
    # Every concept but the root reaches it: labels named as parents were all found.
    root = vocabulary.index("DOID:4")
    assert [vocabulary.entry(n).id for n in range(len(vocabulary)) if root not in vocabulary.ancestors(n)] == ["DOID:4"]
    assert found["DOID:60002"] != found["DOID:0060002"]  # zeros count: the ontology has both
    rows = [line.replace('"', "").split("\t") for line in given[1].read_text().splitlines()[1:]]
    cuis = {(id, xref.removeprefix("UMLS_CUI:")) for id, _, xref in rows if xref.startswith("UMLS_CUI:")}
    assert all(vocabulary.index(id) in vocabulary.by_xref(cui) for id, cui in cuis)
    fever = found["DOID:0050052"]
    assert "DOID:1708" in fever.xrefs
    assert vocabulary.by_xref("DOID:1708")[0] == vocabulary.index("DOID:0050052")


def test_about_says_where_a_vocabulary_comes_from(tmp_path):
    vocabulary = compile([str(made(tmp_path / "2026AA"))], tmp_path / "v", languages=["eng", "SPA"])
    about = vocabulary.about
    assert about["name"] == "2026AA"
    assert about["sources"] == [{"name": "2026AA", "kind": "UMLS release"}]
    assert about["filters"] == {"languages": ["ENG", "SPA"], "sab": None, "keep_suppressed": False, "broader": False}
    assert about["counts"]["concepts"] == len(vocabulary) == 4
    assert about["counts"]["dropped"] == {
        "concepts without a name left": 2,
        "names in other languages": 1,
        "suppressed names": 2,
    }
    assert about["made_by"]


def test_compiling_twice_gives_the_same_bytes_wherever_the_source_lies(tmp_path):
    for place in ("one", "two"):
        compile([str(made(tmp_path / place / "release"))], tmp_path / place / "v")
    assert (tmp_path / "one" / "v").read_bytes() == (tmp_path / "two" / "v").read_bytes()


def test_progress_goes_up_to_its_total(tmp_path):
    said = []
    compile([str(made(tmp_path / "r", packed=["MRCONSO"]))], tmp_path / "v", progress=lambda *told: said.append(told))
    stages = {stage: [(done, total) for s, done, total in said if s == stage] for stage, _, _ in said}
    assert list(stages) == ["MRCONSO.RRF.gz, MB", "names"]
    for told in stages.values():
        assert told == sorted(told)
        assert told[-1][0] == told[-1][1]


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A server on this machine that hosts a knowledge base, where scispaCy is told to look for it."""
    import scispacy.file_cache
    from scispacy import linking_utils

    content = as_json([Entry("C0000001", "Heart", ("Cor",), ("T023",))], tmp_path / "kb.jsonl").read_bytes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/umls_hpo.jsonl" else 404)
            self.send_header("ETag", "1")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    at = f"http://127.0.0.1:{server.server_port}"
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(scispacy.file_cache, "DATASET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(scispacy.file_cache.cached_path, "__defaults__", (None,))
    for name, file in (("HumanPhenotypeOntology", "umls_hpo.jsonl"), ("Mesh", "gone.jsonl")):
        monkeypatch.setattr(getattr(linking_utils, name).__init__, "__defaults__", (f"{at}/{file}",))
    yield server
    server.shutdown()
    server.server_close()


def test_a_hosted_knowledge_base_comes_through_scispacy_s_loader(tmp_path, host, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    vocabulary = compile(["hpo"], "v")
    assert list(vocabulary) == [Entry("C0000001", "Heart", ("Cor",), ("T023",))]
    assert vocabulary.about["sources"] == [{"name": "hpo", "kind": "scispaCy's knowledge base"}]
    assert [path.suffix for path in (tmp_path / "cache").iterdir() if path.suffix != ".json"] == [".jsonl"]
    assert capsys.readouterr().out == ""
    with pytest.raises(
        VocabularyError, match=r"^mesh: scispaCy's knowledge base cannot be fetched \(OSError\); [^\n]*$"
    ):
        compile(["mesh"], "w")
    host.shutdown()
    host.server_close()
    with pytest.raises(VocabularyError, match=r"cannot be fetched \(Conn\w+\); connect to the network, or fetch http"):
        compile(["hpo"], "w")


def test_the_hosted_names_are_scispacy_s():
    from scispacy import linking_utils
    from scispacy.candidate_generation import DEFAULT_KNOWLEDGE_BASES

    ours = {name: getattr(linking_utils, kind) for name, kind in scispacy_json.HOSTED.items()}
    assert ours == DEFAULT_KNOWLEDGE_BASES


def test_a_file_goes_before_a_hosted_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("umls").write_text("x")
    with pytest.raises(VocabularyError, match="umls: unknown form"):
        sources.kind("umls")
