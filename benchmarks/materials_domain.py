"""Makes a domain folder from public material: clinical notes, Disease Ontology names, S-MedQA, a novel as control.

    python benchmarks/materials_domain.py MATERIALS OUT

MATERIALS holds `corpora/` (notes of four specialties, a novel, Disease Ontology terms) and `smedqa/`. Held-out parts
only: the adapters of the materials were trained on the others. The commands that use it stand in `docs/real-run.md`.
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

NOTES = {
    "cardiovascular_pulmonary": "cardiology",
    "gastroenterology": "gastroenterology",
    "neurology": "neurology",
    "urology": "urology",
}
HEAD = """name = "clinical notes"
description = "mtsamples notes (CC0), S-MedQA validation (MIT), a Sherlock Holmes novel as control"
licence = "CC0, MIT, public domain"
general = "general"
"""


def records(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def write(path: Path, rows: list[dict]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    print(f"{path.name}: {len(rows)}")


def main(materials: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    embedded = Path(__file__).parents[1] / "terms/domains/medicine/domain.toml"
    specialties = tomllib.loads(embedded.read_text(encoding="utf-8"))["specialties"]
    specialties["urology"] = {"name": "Urology", "aliases": ["urological"]}
    head = [HEAD]
    for key, value in specialties.items():
        head.append(f"\n[specialties.{key}]\nname = {json.dumps(value['name'])}\n")
        head.append(f"aliases = {json.dumps(value.get('aliases', []))}\n")
    (out / "domain.toml").write_text("".join(head), encoding="utf-8")
    concepts = [
        {"id": term["id"], "name": term["name"], "aliases": term["synonyms"], "types": ["T047"], "specialties": []}
        for term in records(materials / "corpora/terms_doid_nci.jsonl")
    ]
    write(out / "concepts.jsonl", concepts)
    texts = [
        {"id": row["id"], "text": row["text"], "specialties": [specialty]}
        for name, specialty in NOTES.items()
        for row in records(materials / f"corpora/mtsamples_{name}_heldout.jsonl")
    ]
    texts += [
        {"id": row["id"], "text": row["text"], "specialties": ["general"]}
        for row in records(materials / "corpora/control_novel_heldout.jsonl")
    ]
    write(out / "texts.jsonl", texts)
    questions = json.loads((materials / "smedqa/S-MedQA_validation.json").read_text(encoding="utf-8"))
    write(out / "questions.jsonl", questions)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python benchmarks/materials_domain.py MATERIALS OUT")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
