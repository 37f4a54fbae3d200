"""The compiled vocabulary: what is looked up in it, and that its file is there whole or not at all."""

import json
import os
import subprocess
import sys
import time
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from knowshift.errors import VocabularyError
from knowshift.terms.vocabulary import layout
from knowshift.terms.vocabulary.compiled import Vocabulary, write
from knowshift.terms.vocabulary.entry import Entry, canonical, normal

HEART = [
    Entry("C0018799", "Heart Disease", ("Disorder of heart", "heart  disease"), ("T047",), "Of the heart.", (), ()),
    Entry("C0003811", "Arrhythmia", ("Dysrhythmia",), ("T046",), "", ("C0018799",), ("MSH:D001145",)),
    Entry("C0004238", "Atrial fibrillation", ("AF", "A-fib"), ("T046",), "", ("C0003811",), ("MSH:D001281",)),
    Entry("C0003864", "Arthritis", ("AF", "heart disease"), (), "", ("C9999999",), ("MSH:D001281", "UMLS:C0018799")),
]
ABOUT = {"name": "heart"}

text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12).filter(normal)


@st.composite
def vocabularies(draw):
    """Entries whose names share many spellings."""
    pool = draw(st.lists(text, min_size=1, max_size=8))
    pool += [name.upper() for name in pool] + [f" {name}\n" for name in pool]
    entries = []
    for n in range(draw(st.integers(1, 6))):
        name, *aliases = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=6, unique=True))
        parents = draw(st.lists(st.sampled_from([f"T:{k}" for k in range(8)]), max_size=3, unique=True))
        entries.append(Entry(f"T:{n}", name, tuple(aliases), parents=tuple(parents)))
    return entries


@given(vocabularies())
@settings(max_examples=60, deadline=None)
def test_every_spelling_is_found_by_any_other_of_the_same_name(entries):
    """Against a plain dictionary."""
    vocabulary = Vocabulary.of(entries)
    expected = {}
    for n, entry in enumerate(entries):
        for k, spelling in enumerate((entry.name, *entry.aliases)):
            expected.setdefault(normal(spelling), []).append((k > 0, n, k, spelling))
    for key, rows in expected.items():
        found = [(n, spelling) for _, n, _, spelling in sorted(rows)]
        for written in {key, *(spelling for *_, spelling in rows)}:
            assert vocabulary.named(written) == found
        after = f"{key} and more"
        assert vocabulary.prefixes(after) == sorted((k for k in expected if after.startswith(k)), key=len)
    assert vocabulary.longest == max(map(len, expected))
    assert list(vocabulary.aliases()) == [(s, n) for n, e in enumerate(entries) for s in (e.name, *e.aliases)]


@given(vocabularies())
@settings(max_examples=40, deadline=None)
def test_ancestors_are_those_a_graph_library_finds(entries):
    """Circles and parents that are not there included."""
    import networkx

    graph = networkx.DiGraph((entry.id, parent) for entry in entries for parent in entry.parents)
    graph.add_nodes_from(entry.id for entry in entries)
    graph.remove_nodes_from(set(graph) - {entry.id for entry in entries})
    vocabulary = Vocabulary.of(entries)
    for n, entry in enumerate(entries):
        above = networkx.descendants(graph, entry.id) - {entry.id}
        assert {vocabulary.entry(k).id for k in vocabulary.ancestors(n)} == above


def test_names_go_before_aliases_and_each_keeps_its_spelling():
    vocabulary = Vocabulary.of(HEART)
    assert vocabulary.named("HEART\tdisease") == [(0, "Heart Disease"), (0, "heart  disease"), (3, "heart disease")]
    assert vocabulary.named("af") == [(2, "AF"), (3, "AF")]
    assert vocabulary.named("heart") == [] == vocabulary.named("") == vocabulary.named("af\0")


def test_ids_and_codes_are_found_however_their_source_is_written():
    vocabulary = Vocabulary.of(HEART)
    for id in ("C0004238", "UMLS:C0004238", "UMLS_CUI:C0004238"):
        assert vocabulary.index(id) == 2
    assert vocabulary.index("MSH:D001281") is None
    assert vocabulary.index("C0000000") is None
    for code in ("MSH:D001281", "MESH:D001281", "mesh:D001281"):
        assert vocabulary.by_xref(code) == [2, 3]
    assert vocabulary.by_xref("UMLS:C0018799") == [0, 3]
    assert vocabulary.by_xref("MSH:D9") == []


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("C0004238", "UMLS:C0004238"),
        ("UMLS_CUI:C0004238", "UMLS:C0004238"),
        ("MESH:D001281", "MSH:D001281"),
        ("MeSH:D001281", "MSH:D001281"),
        ("MSH2010_2010_02_22:D1", "MSH:D1"),
        ("SNOMEDCT_US_2025_09_01:49436004", "SNOMEDCT_US:49436004"),
        ("SNOMEDCT_2010_1_31:49436004", "SNOMEDCT_US:49436004"),
        ("SCTID:49436004", "SNOMEDCT_US:49436004"),
        ("NCIT:C50466", "NCI:C50466"),
        ("ICD-10:I48", "ICD10:I48"),
        ("ICD10CM:I48.9", "ICD10CM:I48.9"),
        ("ICD11:123", "ICD11:123"),
        ("HP:0005110", "HP:0005110"),
        ("DOID:0060224", "DOID:0060224"),
        ("Fyler:1234", "Fyler:1234"),
        ("local-7", "local-7"),
    ],
)
def test_codes_have_one_form(written, code):
    assert canonical(written) == code
    assert canonical(code) == code


def test_an_entry_holds_each_value_once():
    entry = Entry.of(" X:1 ", " Flu", ["flu", "Flu", "flu ", ""], ["T047", "T047"], " d ", ["X:2"], ["MESH:1", "MSH:1"])
    assert entry == Entry("X:1", "Flu", ("flu",), ("T047",), "d", ("X:2",), ("MSH:1",))


def test_a_file_gives_back_what_was_written(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "BATCH", 3)
    monkeypatch.setattr("knowshift.terms.vocabulary.compiled.BATCH", 3)
    entries = [replace(HEART[n % 4], id=f"X:{n}") for n in range(10)]
    path = tmp_path / "new" / "heart.vocabulary"
    written, opened = write(iter(entries), path, ABOUT), Vocabulary.open(path)
    assert list(written) == list(opened) == entries == [opened.entry(n) for n in range(len(opened))]
    assert opened.about["name"] == "heart"
    assert opened.about["counts"] == {"concepts": 10, "aliases": sum(len(entry.aliases) for entry in entries)}
    assert [n for n, _ in opened.named("af")] == [2, 3, 6, 7]
    assert [path.name for path in path.parent.iterdir()] == [path.name]
    with pytest.raises(IndexError, match="no concept 10 in a vocabulary of 10"):
        opened.entry(10)
    with pytest.raises(IndexError):
        opened.entry(-1)


def test_the_same_entries_give_the_same_bytes(tmp_path):
    write(HEART, tmp_path / "one", ABOUT)
    write(list(HEART), tmp_path / "two", ABOUT)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_the_hash_is_the_content_s_and_not_the_layout_s(tmp_path, monkeypatch):
    hashes = {Vocabulary.of(HEART).hash, write(HEART, tmp_path / "v", ABOUT).hash}
    monkeypatch.setattr(layout, "BATCH", 2)
    hashes.add(write(HEART, tmp_path / "batches", {"name": "other"}).hash)
    assert len(hashes) == 1
    for field, value in {
        "name": "x",
        "aliases": ("x",),
        "definition": "x",
        "parents": ("x",),
        "xrefs": ("X:1",),
    }.items():
        hashes.add(Vocabulary.of([replace(HEART[0], **{field: value}), *HEART[1:]]).hash)
    assert len(hashes) == 6


def test_arrays_lie_aligned_in_the_file(tmp_path):
    """Arrow reads its buffers where they lie; zip's 64-bit header and the name make 64 bytes together."""
    write(HEART, tmp_path / "v", ABOUT)
    with zipfile.ZipFile(tmp_path / "v") as file:
        assert file.testzip() is None
        assert all(info.compress_type == zipfile.ZIP_STORED for info in file.infolist())
    assert (tmp_path / "v").read_bytes().find(b"ARROW1") == 64


def test_a_file_that_is_replaced_stays_open(tmp_path):
    path = tmp_path / "v"
    old = write(HEART, path, ABOUT)
    assert len(write(HEART[:1], path, ABOUT)) == 1
    assert list(old) == HEART


@pytest.mark.parametrize("error", [KeyboardInterrupt(), VocabularyError("a source broke"), MemoryError()])
def test_an_interrupted_write_leaves_nothing(tmp_path, error):
    def broken():
        yield HEART[0]
        raise error

    (tmp_path / "v").write_text("the old one")
    with pytest.raises(type(error)):
        write(broken(), tmp_path / "v", ABOUT)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"v": "the old one"}


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ([], "no concept to write"),
        ([*HEART, HEART[0]], "the id UMLS:C0018799 stands twice"),
        ([HEART[0], replace(HEART[1], id="UMLS_CUI:C0018799")], "the id UMLS:C0018799 stands twice"),
        ([*HEART, Entry("X:1", "a\0b")], r"the name or code 'a\\x00b' holds a NUL character"),
        ([replace(HEART[0], name=" \n")], "concept 'C0018799' has a blank name"),
        ([replace(HEART[0], definition="\ud800")], "concept 'C0018799': half of a surrogate pair"),
    ],
)
def test_what_is_no_vocabulary_is_not_written(tmp_path, entries, said):
    with pytest.raises(VocabularyError, match=said):
        write(entries, tmp_path / "v", ABOUT)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_opened_is_said_in_one_line(tmp_path):
    whole = write(HEART, tmp_path / "v", ABOUT)
    raw = (tmp_path / "v").read_bytes()
    at = raw.find(b"We love Marisa") + 200
    cases = {
        "nothing": b"",
        "text": b"id,name\n1,x\n",
        "cut": raw[: len(raw) // 2],
        "flipped": raw[:at] + bytes([raw[at] ^ 255]) + raw[at + 1 :],
    }
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(VocabularyError, match=f"{name}: not a compiled vocabulary, or a broken one; [^\n]*$"):
            Vocabulary.open(tmp_path / name)
    with zipfile.ZipFile(tmp_path / "npz", "w") as other:
        other.writestr("about.json", "{}")
    with pytest.raises(VocabularyError, match="not a compiled vocabulary"):
        Vocabulary.open(tmp_path / "npz")
    with zipfile.ZipFile(tmp_path / "later", "w") as later:
        later.writestr("about.json", json.dumps({**whole.about, "format": 99, "made_by": "9.0"}))
    with pytest.raises(VocabularyError, match=r"compiled in format 99 by knowshift 9.0, expected format 2; compile it"):
        Vocabulary.open(tmp_path / "later")
    with pytest.raises(VocabularyError, match="missing: cannot be read: No such file"):
        Vocabulary.open(tmp_path / "missing")
    with pytest.raises(VocabularyError, match="cannot be read: Is a directory"):
        Vocabulary.open(tmp_path)


def test_what_cannot_be_written_to_is_said_in_one_line(tmp_path):
    with pytest.raises(VocabularyError, match="is a folder; give the path of the file to write"):
        write(HEART, tmp_path, ABOUT)
    (tmp_path / "file").write_text("")
    with pytest.raises(VocabularyError, match=r"file/v: cannot be written \((File exists|Not a directory)\)"):
        write(HEART, tmp_path / "file" / "v", ABOUT)


def test_a_killed_writer_leaves_the_old_file(tmp_path):
    """A process that ends at once (out of memory) cannot clean up; the file itself is never half there."""
    write(HEART, tmp_path / "v", ABOUT)
    code = (
        "import os, sys; from pathlib import Path\n"
        "from knowshift.terms.vocabulary.compiled import Vocabulary, write\n"
        "old = Vocabulary.open(sys.argv[1])\n"
        "write((entry if n < 2 else os._exit(9) for n, entry in enumerate(old)), Path(sys.argv[1]), {})"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "v")], env=os.environ, check=False)
    assert done.returncode == 9
    assert list(Vocabulary.open(tmp_path / "v")) == HEART


@pytest.mark.heavy
def test_opening_and_looking_up_stay_quick(tmp_path):
    """2 s is what a million aliases may take to open; this is a tenth of them, and a tenth of the time."""
    path = tmp_path / "v"
    write((Entry(f"X:{n}", f"name {n}", (f"other {n}", f"Third {n}")) for n in range(33_000)), path, ABOUT)

    def seconds():
        begin = time.perf_counter()
        vocabulary = Vocabulary.open(path)
        assert vocabulary.named("third 32999") == [(32999, "Third 32999")]
        return time.perf_counter() - begin

    assert min(seconds() for _ in range(3)) < 0.2
