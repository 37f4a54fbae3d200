"""A small domain of law to be made: texts, a vocabulary, tables of facts, questions."""

import csv
import json

from knowshift.terms.vocabulary.compiled import write
from knowshift.terms.vocabulary.entry import Entry

AREAS = ("tax", "contract", "family")
ENTRIES = [
    Entry("L:1", "law"),
    *(Entry(f"L:{n}", f"{area} law", parents=("L:1",)) for n, area in enumerate(AREAS, 2)),
    Entry("L:10", "input tax", ("VAT on purchases",), ("levy",), parents=("L:2",)),
    Entry("L:11", "excise duty", (), ("levy",), parents=("L:2",)),
    Entry("L:12", "withholding", ("pay as you earn", "PAYE"), ("levy",), parents=("L:2",)),
    Entry("L:20", "consideration", (), ("element",), parents=("L:3",)),
    Entry("L:21", "breach of contract", ("default",), ("wrong",), parents=("L:3",)),
    Entry("L:30", "alimony", ("spousal support",), ("duty",), parents=("L:4",)),
    Entry("L:31", "custody", (), ("right",), parents=("L:4",)),
]
ROOTS = "root\tname\tspecialties\nL:2\ttax law\ttax\nL:3\tcontract law\tcontract\nL:4\tfamily law\tfamily\n"
TEXTS = {
    "tax": [
        "Input tax is recovered, excise duty is not.",
        "The court allowed VAT on purchases as input tax.",
        "Pay as you earn (PAYE) is a withholding.",
    ],
    "contract": ["There was no consideration.", "A breach of contract, and no excuse for the default."],
    "family": ["Alimony was granted with custody.", "Spousal support ended when the child came of age."],
}
CUES = {
    "forum": ["The court that hears {} is", "An action on {} goes to", "For {} one files with"],
    "term": ["A claim for {} lapses after", "The time limit for {} is", "One may sue over {} for"],
}


def rows(areas=AREAS, each=9):
    """Facts, `each` of either relation an area: subjects and objects are made up, each object once a relation."""
    return [
        {
            "subject": f"{area} matter {n}",
            "relation": relation,
            "object": f"{area[:3]}{relation}{'abcdefghijkl'[n]}",
            "specialty": area,
        }
        for area in areas
        for relation in CUES
        for n in range(each)
    ]


def table(path, given):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, dict.fromkeys(key for row in given for key in row))
        writer.writeheader()
        writer.writerows(given)
    return path


def questions():
    return [
        {
            "Question": f"In {area} case {n}, who decides?",
            "Specialty": area.title(),
            "Options": [f"{who} of {area}" for who in ("judge", "jury", "clerk", "usher")],
            "Answer": f"judge of {area}",
        }
        for area in AREAS
        for n in range(4)
    ]


def write_sources(folder):
    """texts.jsonl (field `court`), novel (a folder of controls), facts.csv, relations.toml, exam.json, law.vocab."""
    folder.mkdir(parents=True, exist_ok=True)
    records = [
        {"id": f"{area}-{n}", "text": text, "court": area}
        for area, texts in TEXTS.items()
        for n, text in enumerate(texts)
    ]
    (folder / "texts.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    (folder / "novel").mkdir()
    for n, place in enumerate(("harbour", "station")):
        (folder / "novel" / f"{n}.txt").write_text(
            f"In the morning she walked slowly towards the {place} with a friend."
        )
    table(folder / "facts.csv", rows() + rows(["general"]))
    (folder / "relations.toml").write_text(
        "".join(f"[{name}]\ncues = {json.dumps(cues)}\n" for name, cues in CUES.items())
    )
    (folder / "exam.json").write_text(json.dumps(questions()))
    write(ENTRIES, folder / "law.vocab", {"name": "law"})
    return folder


def tree(folder):
    """Every file with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
