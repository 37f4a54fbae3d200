"""What a small house to compare in is made of: a domain, adapters, and the command's arguments."""

import json
import re
import shutil

TOPICS = {
    "neurology": ("neuro", ["seizure", "migraine", "tremor", "stroke", "myelitis", "chorea"]),
    "cardiology": ("cardio", ["angina", "infarction", "fibrillation", "murmur", "embolism", "syncope"]),
    "gastroenterology": ("gastro", ["colitis", "reflux", "gastritis", "hepatitis", "ileus", "ulcer"]),
}


def write_domain(folder, facts=12):
    """A small domain: `facts` facts a specialty and of general knowledge, three cues and six distractors each."""
    folder.mkdir(parents=True)
    tables = "".join(
        f'[specialties.{name}]\nname = "{name.title()}"\naliases = ["{alias}"]\n' for name, (alias, _) in TOPICS.items()
    )
    (folder / "domain.toml").write_text(f'name = "small"\ndescription = "For tests"\nlicence = "MIT"\n{tables}')
    records = {"facts": [], "texts": [], "concepts": []}
    for subject, group in enumerate([*TOPICS, "general"]):
        answers = [f"{'bdgklmnprt'[n % 10]}{'aeiou'[n // 10 % 5]}{group[:3]}{'lnrst'[n % 5]}ine" for n in range(facts)]
        for n, answer in enumerate(answers):
            case = f"{group[:4]} case {n}"
            cues = [f"{case} is first treated with", f"For {case}, give", f"The agent of choice in {case} is"]
            wrong = [answers[(n + step) % facts] for step in range(1, 7)]
            records["facts"].append(
                {
                    "id": f"{group}-{n}",
                    "cues": cues,
                    "answer": answer,
                    "distractors": wrong,
                    "specialties": [group],
                    "relation": f"agent_{subject}",
                }
            )
    for name, (_, words) in TOPICS.items():
        records["concepts"] += [{"id": f"{name}-{w}", "name": w, "specialties": [name]} for w in words]
        for half in (words[:3], words[3:]):
            text = (
                f"The patient was seen for {half[0]}; there was no {half[1]}, and {half[2]} was ruled out after a week."
            )
            records["texts"].append({"id": f"{name}-{half[0]}", "text": text, "specialties": [name]})
    for n, place in enumerate(["harbour", "station", "garden", "library"]):
        text = f"In the morning she walked slowly towards the {place}, bought some bread and looked around for a while."
        records["texts"].append({"id": f"control-{n}", "text": text, "specialties": ["general"]})
    for part, lines in records.items():
        (folder / f"{part}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def write_adapter(folder, model, seed, scale=0.1, **options):
    """A LoRA on `model` with every tensor drawn at random, so that it moves the logits."""
    import torch
    from peft import LoraConfig, get_peft_model

    options = {"r": 4, "target_modules": ["q_proj", "v_proj", "down_proj"], "task_type": "CAUSAL_LM", **options}
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        tuned = get_peft_model(model, LoraConfig(**options))
        for weight in tuned.parameters():
            if weight.requires_grad:
                weight.add_(scale * torch.randn_like(weight))
    tuned.save_pretrained(folder)
    return folder


def command(house, *tuned, domain=None, own=None, out=None):
    """Arguments of `probe compare`: base against `tuned` (default: both adapters) of the house."""
    models = tuned or (house / "neuro_lora", house / "cardio_lora")
    options = {"domain": domain or house / "domain", "own": own, "out": out}
    given = [part for name, value in options.items() if value is not None for part in (f"--{name}", value)]
    return [str(part) for part in ("compare", house / "base", *models, *given)]


def copied(house, name, folder):
    return shutil.copytree(house / name, folder / name)


def is_one_line(err, expected):
    """Apart from what each model's own specialty was read as."""
    lines = [line for line in err.splitlines() if ": own specialty " not in line]
    assert len(lines) == 1, err
    assert re.match(rf"probe: .*{expected}", lines[0]), lines[0]
