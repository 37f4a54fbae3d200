"""The demo's adapters were made with a known truth: the verdicts must be that truth, whatever the seed."""

import pytest
from knowshift import Checkpoint, Domain, showcase
from knowshift.models.scoring import score
from knowshift.probes.findings import Material, conclude
from knowshift.terms.select import items

OWN = {
    "neuro_lora": "neurology",
    "cardio_lora": "cardiology",
    "gastro_lora": "gastroenterology",
    "neuro_facts_lora": "neurology",
}


@pytest.fixture(scope="module")
def scored():
    domain = Domain.open("medicine")
    every = tuple(items(domain))
    base = Checkpoint.open(showcase.FILES / "base.pt")
    tuned = {name: Checkpoint.open(showcase.FILES / name, base=base) for name in OWN}
    return domain, every, score(every, base, lens=False), {n: score(every, c, lens=False) for n, c in tuned.items()}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_verdicts_are_the_known_truth(scored, seed):
    domain, every, base, tuned = scored
    own = {name: (specialty, "--own") for name, specialty in OWN.items()}
    found = conclude(Material(domain, every, base, tuned, own, "token", seed)).models
    for name in ("neuro_lora", "cardio_lora", "gastro_lora"):
        assert found[name]["verdict"] == "domain shift", found[name]["missing"]
    taught = found["neuro_facts_lora"]
    assert taught["verdict"] in ("knowledge injection", "both")
    assert taught["specific_knowledge"]["low"] > 0
    held_out = taught["wordings"][2]
    assert held_out["cue"] == 2
    assert held_out["specific_knowledge"]["low"] > 0
