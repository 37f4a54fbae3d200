"""Count the tokens of the embedded domains' targets: `python tests/target_lengths.py NAME=TOKENIZER ...`.

Tests may not download a tokenizer, so `terms/target_lengths.json` keeps what three of them make of every target: for
each domain, tokenizer, view and side, pairs of (targets, different strings) by number of tokens, from one token on.
TOKENIZER is a folder with a tokenizer.json. Read by `terms/test_target_lengths.py`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from knowshift.models.alignment import align
from knowshift.models.companions import load_tokenizer
from knowshift.terms.domain import Domain, embedded
from knowshift.terms.items import Item
from knowshift.terms.select import items

COUNTS = Path(__file__).parent / "terms" / "target_lengths.json"
TOKENIZERS = ("smollm2", "gemma3", "gpt2")
VIEWS = {"fact": "fact", "term": "text", "word": "text"}
SIDES = ("domain", "general")
CONTEXT = 1 << 20
"""Longer than any text, tokens."""


def read(domain: Domain) -> list[Item]:
    """Return the items whose targets are counted."""
    return [item for item in items(domain) if item.kind in VIEWS]


def side(item: Item, domain: Domain) -> str:
    return SIDES[domain.general in item.specialties]


def fingerprint(domain: Domain) -> str:
    """Return the SHA-256 (hex) of all targets with their contexts."""
    digest = hashlib.sha256()
    for item in read(domain):
        context = [item.id, side(item, domain), item.text, item.start, item.end, item.cues, item.candidates]
        digest.update(json.dumps(context).encode())
    return digest.hexdigest()


def count(domain: Domain, folder: Path) -> dict[str, dict[str, list[tuple[int, int]]]]:
    """Return, by view and side, (targets, different strings) of one token, of two, and so on."""
    every = {item.id: item for item in read(domain)}
    found: dict[tuple[str, str], dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for sequence in align(every.values(), load_tokenizer(folder), CONTEXT).sequences:
        for target in sequence.targets:
            item = every[target.item]
            string = item.candidates[target.role] if item.candidates else item.target
            found[VIEWS[item.kind], side(item, domain)][target.last - target.first].append(string.casefold())
    return {view: {name: list(_counts(found[view, name])) for name in SIDES} for view in dict.fromkeys(VIEWS.values())}


def _counts(strings: dict[int, list[str]]) -> Iterator[tuple[int, int]]:
    for tokens in range(1, max(strings) + 1):
        yield len(strings[tokens]), len(set(strings[tokens]))


def main(arguments: list[str]) -> None:
    folders = {name: Path(folder) for name, _, folder in (argument.partition("=") for argument in arguments)}
    if set(folders) != set(TOKENIZERS):
        raise SystemExit(f"give a folder for each of {', '.join(TOKENIZERS)}: NAME=TOKENIZER")
    made: dict[str, Any] = {}
    for name in embedded():
        domain = Domain.open(name)
        counts = {tokenizer: count(domain, folders[tokenizer]) for tokenizer in TOKENIZERS}
        made[name] = {"targets": fingerprint(domain), **counts}
    COUNTS.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
