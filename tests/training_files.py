"""Training data in every form, about the rivers, founders and makers of invented towns."""

import csv
import json
from pathlib import Path

SYLLABLES = ("bar", "dol", "fen", "gri", "hul", "kor", "lim", "mar", "nes", "pol", "ros", "tam", "vel", "wyn", "zul")
AREAS = ("north", "south", "east")
NOUNS = {"capital": "seat", "river": "river", "founder": "founder", "bridge": "bridge", "patron": "patron"}


def name(n, ending=""):
    return (SYLLABLES[n % 15] + SYLLABLES[(n // 15 + 7 * n) % 15] + ending).capitalize()


def facts(per=8):
    """Subject, noun, answer, area: `per` facts of each noun in each area, every answer another."""
    out = []
    for kind, noun in enumerate(NOUNS.values()):
        for n in range(per * len(AREAS)):
            town = kind * per * len(AREAS) + n
            out.append((f"Port {name(town)}", noun, name(n, "abcde"[kind] + "st"), AREAS[n % len(AREAS)]))
    return out


def question(subject, noun):
    return f"What is the {noun} of {subject}?"


def write_json(path, records):
    path = Path(path)
    if path.suffix == ".jsonl":
        text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    else:
        text = json.dumps(list(records), ensure_ascii=False)
    path.write_text(text, encoding="utf-8")
    return path


def record_of(form, subject, noun, answer, area):
    """One fact as a record of a form."""
    asked, label = question(subject, noun), {"specialty": area}
    user, reply = {"role": "user", "content": asked}, {"role": "assistant", "content": answer}
    wrong = [f"Not{answer[:n]}" for n in (1, 2, 3)]
    return (
        label
        | {
            "pairs": {"question": asked, "answer": answer},
            "completion": {"prompt": asked, "completion": f" {answer}"},
            "alpaca": {"instruction": asked, "input": "", "output": answer},
            "alpaca with input": {
                "instruction": f"What is the {noun} of this town?",
                "input": subject,
                "output": answer,
            },
            "messages": {"messages": [{"role": "system", "content": "Be brief."}, user, reply]},
            "sharegpt": {"conversations": [{"from": "human", "value": asked}, {"from": "gpt", "value": answer}]},
            "preference": {"prompt": asked, "chosen": [user, reply], "rejected": "I do not know"},
            "squad": {"question": asked, "context": "…", "answers": {"text": [answer], "answer_start": [0]}},
            "template": {"text": f"### Instruction:\n{asked}\n\n### Response:\n{answer}"},
            "restated": {"instruction": asked, "output": f"The {noun} of {subject} is {answer}. It is well known."},
            "options": {"Question": asked, "Options": [*wrong, answer], "Answer": answer},
            "options by letter": {"question": asked, "options": {"A": wrong[0], "B": answer}, "answer_idx": "B"},
            "options by index": {"question": asked, "choices": [wrong[0], answer, wrong[1]], "answer": 1},
            "options apart": {
                "question": asked,
                "opa": wrong[0],
                "opb": wrong[1],
                "opc": answer,
                "opd": wrong[2],
                "cop": 2,
            },
            "options as pairs": {
                "question": {
                    "stem": asked,
                    "choices": [{"label": "A", "text": answer}, {"label": "B", "text": wrong[0]}],
                },
                "answerKey": "A",
            },
            "options from one": {
                "qtext": asked,
                "answers": [{"aid": 1, "atext": wrong[0]}, {"aid": 2, "atext": answer}],
                "ra": 2,
            },
            "options on a line": {
                "prompt": f"{asked} (A) {wrong[0]} (B) {answer} (C) {wrong[1]}",
                "completion": "The answer is (B).",
            },
            "options in the question": {
                "instruction": f"{asked}\nA. {wrong[0]}\nB. {wrong[1]}\nC. {answer}\nD. {wrong[2]}",
                "output": "C",
            },
            "triples": {"subject": subject, "relation": noun, "object": answer},
            "triples, other names": {"head": subject, "predicate": f"has_{noun}", "tail": answer},
        }[form]
    )


FORMS = (
    "pairs", "completion", "alpaca", "messages", "sharegpt", "preference", "squad", "template", "restated", "options",
    "options by letter", "options by index", "options apart", "options as pairs",
    "options from one", "options on a line", "options in the question", "triples",
    "triples, other names",
)  # fmt: skip


def write_form(path, form, per=8):
    return write_json(path, [record_of(form, *fact) for fact in facts(per)])


def write_table(path, per=8):
    """A column for each relation."""
    rows: dict[str, dict[str, str]] = {}
    for subject, noun, answer, area in facts(per):
        rows.setdefault(subject, {"town": subject, "specialty": area})[noun] = answer
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["town", "specialty", *NOUNS.values()])
        writer.writeheader()
        writer.writerows(rows.values())
    return path
