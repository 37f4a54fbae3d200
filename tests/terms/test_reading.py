"""The one reader of records: the same records from every form, packing and encoding."""

import csv
import gzip
import io
import json
import runpy
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from knowshift.errors import CorpusError, DomainError, UsageError
from knowshift.terms.domain import Domain
from knowshift.terms.items import Item
from knowshift.terms.reading.content import checked_encoding
from knowshift.terms.reading.formats import FORMATS, format_of
from knowshift.terms.reading.load import read_records
from knowshift.terms.records import Faults
from knowshift.terms.training import seen_in
from knowshift.terms.vocabulary.reading import Filters, Tally
from knowshift.terms.vocabulary.table import read as read_table

ROWS = [{"text": 'He said "no",\nthen left.', "label": "a;b\tc"}, {"text": "Crohn’s — ﬁne", "label": "é"}]


def read(path, **options):
    faults = Faults()
    found = [record.data for record in read_records(path, faults, **options)]
    faults.raise_any()
    return found


def written(form, rows):
    """The rows as text in a form."""
    if form in ("jsonl", "ndjson", "JSONL"):
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if form in ("json", "pretty.json"):
        return json.dumps(rows, ensure_ascii=False, indent=2 if form == "pretty.json" else None)
    if form == "wrapped.json":
        return json.dumps({"data": rows}, ensure_ascii=False)
    separator = {"csv": ",", "semicolons.csv": ";", "tsv": "\t"}[form]
    out = io.StringIO()
    table = csv.DictWriter(out, list(rows[0]), delimiter=separator, lineterminator="\r\n" if form == "csv" else "\n")
    table.writeheader()
    table.writerows(rows)
    return out.getvalue()


TEXT_FORMS = ("jsonl", "ndjson", "JSONL", "json", "pretty.json", "wrapped.json", "csv", "semicolons.csv", "tsv")


@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("form", TEXT_FORMS)
def test_every_form_packing_and_encoding_gives_the_same_records(tmp_path, form, encoding, packed):
    raw = written(form, ROWS).encode(encoding)
    path = tmp_path / f"rows.{form}{packed}"
    path.write_bytes(gzip.compress(raw) if packed else raw)
    declared = encoding if encoding == "utf-16-le" else None
    assert read(path, encoding=declared) == ROWS


cell = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=12).filter(str.strip)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.fixed_dictionaries({"id": cell, "text": cell}), min_size=1, max_size=4),
    st.sampled_from(TEXT_FORMS),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_random_records_survive_every_form(tmp_path, rows, form, encoding):
    path = tmp_path / f"rows.{form}"
    path.write_bytes(written(form, rows).encode(encoding))
    assert read(path) == rows


def test_parquet_is_known_by_its_content(tmp_path):
    table = pa.Table.from_pylist(ROWS)
    for name in ("rows.parquet", "rows.PARQUET", "rows.data"):
        pq.write_table(table, tmp_path / name)
        assert read(tmp_path / name) == ROWS
    (tmp_path / "rows.parquet.gz").write_bytes(gzip.compress((tmp_path / "rows.parquet").read_bytes()))
    assert read(tmp_path / "rows.parquet.gz") == ROWS


def test_datasets_saved_to_disk_and_cloned_from_the_hub(tmp_path):
    made = datasets.Dataset.from_list(ROWS)
    made.save_to_disk(tmp_path / "saved")
    datasets.DatasetDict({"train": made}).save_to_disk(tmp_path / "splits")
    clone = tmp_path / "clone"
    (clone / "data").mkdir(parents=True)
    made.to_parquet(clone / "data" / "train-00000-of-00001.parquet")
    (clone / "README.md").write_text("---\nlicense: mit\n---\n# A dataset\n")
    (clone / "LICENSE.txt").write_text("MIT")
    (clone / "dataset_infos.json").write_text("{}")
    assert read(tmp_path / "saved") == read(tmp_path / "splits") == read(clone) == ROWS


def test_an_undeclared_encoding_is_one_line_with_the_option(tmp_path):
    (tmp_path / "t.csv").write_bytes("id,text\n1,ok\n2,Ménière\n".encode("cp1252"))
    with pytest.raises(
        DomainError, match=r"t\.csv, line 3: not UTF-8; save the file as UTF-8, or .* --encoding cp1252"
    ):
        read(tmp_path / "t.csv")
    assert read(tmp_path / "t.csv", encoding="cp1252")[1] == {"id": "2", "text": "Ménière"}
    with pytest.raises(UsageError, match="--encoding klingon: no such encoding"):
        checked_encoding("klingon")


@pytest.mark.parametrize(("start", "name"), [(b"BZh9", "bzip2"), (b"PK\x03\x04", "zip"), (b"\xfd7zXZ\0", "xz")])
def test_a_form_that_is_not_read_is_named(tmp_path, start, name):
    (tmp_path / "rows.csv").write_bytes(start + b"...")
    with pytest.raises(CorpusError, match=f"rows.csv: is a {name}.* file, which is not read"):
        read(tmp_path / "rows.csv")


def test_broken_gzip_is_one_line(tmp_path):
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress(b'{"text": "a"}\n' * 100)[:30])
    with pytest.raises(CorpusError, match="broken gzip"):
        read(tmp_path / "rows.jsonl.gz")


def test_a_lone_quotation_mark_in_a_tab_separated_vocabulary(tmp_path):
    """It swallows no concept; a cell in quotes, even over two lines, is still one."""
    lines = ["id\tname", 'C1\t"Foo syndrome', "C2\tBar", 'C3\t5" tube', 'C4\t"a\tb"', 'C5\t"two', 'lines"', "C6\tend"]
    (tmp_path / "v.tsv").write_text("\n".join(lines) + "\n")
    names = {entry.id: entry.name for entry in read_table(tmp_path / "v.tsv", Filters(), Tally())}
    assert names == {"C1": '"Foo syndrome', "C2": "Bar", "C3": '5" tube', "C4": "a\tb", "C5": "two\nlines", "C6": "end"}


def test_a_record_is_numbered_by_where_it_stands(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"text": "a"}\n\n{"text": \n[1]\n')
    faults = Faults()
    assert [record.where for record in read_records(tmp_path / "t.jsonl", faults)] == [f"{tmp_path}/t.jsonl, line 1"]
    assert [fault.partition(": ")[0][-6:] for fault in faults.found] == ["line 3", "line 4"]


FACT = Item(
    "fact:f", "fact", ("s",), "f", "ethosuximide", "drug", ("first drug for absences is",), ("ethosuximide", "x")
)
PAIR = {"instruction": FACT.cues[0], "input": "", "output": "ethosuximide"}
OTHER = {"instruction": "say hello", "input": "", "output": "hello"}


@pytest.mark.parametrize(
    "name", ["t.json", "t.JSON", "t.jsonl", "t.JSONL", "t.ndjson", "t.csv", "t.parquet", "t.jsonl.gz"]
)
def test_training_data_of_any_form_is_read_record_by_record(tmp_path, name):
    path = tmp_path / name
    form = name.removeprefix("t.").removesuffix(".gz").lower()
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist([PAIR, OTHER]), path)
    else:
        raw = written({"json": "pretty.json"}.get(form, form), [PAIR, OTHER]).encode()
        path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    seen = seen_in(path, [FACT])
    assert seen.facts == {"fact:f": "exact"}
    assert seen.passages == 2


def test_two_records_of_a_json_list_are_never_together(tmp_path):
    (tmp_path / "t.json").write_text(json.dumps([{"text": "absences"}, {"text": "ethosuximide"}]))
    assert seen_in(tmp_path / "t.json", [FACT]).facts == {"fact:f": "no"}


def test_training_data_without_spaces(tmp_path):
    fact = Item("fact:c", "fact", ("s",), "c", "二甲双胍", "drug", ("糖尿病的首选药物是",), ("二甲双胍", "阿司匹林"))
    (tmp_path / "t.txt").write_text("糖尿病的首选药物是二甲双胍。\n", encoding="utf-8")
    assert seen_in(tmp_path / "t.txt", [fact]).facts == {"fact:c": "exact"}


def test_a_domain_with_byte_order_marks(tmp_path):
    head = 'name = "d"\ndescription = ""\nlicence = "MIT"\n[specialties.s]\nname = "S"\n'
    (tmp_path / "domain.toml").write_text(head, encoding="utf-8-sig")
    fact = {"id": 7, "cues": ["a"], "answer": "b", "distractors": ["c"], "specialties": ["s"], "relation": "r"}
    (tmp_path / "facts.jsonl").write_text(json.dumps(fact) + "\n", encoding="utf-8-sig")
    assert [one.id for one in Domain.open(tmp_path).facts] == ["7"]


def test_no_ending_stands_for_two_forms():
    endings = [suffix for form in FORMATS for suffix in form.suffixes]
    assert len(endings) == len(set(endings))
    assert all(format_of(Path(f"A.{suffix.upper()}.GZ")) for suffix in endings)


def test_the_docs_table_is_that_of_the_registry():
    made = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "formats.py"))
    text = made["PAGE"].read_text(encoding="utf-8")
    assert made["page"](text) == text, "run python docs/formats.py"
    assert all(f"`.{suffix}`" in text for form in FORMATS for suffix in form.suffixes)


def test_a_declared_encoding_reaches_every_reader(tmp_path, probe):
    (tmp_path / "v.csv").write_bytes("id,name\nC1,Ménière disease\n".encode("cp1252"))
    code, _, err = probe("terms", "vocabulary", tmp_path / "v.csv", "--out", tmp_path / "v")
    assert code == 2
    assert "--encoding cp1252" in err
    assert probe("terms", "vocabulary", tmp_path / "v.csv", "--out", tmp_path / "v", "--encoding", "cp1252")[0] == 0
    (tmp_path / "neurology").mkdir()
    (tmp_path / "neurology" / "note.txt").write_bytes("He has Ménière disease.".encode("cp1252"))
    arguments = ["terms", "extract", tmp_path, "--vocabulary", tmp_path / "v", "--out", tmp_path / "terms"]
    notes = [*arguments[:2], tmp_path / "neurology" / "note.txt", *arguments[3:], "--encoding", "cp1252"]
    code, out, err = probe(*notes)
    assert (code, "1 mentions of 1 concepts" in out) == (0, True), err
    (tmp_path / "train.txt").write_bytes("first drug for absences is ethosuximide, naïve".encode("cp1252"))
    assert seen_in(tmp_path / "train.txt", [FACT], "cp1252").facts == {"fact:f": "exact"}
