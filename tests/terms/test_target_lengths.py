"""The control group has targets as long as the domain's on the tokenizers of pretrained models."""

import json
from collections import Counter

import pytest
from knowshift.terms.domain import Domain, embedded
from target_lengths import COUNTS, TOKENIZERS, fingerprint

KEPT = json.loads(COUNTS.read_text())
ENOUGH = 30
"""Different general strings of a length without which a target of that length has no counterparts."""
SHARE = 0.7
"""Share of the domain's targets with counterparts below which a verdict on shift is unclear."""
MEAN = 0.7
"""Least ratio of mean lengths of general and domain answers."""


def band(tokens: int) -> int:
    """Lengths that count as one: 1, 2, 3, 4 and 5, 6 and 7, 8 and more tokens."""
    return tokens if tokens <= 3 else min(4 + (tokens - 4) // 2, 6)


@pytest.mark.heavy
@pytest.mark.parametrize("name", embedded())
def test_the_counts_are_those_of_the_domains_targets(name: str) -> None:
    arguments = " ".join(f"{tokenizer}=FOLDER" for tokenizer in TOKENIZERS)
    command = f"python tests/target_lengths.py {arguments}"
    assert KEPT[name]["targets"] == fingerprint(Domain.open(name)), f"{name} has other targets; run: {command}"


@pytest.mark.parametrize("name", embedded())
@pytest.mark.parametrize("tokenizer", TOKENIZERS)
@pytest.mark.parametrize("view", ["text", "fact"])
def test_most_targets_of_the_domain_have_general_ones_of_their_length(name: str, tokenizer: str, view: str) -> None:
    counts = KEPT[name][tokenizer][view]
    strings: Counter[int] = Counter()
    for tokens, (_, different) in enumerate(counts["general"], 1):
        strings[band(tokens)] += different
    targets = [n for n, _ in counts["domain"]]
    matched = sum(n for tokens, n in enumerate(targets, 1) if strings[band(tokens)] >= ENOUGH)
    assert matched / sum(targets) >= SHARE


@pytest.mark.parametrize("name", embedded())
@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_general_answers_are_about_as_long_as_the_domains(name: str, tokenizer: str) -> None:
    def mean(side: str) -> float:
        counts = [n for n, _ in KEPT[name][tokenizer]["fact"][side]]
        return sum(tokens * n for tokens, n in enumerate(counts, 1)) / sum(counts)

    assert mean("general") / mean("domain") >= MEAN
