"""Ways to break a good domain (of `house.write_domain`), and sources (of `law`) that no domain can be built from."""

import json
import shutil

from law import CUES, ROOTS, questions, rows, table

FACTS = ("--facts", "facts.csv")
ALL = (
    "--texts",
    "texts.jsonl",
    "--specialty-field",
    "court",
    "--controls",
    "novel",
    "--vocabulary",
    "law.vocab",
    *FACTS,
    "--questions",
    "exam.json",
)


def line(part, **changed):
    """Replaces fields of the first record of a part; None removes one."""

    def mutate(folder):
        path = folder / f"{part}.jsonl"
        first, _, rest = path.read_text().partition("\n")
        record = {key: value for key, value in {**json.loads(first), **changed}.items() if value is not None}
        path.write_text(f"{json.dumps(record)}\n{rest}")

    return mutate


def raw(part, content):
    """The whole of a file; `{}` in it stands for what was there."""

    def mutate(folder):
        path = folder / part
        before = path.read_text() if path.is_file() else ""
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content.replace("{}", before))

    return mutate


def question(**changed):
    """A questions.jsonl of one question with these fields changed."""
    one = {"Question": "Who?", "Specialty": "neurology", "Options": ["a", "b"], "Answer": "a", **changed}
    record = json.dumps({key: value for key, value in one.items() if value is not None})
    return raw("questions.jsonl", record.replace("{}", ""))


def toml(**changed):
    return raw("domain.toml", "".join(f"{key} = {value}\n" for key, value in {"name": '"d"', **changed}.items()))


def only(*names):
    """Nothing but these files."""

    def mutate(folder):
        for path in folder.iterdir():
            if path.name not in names:
                path.unlink()

    return mutate


def both(folder):
    shutil.copy(folder / "facts.jsonl", folder / "facts.parquet")


def folder_for_file(folder):
    (folder / "facts.jsonl").unlink()
    (folder / "facts.jsonl").mkdir()


BROKEN = {
    "no toml": lambda folder: (folder / "domain.toml").unlink(),
    "toml is a folder": lambda folder: [(folder / "domain.toml").unlink(), (folder / "domain.toml").mkdir()],
    "toml empty": raw("domain.toml", ""),
    "toml is no toml": raw("domain.toml", "name: d"),
    "toml in latin-1": raw("domain.toml", 'name = "Métier"'.encode("latin-1")),
    "toml half": raw("domain.toml", '{}\n[specialties.x\nname = "x"'),
    "toml twice the same table": raw("domain.toml", '{}\n[specialties.neurology]\nname = "x"\n'),
    "name is a number": toml(name="5"),
    "name is blank": toml(name='" "'),
    "description is a list": toml(description="[]"),
    "licence is a date": toml(licence="2020-01-01"),
    "general is blank": toml(general='""'),
    "general is a table": toml(general="{a = 1}"),
    "specialties are a list": toml(specialties='["a"]'),
    "a specialty is text": toml(specialties='{a = "b"}'),
    "a specialty's name is a number": toml(specialties="{a = {name = 1}}"),
    "aliases are text": toml(specialties='{a = {aliases = "b"}}'),
    "an alias is a sign": toml(specialties='{a = {aliases = ["?"]}}'),
    "two of one name": toml(specialties='{a = {aliases = ["c"]}, b = {name = "C"}}'),
    "named like the controls": toml(specialties='{a = {name = "General"}}'),
    "neutral is text": raw("domain.toml", 'neutral = "Answer:"\n{}'),
    "neutral cue with a space": raw("domain.toml", '{}\n[neutral]\ndefault = "Answer: "\n'),
    "nothing to compare": only("domain.toml", "concepts.jsonl"),
    "nothing built": only("domain.toml"),
    "facts empty and no texts": lambda folder: [only("domain.toml")(folder), raw("facts.jsonl", "")(folder)],
    "facts twice": both,
    "facts are a folder": folder_for_file,
    "facts in latin-1": raw("facts.jsonl", '{"id": "é"}'.encode("latin-1")),
    "facts cut short": raw("facts.jsonl", '{}{"id": "x", "cues": ["a'),
    "facts nested without end": raw("facts.jsonl", "[" * 5000),
    "facts hold a number": raw("facts.jsonl", "{}17\n"),
    "facts hold a list": raw("facts.jsonl", '{}\n["a", "b"]\n'),
    "facts are CSV": raw("facts.jsonl", "id,cues,answer\n1,2,3\n"),
    "facts parquet is none": lambda folder: [(folder / "facts.jsonl").unlink(), raw("facts.parquet", "x")(folder)],
    "a fact without id": line("facts", id=None),
    "a fact without cues": line("facts", cues=None),
    "a fact with no cue": line("facts", cues=[]),
    "cues are text": line("facts", cues="The agent is"),
    "a cue is a number": line("facts", cues=[1]),
    "a cue ends in a space": line("facts", cues=["The agent is "]),
    "a fact without answer": line("facts", answer=None),
    "an answer is blank": line("facts", answer=" \t"),
    "an answer begins with a space": line("facts", answer=" aspirin"),
    "an answer holds NUL": line("facts", answer="a\0b"),
    "an answer is half a character": line("facts", answer="\ud83d"),
    "no distractors": line("facts", distractors=[]),
    "a distractor is null": line("facts", distractors=["a", None]),
    "a distractor is the answer": line("facts", answer="aspirin", distractors=["ａspirin", "b"]),
    "a distractor twice": line("facts", distractors=["one", "ｏne"]),
    "an unknown specialty": line("facts", specialties=["astrology"]),
    "a mixed control": line("facts", specialties=["general", "neurology"]),
    "specialties are text": line("facts", specialties="neurology"),
    "a fact without relation": line("facts", relation=None),
    "two facts of one id": line("facts", id="neurology-1"),
    "wordings do not fit": line("facts", wordings=["taught"]),
    "a text without text": line("texts", text=None),
    "a text is a list": line("texts", text=["a"]),
    "two texts of one id": line("texts", id="control-0"),
    "a text of an unknown specialty": line("texts", specialties=["astrology"]),
    "a concept without name": line("concepts", name=None),
    "two concepts of one id": line("concepts", id="neurology-migraine"),
    "aliases of a concept are text": line("concepts", aliases="a"),
    "a question without stem": question(Question=None),
    "an answer that is no option": question(Answer="c"),
    "one option": question(Options=["a"]),
    "options are text": question(Options="a|b"),
    "a question of an unknown specialty": question(Specialty="Astrology"),
    "a question of no specialty": question(Specialty=None),
    "a question with a fact's id": question(id="neurology-0"),
    "hierarchy of an unknown specialty": raw("hierarchy.tsv", "root\tname\tspecialties\nA:1\ta\tastrology\n"),
    "hierarchy without tabs": raw("hierarchy.tsv", "root,name,specialties\nA:1,a,neurology\n"),
    "hierarchy twice a root": raw("hierarchy.tsv", "root\tname\tspecialties\nA:1\ta\t-\nA:1\ta\t-\n"),
    "hierarchy in latin-1": raw("hierarchy.tsv", "root\tname\tspecialties\nA:1\té\t-\n".encode("latin-1")),
    "no specialty": lambda folder: [
        toml()(folder),
        only("domain.toml")(folder),
        raw("facts.jsonl", '{"id": "f", "cues": ["a"], "answer": "b", "distractors": ["c"], "relation": "r"}')(folder),
    ],
    "a true distractor": lambda folder: raw(
        "facts.jsonl",
        '{}{"id": "x", "cues": ["neur case 0 is first treated with"], "answer": "dunesine", '
        '"distractors": ["Baneuline"], "specialties": ["neurology"], "relation": "agent_0"}',
    )(folder),
}


def cells(**changed):
    """The table of facts with the first row changed; None removes a column of all rows."""

    def mutate(place):
        given = rows()
        gone = {key for key, value in changed.items() if value is None}
        given[0] = {**given[0], **changed}
        table(place / "facts.csv", [{k: v for k, v in row.items() if k not in gone} for row in given])

    return mutate


def source(name, content):
    return lambda place: (place / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def nothing(place):
    pass


def texts(*lines):
    return source("t.jsonl", "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))


def cues(*wordings):
    """A relations.toml with these cues for the first relation."""
    every = {"forum": wordings, "term": CUES["term"]}
    return source("relations.toml", "".join(f"[{name}]\ncues = {json.dumps(said)}\n" for name, said in every.items()))


def exam(**changed):
    """Two questions with these fields changed."""
    return source("exam.json", json.dumps([{**one, **changed} for one in questions()[:2]]))


ONE = json.dumps({"text": "A text.", "court": "tax"})
T, EXAM = ("--texts", "t.jsonl"), ("--questions", "exam.json")
LINKED = ("--texts", "texts.jsonl", "--vocabulary")
UNBUILDABLE = {
    "nothing given": (nothing, ()),
    "no such domain": (lambda place: shutil.rmtree(place / "law"), FACTS),
    "no domain.toml": (lambda place: (place / "law" / "domain.toml").unlink(), FACTS),
    "controls alone": (nothing, ("--controls", "novel")),
    "terms without vocabulary": (nothing, ("--texts", "texts.jsonl", "--terms", "terms.csv")),
    "vocabulary alone": (nothing, ("--questions", "exam.json", "--vocabulary", "law.vocab")),
    "no such texts": (nothing, ("--texts", "nowhere.jsonl")),
    "texts of an unknown form": (source("notes.docx", "x"), ("--texts", "notes.docx")),
    "no such text field": (nothing, ("--texts", "texts.jsonl", "--text-field", "body")),
    "no such specialty field": (nothing, ("--texts", "texts.jsonl", "--specialty-field", "area")),
    "a map without a label": (nothing, ("--texts", "texts.jsonl", "--map", "=tax")),
    "a map that nothing meets": (nothing, (*ALL, "--map", "taxes=tax")),
    "texts empty": (texts(), T),
    "texts all blank": (texts({"text": " "}), T),
    "texts in latin-1": (source("t.csv", "text\né\n".encode("latin-1")), ("--texts", "t.csv")),
    "text is a number": (texts({"text": 5}), T),
    "text holds NUL": (texts({"text": "a\0"}), T),
    "texts cut short": (texts(ONE, ONE[:-5]), T),
    "two texts of one id": (texts({"id": "a", "text": "b"}, {"id": "a", "text": "c"}), T),
    "a text that is control and not": (
        texts({"text": "a", "specialty": "tax"}, {"text": "a", "specialty": "general"}),
        T,
    ),
    "a label of signs": (texts({"text": "a", "specialty": "?!"}), T),
    "an empty folder of texts": (lambda place: (place / "empty").mkdir(), ("--texts", "empty")),
    "a quote that does not end": (source("t.csv", 'text,specialty\n"a,tax\n'), ("--texts", "t.csv")),
    "a row too long": (source("t.csv", "text,specialty\na,b,tax\n"), ("--texts", "t.csv")),
    "a column twice": (source("t.csv", "text,text\na,b\n"), ("--texts", "t.csv")),
    "no vocabulary": (source("x.vocab", "x"), (*LINKED, "x.vocab")),
    "no such vocabulary": (nothing, (*LINKED, "nowhere.vocab")),
    "terms of an unknown specialty": (
        source("terms.csv", "concept,specialties\nL:10,astrology\n"),
        (*LINKED, "law.vocab", "--specialty-field", "court", "--terms", "terms.csv"),
    ),
    "hierarchy of an unknown specialty": (
        lambda place: (place / "law" / "hierarchy.tsv").write_text(ROOTS + "L:1\tlaw\tastrology\n"),
        ALL,
    ),
    "facts without a column": (cells(object=None), FACTS),
    "facts empty": (source("facts.csv", ""), FACTS),
    "facts of a header alone": (source("facts.csv", "subject,relation,object\n"), FACTS),
    "a fact without subject": (cells(subject=""), FACTS),
    "a fact without relation": (cells(relation=" "), FACTS),
    "a relation without wordings": (cells(relation="unheard_of"), FACTS),
    "a fact that is control and not": (
        lambda place: table(place / "facts.csv", [*rows(), {**rows()[0], "specialty": "general"}]),
        FACTS,
    ),
    "a fact of two kinds at once": (cells(specialty="tax|general"), FACTS),
    "too few facts": (lambda place: table(place / "facts.csv", rows(["tax"], 2)), FACTS),
    "facts of no specialty": (cells(specialty=None), FACTS),
    "wordings are no TOML": (source("relations.toml", "forum: a"), FACTS),
    "wordings are text": (source("relations.toml", 'forum = "The court of {} is"'), FACTS),
    "two wordings": (cues("{} a", "{} b"), FACTS),
    "a wording twice": (cues("{} a", "{} b", "{} b"), FACTS),
    "a wording without subject": (cues("a", "{} b", "{} c"), FACTS),
    "a wording with a space at its end": (cues("{} a ", "{} b", "{} c"), FACTS),
    "questions empty": (source("exam.json", "[]"), EXAM),
    "a question without options": (exam(Options=None), EXAM),
    "a question with an answer that is no option": (exam(Answer="bishop"), EXAM),
    "a question of one option": (exam(Options=["a", "a "]), EXAM),
    "questions are a table of something else": (source("exam.json", '[{"a": 1}]'), EXAM),
    "two questions of one id": (exam(id="q"), EXAM),
    "an embedded domain": (nothing, ("medicine", *FACTS)),
}
