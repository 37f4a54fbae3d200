"""A small vocabulary and corpus of the tests' own."""

import json

from knowshift.terms.vocabulary.entry import Entry

ENTRIES = [
    Entry("D:1", "disease"),
    Entry("D:2", "heart disease", ("cardiac disease",), ("T047",), parents=("D:1",)),
    Entry("D:3", "brain disease", (), ("T047",), parents=("D:1",)),
    Entry("D:4", "gut disease", (), ("T047",), parents=("D:1",)),
    Entry("D:5", "lung disease", (), ("T047",), parents=("D:1",)),
    Entry(
        "D:10", "myocardial infarction", ("heart attack", "MI"), ("T047",), parents=("D:2",), xrefs=("UMLS:C0027051",)
    ),
    Entry("D:11", "stroke", ("brain attack",), ("T047",), parents=("D:3", "D:2")),
    Entry("D:12", "epilepsy", ("seizure disorder",), ("T047",), parents=("D:3",)),
    Entry("D:13", "multiple sclerosis", ("MS",), ("T047",), parents=("D:3",)),
    Entry("D:14", "mitral stenosis", ("MS",), ("T047",), parents=("D:2",)),
    Entry("D:15", "colitis", (), ("T047",), parents=("D:4",)),
    Entry("D:16", "acute lymphoblastic leukemia", ("ALL",), ("T191",)),
    Entry("D:17", "chronic obstructive pulmonary disease", ("COPD",), ("T047",), parents=("D:5",)),
    Entry("D:18", "depression", (), ("T048",)),
    Entry("D:19", "fatigue", (), ("T184",)),
    Entry("D:20", "cold", ("common cold",), ("T047",)),
    Entry("D:21", "seizure", (), ("T184",), parents=("D:3",)),
]
ROOTS = (
    "root\tname\tspecialties\nD:2\theart disease\tcardiology\nD:3\tbrain disease\tneurology\n"
    "D:4\tgut disease\tgastroenterology\nD:5\tlung disease\trespiratory\nTUI:T048\tmental dysfunction\tpsychiatry\n"
)
SPECIALTIES = {
    "cardiology": "cardio",
    "neurology": "neuro",
    "gastroenterology": "gastro",
    "respiratory": "lungs",
    "psychiatry": "psych",
}
NOTES = {
    "cardiology": [
        "Admitted with a heart attack. Chest pain and fatigue; no stroke.",
        "Myocardial infarction (MI) in May. After the MI he felt fatigue.",
        "Known mitral stenosis (MS). The MS is severe; MI was ruled out. Fatigue.",
        "Fatigue after a myocardial infarction.",
    ],
    "neurology": [
        "Epilepsy with two seizures. MS was suspected, and multiple sclerosis found.",
        "A stroke last year, now depression and a seizure disorder.",
        "Multiple\nsclerosis; ALL SYSTEMS NEGATIVE.",
        "Stroke on the left. All limbs moved. The common cold had gone.",
    ],
    "gastroenterology": ["Colitis, no other disease.", "Colitis again; COPD is stable."],
    "none": ["A cold wind, and all was well."],
}


def write_domain(folder):
    """A domain without texts of its own, but with specialties and roots."""
    folder.mkdir(parents=True)
    tables = "".join(f'[specialties.{id}]\nname = "{id.title()}"\naliases = ["{a}"]\n' for id, a in SPECIALTIES.items())
    (folder / "domain.toml").write_text(f'name = "clinic"\n{tables}', encoding="utf-8")
    (folder / "hierarchy.tsv").write_text(ROOTS, encoding="utf-8")
    fact = {
        "id": "f",
        "cues": ["A stroke is a"],
        "answer": "brain attack",
        "distractors": ["heart attack"],
        "specialties": ["neurology"],
        "relation": "is",
        "concept": "D:11",
    }
    (folder / "facts.jsonl").write_text(json.dumps(fact) + "\n", encoding="utf-8")
    return folder


def write_corpus(path):
    records = [
        {"id": f"{label}-{n}", "text": text, **({"specialty": label} if label != "none" else {})}
        for label, texts in NOTES.items()
        for n, text in enumerate(texts)
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path
