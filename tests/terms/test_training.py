"""What stood in the training data is found there, whatever its form, and nothing else is."""

import json
import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from knowshift.errors import UsageError
from knowshift.terms.domain import Concept, Domain, Fact, Specialty, Text
from knowshift.terms.select import items
from knowshift.terms.training import seen_in, words_of

LETTER = (
    "The patient was seen for seizure after a long night in the ward and slept well until the morning round began "
    "with three new admissions from the district hospital."
)
DOMAIN = Domain(
    "toy",
    specialties={"neuro": Specialty("neuro", "Neurology")},
    concepts=(Concept("C1", "seizure"), Concept("C2", "status epilepticus"), Concept("C3", "chorea")),
    texts=(
        Text("t1", LETTER, ("neuro",)),
        Text(
            "t2", "A second letter about chorea and about nothing else that anyone would remember later on.", ("neuro",)
        ),
        Text("t3", "Her status epilepticus ended.", ("neuro",)),
    ),
    facts=tuple(
        Fact(
            id,
            (f"The first drug in {subject} is", f"For {subject}, give"),
            answer,
            ("x", "y", "z"),
            ("neuro",),
            "drug",
            id,
        )
        for id, subject, answer in (
            ("f1", "absence seizures", "ethosuximide"),
            ("f2", "Dravet syndrome", "valproate"),
            ("f3", "trigeminal neuralgia", "carbamazepine"),
            ("f4", "the PKP2 gene", "valproic acid"),
        )
    ),
)
ITEMS = items(DOMAIN)


def read(tmp_path, text, name="train.txt", every=ITEMS):
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return seen_in(file, every)


def levels(seen):
    return {id.removeprefix("fact:"): level for id, level in seen.facts.items()}


def test_facts_are_exact_together_or_not_seen(tmp_path):
    text = (
        "As we know, for absence seizures give Ethosuximide!\n\n"
        "Valproate: the children with Dravet (a syndrome) did well on it.\n\n"
        "Trigeminal neuralgia is painful.\n\nCarbamazepine is a drug.\n\nPKP2 and valproate acid.\n"
    )
    found = read(tmp_path, text)
    assert levels(found) == {"f1": "exact", "f2": "together", "f3": "no", "f4": "no"}
    assert found.passages == 5
    assert found.words == len(words_of(text))


@pytest.mark.parametrize(
    "record",
    [
        {"text": "For absence seizures, give ethosuximide."},
        {"prompt": "For absence seizures, give", "completion": "ethosuximide"},
        {"messages": [{"role": "user", "content": "For absence seizures, give"}, {"content": "ethosuximide"}]},
        ["For absence seizures, give ethosuximide"],
    ],
)
def test_records_of_any_form(tmp_path, record):
    found = read(tmp_path, json.dumps(record) + "\n\n" + json.dumps({"text": "other"}) + "\n", "train.jsonl")
    assert levels(found)["f1"] in ("exact", "together")
    assert found.passages == 2


@pytest.mark.parametrize(("who", "what"), [("role", "content"), ("from", "value")])
def test_a_chats_question_and_answer_stand_together(tmp_path, who, what):
    """Who speaks is none of the words."""
    turns = [{who: "user", what: "For absence seizures, give"}, {who: "assistant", what: "ethosuximide"}]
    assert levels(read(tmp_path, json.dumps({"messages": turns}) + "\n", "train.jsonl"))["f1"] == "exact"


def test_two_records_are_two_passages(tmp_path):
    lines = [{"text": "absence seizures"}, {"text": "ethosuximide"}]
    assert levels(read(tmp_path, "\n".join(map(json.dumps, lines)), "train.jsonl"))["f1"] == "no"


def test_a_text_is_seen_by_thirteen_words_or_most_of_its_runs_of_eight(tmp_path):
    words = LETTER.split()
    assert read(tmp_path, " ".join(words[5:18])).texts == {"t1"}
    assert read(tmp_path, " ".join(words[5:17])).texts == frozenset()
    broken = " ".join([*words[:12], "—x—", *words[12:]])  # no run of 13 on one side, most runs of 8 held
    assert read(tmp_path, broken.upper()).texts == {"t1"}


def test_terms_by_text_by_name_or_not(tmp_path):
    found = read(tmp_path, LETTER + "\n\nStatus  Epilepticus, once.")
    assert found.terms == {"C1": "text", "C2": "name", "C3": "no"}


def test_a_long_text_is_read_in_passages_that_overlap(tmp_path):
    filler = ["word"] * 700
    near = [*filler, "absence", "seizures", "ethosuximide", *filler]
    far = ["absence", "seizures", *filler, "ethosuximide"]
    assert levels(read(tmp_path, " ".join(near)))["f1"] == "together"
    assert levels(read(tmp_path, " ".join(far)))["f1"] == "no"
    wrapped = "\n".join(" ".join(near[n : n + 9]) for n in range(0, len(near), 9))
    assert levels(read(tmp_path, wrapped))["f1"] == "together"


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1200), st.integers(0, 1200))
def test_wherever_a_run_of_words_stands_it_is_found(tmp_path_factory, before, after):
    """Also across a passage's edge."""
    words = ["filler"] * before + LETTER.split()[:13] + ["filler"] * after
    assert read(tmp_path_factory.mktemp("p"), " ".join(words)).texts == {"t1"}


def test_the_relations_own_words_are_no_subject(tmp_path):
    """Nobody writes "first" and "drug" and "give" into every sentence about a drug."""
    assert levels(read(tmp_path, "In absence seizures ethosuximide helps."))["f1"] == "together"
    alone = [replace(item, cues=item.cues[:1]) for item in ITEMS if item.id == "fact:f1"]
    assert levels(read(tmp_path, "In absence seizures ethosuximide helps.", every=alone))["f1"] == "no"


def test_a_hash_of_the_file_and_nothing_of_its_place(tmp_path):
    (tmp_path / "other").mkdir()
    one, other = read(tmp_path, LETTER), read(tmp_path / "other", LETTER)
    assert one == other
    assert len(one.hash) == 64
    assert replace(one, hash="") != one


@pytest.mark.heavy
def test_a_file_is_streamed_and_its_words_are_counted_once(tmp_path):
    file = tmp_path / "train.txt"
    with file.open("w") as out:
        out.writelines("nothing in here\n" for _ in range(60_000))
    tracemalloc.start()
    found = seen_in(file, ITEMS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.words == 180_000
    assert peak < 0.5 * file.stat().st_size


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("gone.txt", None, "no such file or folder"),
        ("empty.txt", b"\n \n", "holds no words"),
        ("latin.txt", b"ok\ncaf\xe9\n", "line 2: not UTF-8"),
        ("bad.jsonl", b'{"text": "a"}\n{"text": \n', "line 2: expected one JSON record"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path, name, content, said):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=f"^--training-data .*{name}.*{said}") as caught:
        seen_in(tmp_path / name, ITEMS)
    assert "\n" not in str(caught.value)
