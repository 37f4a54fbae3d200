"""What an evaluation is tested with: a scripted model for the harness, and data files in every published form."""

import csv
import json
import random

from lm_eval.api.model import LM


class Scripted(LM):
    """A model of known answers: `weigh(prompt, continuation)` is a log-probability, `reply(prompt)` what it writes."""

    def __init__(self, weigh=None, reply=None):
        super().__init__()
        self.weigh, self.reply = weigh, reply
        self.asked = []

    def loglikelihood(self, requests):
        self.asked += [request.args for request in requests]
        return [(float(self.weigh(*request.args)), False) for request in requests]

    def generate_until(self, requests):
        self.asked += [request.args for request in requests]
        return [self.reply(request.args[0]) for request in requests]

    def loglikelihood_rolling(self, requests):
        return [float(self.weigh("", request.args[0])) for request in requests]


def answered(asks, lm, folder):
    """Every ask's answers by `lm`."""
    from knowshift.probes.evaluate.prompting import PromptingConfig
    from knowshift.probes.evaluate.runner import ask_model

    asking = PromptingConfig(context=4096)
    return {ask.name: ask_model(ask, lambda: lm, asking, folder, "key") for ask in asks}


def listed(prompt):
    """The options a prompt lists, by letter, of its last question."""
    lines = prompt.rsplit("Question:", 1)[1].splitlines()
    return {line[0]: line[3:] for line in lines if len(line) > 3 and line[1:3] == ". "}


WORDS = ["fever", "cough", "rash", "pain", "edema", "nausea", "anemia", "fatigue"]


def write_smedqa(path, n=40, specialties=("Neurology", "Cardiology"), seed=0):
    """S-MedQA's form, released: the right option stands anywhere."""
    rng = random.Random(seed)
    records = []
    for i in range(n):
        options = rng.sample(WORDS, 4)
        records.append(
            {
                "Question": f"Case {i}: which sign?",
                "Specialty": specialties[i % len(specialties)],
                "Options": options,
                "Answer": rng.choice(options),
            }
        )
    path.write_text(json.dumps(records))
    return path


def write_longhealth(path, patients=3, questions=2):
    """LongHealth's published form; answer b is right, and stands in letter 1."""
    data = {}
    for p in range(patients):
        asked = [
            {
                "No": n,
                "question": f"Sign {n} of {p}?",
                **{f"answer_{letter}": f"{WORDS[k]} {letter}" for k, letter in enumerate("abcde")},
                "correct": f"{WORDS[1]} b",
                "answer_location": {"text_1": {"start": [0.0], "end": [0.5]}},
            }
            for n in range(questions)
        ]
        data[f"patient_{p:02d}"] = {
            "name": "N",
            "birthday": "1.1.",
            "diagnosis": "D",
            "texts": {f"text_{k}": f"P{p} L{k}" for k in range(3)},
            "questions": asked,
        }
    path.write_text(json.dumps(data))
    return path


def write_clue(folder, n=6):
    """Small files in the real formats of all six tasks, the credentialed ones among them."""
    from openpyxl import Workbook

    folder.mkdir(parents=True, exist_ok=True)
    labels = ("entailment", "neutral", "contradiction")
    nli = [{"sentence1": f"S {i}", "sentence2": f"H {i}", "gold_label": labels[i % 3], "pairID": i} for i in range(n)]
    (folder / "mednli.jsonl").write_text("\n".join(map(json.dumps, nli)))
    book = Workbook()
    book.active.append(["File", "CHQ", "Summary"])
    for i in range(n):
        book.active.append([f"{i}.txt", f"Who sells drug {i}", f"Who makes drug {i}?"])
    book.save(folder / "meqsum.xlsx")
    with (folder / "problem_summary.csv").open("w", newline="") as file:
        rows = csv.DictWriter(file, ["File ID", "Assessment", "Subjectives", "Summary"])
        rows.writeheader()
        for i in range(n):
            rows.writerow({"File ID": i, "Assessment": f"A {i}", "Subjectives": "Ill", "Summary": "fever; cough;"})
    letters = [{"discharge_summary": f"L {i}", "Question": "Why?", "Answer": "had fever"} for i in range(n)]
    (folder / "medisumqa.json").write_text(json.dumps(letters))
    codes = [
        {"hadm_id": str(i), "text": f"L {i}", "icd_codes": [{"code": "I509", "description": "heart failure"}]}
        for i in range(n)
    ]
    (folder / "medisumcode.json").write_text("\n".join(map(json.dumps, codes)))
    write_longhealth(folder / "longhealth.json", questions=1)
    return folder


def suite_plan(**options):
    """The plan of a suite over an empty domain."""
    from knowshift.probes.evaluate.request import read_request
    from knowshift.terms.domain import Domain

    request = read_request(options)
    return request.plan(request.settings, Domain("small"), {})
