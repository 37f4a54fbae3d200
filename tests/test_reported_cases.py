"""Faults that once gave a wrong answer in silence, each with its right value; models' cases are in `tests/models/`."""

import gzip
import json
import unicodedata

import datasets
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from knowshift.models.checkpoint import label
from knowshift.models.template import Template
from knowshift.terms.domain import Domain
from knowshift.terms.select import items
from knowshift.terms.training import seen_in

HEAD = (
    'name = "mini"\ndescription = "made up"\nlicence = "CC0"\n[specialties.gastro]\nname = "Gastroenterology"\n'
    'aliases = ["Gastroentérologie"]\n[specialties.neuro]\nname = "Neurology"\n'
)
CUE, ANSWER = "first drug for absences is", "ethosuximide"


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def fact(id, cue, answer, wrong):
    return {
        "id": id,
        "cues": [cue],
        "answer": answer,
        "distractors": wrong,
        "specialties": ["neuro"],
        "relation": "drug",
    }


@pytest.fixture
def domain(tmp_path):
    folder = tmp_path / "dom"
    folder.mkdir()
    (folder / "domain.toml").write_text(HEAD, encoding="utf-8")
    write_lines(folder / "texts.jsonl", [{"id": "g1", "text": "He has heart failure.", "specialties": ["gastro"]}])
    facts = [
        fact("f2", "first drug for neuralgia is", "carbamazepine", ["mesalazine", "levodopa"]),
        fact("f3", CUE, ANSWER, ["carbamazepine", "omeprazole"]),
        fact("fa", "糖尿病的首选药物是", "二甲双胍", ["阿司匹林", "利多卡因"]),
    ]
    write_lines(folder / "facts.jsonl", facts)
    return folder


@pytest.fixture
def extract(tmp_path, domain, probe):
    """Finds the names of a vocabulary, {CUI: name}, in notes; returns the mentions."""

    def mentions(notes, names, *more):
        rows = [
            {"concept_id": cui, "canonical_name": name, "aliases": [], "types": ["T047"]} for cui, name in names.items()
        ]
        write_lines(tmp_path / "voc.jsonl", rows)
        assert probe("terms", "vocabulary", tmp_path / "voc.jsonl", "--out", tmp_path / "voc.vocab")[0] == 0
        where = ["--vocabulary", tmp_path / "voc.vocab", "--domain", domain, "--out", tmp_path / "terms"]
        code, _, err = probe("terms", "extract", notes, *where, *more)
        assert code == 0, err
        return pl.read_parquet(tmp_path / "terms" / "mentions.parquet").sort("document", "start")

    return mentions


def places(mentions):
    return mentions.select("document", "concept", "start", "end").rows()


def noted(tmp_path, texts):
    rows = [{"id": id, "text": text, "specialty": "gastro"} for id, text in texts.items()]
    return write_lines(tmp_path / "notes.jsonl", rows)


@pytest.mark.heavy
def test_typographic_punctuation(tmp_path, extract):
    texts = {
        "ascii": "He has Crohn's disease, Epstein-Barr virus infection and arthralgia.",
        "curly": "He has Crohn’s disease now.",
        "endash": "He has Epstein–Barr virus infection now.",
        "hyphen2010": "He has Epstein‐Barr virus infection now.",
        "hyphen2011": "He has Epstein‑Barr virus infection now.",
        "soft": "He has ar\u00adthralgia now.",
    }
    names = {"C0010346": "Crohn's disease", "C0149678": "Epstein-Barr virus infection", "C0003862": "Arthralgia"}
    assert places(extract(noted(tmp_path, texts), names)) == [
        ("ascii", "C0010346", 7, 22),
        ("ascii", "C0149678", 24, 52),
        ("ascii", "C0003862", 57, 67),
        ("curly", "C0010346", 7, 22),
        ("endash", "C0149678", 7, 35),
        ("hyphen2010", "C0149678", 7, 35),
        ("hyphen2011", "C0149678", 7, 35),
        ("soft", "C0003862", 7, 18),
    ]


@pytest.mark.heavy
def test_combining_accents_in_texts(tmp_path, extract):
    text = "He has Sjögren syndrome today."
    notes = noted(tmp_path, {"nfc": text, "nfd": unicodedata.normalize("NFD", text)})
    found = places(extract(notes, {"C1527336": "Sjögren syndrome"}))
    assert found == [("nfc", "C1527336", 7, 23), ("nfd", "C1527336", 7, 24)]


@pytest.mark.heavy
@pytest.mark.parametrize("more", [(), ("--map", "Gastroentérologie=gastro")])
def test_combining_accents_in_folder_names(tmp_path, extract, more):
    folder = tmp_path / "notes" / unicodedata.normalize("NFD", "Gastroentérologie")
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("He has heart failure.\n", encoding="utf-8")
    found = extract(tmp_path / "notes", {"C0018801": "Heart failure"}, *more)
    assert found["concept"].to_list() == ["C0018801"]
    counts = pl.read_parquet(tmp_path / "terms" / "terms.parquet")["documents_by"].to_list()
    assert counts == [[{"specialty": "gastro", "value": 1}]]


@pytest.mark.heavy
def test_an_abbreviation_defined_twice(tmp_path, extract):
    text = "Heart failure (HF) was found. Later hay fever (HF) was found. HF got worse."
    found = extract(noted(tmp_path, {"two": text}), {"C0018801": "Heart failure", "C0018621": "Hay fever"})
    abbreviations = {row["start"]: row for row in found.to_dicts() if text[row["start"] : row["end"]] == "HF"}
    assert abbreviations[15]["concept"] == "C0018801"
    assert (abbreviations[47]["concept"], abbreviations[47]["long_form"]) == ("C0018621", "hay fever")
    assert 62 not in abbreviations or abbreviations[62]["concept"] == "C0018621"


@pytest.mark.heavy
def test_a_saved_dataset_and_numbered_ids(tmp_path, extract):
    rows = [{"id": n, "text": f"He has heart failure, day {n}.", "specialty": "gastro"} for n in (1, 2)]
    datasets.Dataset.from_list(rows).save_to_disk(tmp_path / "saved")
    write_lines(tmp_path / "numbered.jsonl", rows)
    for notes in ("saved", "numbered.jsonl"):
        found = places(extract(tmp_path / notes, {"C0018801": "Heart failure"}))
        assert found == [("1", "C0018801", 7, 20), ("2", "C0018801", 7, 20)]


def exposure(domain, path):
    return {id.removeprefix("fact:"): level for id, level in seen_in(path, items(Domain.open(domain))).facts.items()}


EXACT = {"f2": "no", "f3": "exact", "fa": "no"}


def test_chinese_training_data(tmp_path, domain):
    (tmp_path / "train.txt").write_text("糖尿病的首选药物是二甲双胍。\n", encoding="utf-8")
    assert exposure(domain, tmp_path / "train.txt") == {"f2": "no", "f3": "no", "fa": "exact"}


def test_training_data_alpaca_json(tmp_path, domain):
    rows = [
        {"instruction": CUE, "input": "", "output": ANSWER},
        {"instruction": "for neuralgia", "input": "", "output": "hello"},
        {"instruction": "say carbamazepine", "input": "", "output": "carbamazepine"},
    ]
    (tmp_path / "train.json").write_text(json.dumps(rows, indent=1))
    assert exposure(domain, tmp_path / "train.json") == EXACT


def test_training_data_other_json_lines_endings(tmp_path, domain):
    write_lines(tmp_path / "train.JSONL", [{"instruction": CUE, "input": "", "output": ANSWER}])
    write_lines(tmp_path / "train.ndjson", [{"text": CUE.replace(" absences", "\nabsences") + f" {ANSWER}"}])
    assert exposure(domain, tmp_path / "train.JSONL") == exposure(domain, tmp_path / "train.ndjson") == EXACT


def test_training_data_parquet_and_gzip(tmp_path, domain):
    row = {"text": f"{CUE} {ANSWER}"}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "train.parquet")
    (tmp_path / "train.jsonl.gz").write_bytes(gzip.compress((json.dumps(row) + "\n").encode()))
    assert exposure(domain, tmp_path / "train.parquet") == exposure(domain, tmp_path / "train.jsonl.gz") == EXACT


def test_a_template_with_a_byte_order_mark(tmp_path):
    (tmp_path / "plain.txt").write_text("Question: {text}", encoding="utf-8")
    (tmp_path / "bom.txt").write_text("Question: {text}", encoding="utf-8-sig")
    plain, marked = (Template.parse(str(tmp_path / name)) for name in ("plain.txt", "bom.txt"))
    assert plain == marked == Template("file", "Question: ")


def test_a_snapshot_folder_and_a_link(tmp_path):
    snapshot = tmp_path / "models--acme--base" / "snapshots" / "0123456789abcdef0123456789abcdef01234567"
    snapshot.mkdir(parents=True)
    link = tmp_path / "link-to-base"
    link.symlink_to(snapshot)
    assert (label(snapshot, snapshot), label(link, link)) == ("base", "link-to-base")
