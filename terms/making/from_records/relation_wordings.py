"""Wordings of a relation from its name alone, where no relations.toml words it. Read by `triples`.

A name is a noun ("capital", "has_capital", "gene product"), what the subject is of the object ("capital_of"), a verb
with its preposition ("located_in", "caused_by"), or a verb ("treats"). Written by hand, wordings are better.
"""

from __future__ import annotations

import re

_EDGES = {"in", "on", "at", "by", "to", "from", "with", "for", "into", "as", "under", "through"}
_VERBS = {
    "treats", "causes", "encodes", "contains", "produces", "borders", "inhibits", "activates", "prevents", "affects",
    "binds", "includes", "requires", "regulates", "blocks", "governs", "amends", "repeals", "implements", "uses",
    "owns", "wrote", "invented", "discovered", "founded", "directed", "composed", "painted", "designed", "won",
}  # fmt: skip
_BARE = {"the", "a", "an", "part", "kind", "type", "form", "member"}
_BE = {"is", "are", "was", "were"}


def wordings_of(relation: str) -> tuple[str, ...]:
    """Return three cues with `{}` for the subject; the last is meant to be held out.

    "capital" gives "The capital of {} is"; "located_in" gives "{} is located in".
    """
    words = _words(relation)
    if words[0] in ("has", "have") and len(words) > 1:
        words = words[1:]
    if len(words) > 1 and words[-1] == "of":
        role = words[1:] if words[0] in _BE else words
        said = " ".join([*([] if role[0] in _BARE else ["the"]), *role])
        return f"{{}} is {said}", f"It is known that {{}} is {said}", f"Complete the sentence: {{}} is {said}"
    if words[-1] in _EDGES and len(words) > 1:
        said = " ".join(words if words[0] in _BE or words[0] in _VERBS else ["is", *words])
        return f"{{}} {said}", f"It is known that {{}} {said}", f"Complete the sentence: {{}} {said}"
    if words[0] in _VERBS:
        said = " ".join(words)
        return f"{{}} {said}", f"It is known that {{}} {said}", f"Complete the sentence: {{}} {said}"
    # "gene_of_disease": what stands behind "of" is the subject's kind.
    noun = " ".join(words[: words.index("of")] if "of" in words[1:] else words)
    return f"The {noun} of {{}} is", f"Question: What is the {noun} of {{}}? Answer:", f"For {{}}, the {noun} is"


def _words(relation: str) -> list[str]:
    """Return the words of `gene_product`, `geneProduct`, `wdt:gene-product` or "gene product"."""
    name = re.split(r"[/#:]", relation.strip(" /#:"))[-1]
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    words = re.sub(r"[_\-\s]+", " ", name).split()
    # Symbols such as ISO keep their capitals.
    return [word if word.isupper() and len(word) > 1 else word.lower() for word in words] or [relation]
