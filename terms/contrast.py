"""The contrast domain's items: like the domain's in form, and of other things.

A tune that moved towards a domain gains on the domain's terms and not on those of another field that are as long and
as rare. The contrast's items carry the group `CONTRAST` in place of specialties. Read by `terms.select` and `probes`.
"""

from __future__ import annotations

from dataclasses import replace

from ..errors import DomainError
from .domain import Domain
from .items import CONTRAST, Item
from .select import items


def open_contrast(domain: Domain, name: str | None = None) -> Domain | None:
    """Return the contrast domain.

    Args:
        domain: The domain that is probed.
        name: An embedded domain, a folder, or `none`; by default what the domain names.

    Raises:
        DomainError: It is unknown, is the domain itself, or has neither facts nor texts of its own.
    """
    chosen = domain.contrast if name is None else name
    if chosen in ("", "none"):
        return None
    try:
        contrast = Domain.open(chosen)
    except DomainError as error:
        raise DomainError(f"contrast {chosen}: {error}") from error
    if contrast.hash == domain.hash or contrast.name == domain.name:
        raise DomainError(f"contrast {chosen}: is the domain itself; give another domain, or --contrast none")
    if not contrast_items(contrast):
        raise DomainError(
            f"contrast {chosen}: has no facts and no terms in texts outside its control group; give another domain, "
            "or --contrast none"
        )
    return contrast


def contrast_items(contrast: Domain, facts: bool = True) -> list[Item]:
    """Return the terms, and with `facts` the facts, of the contrast domain as items of the group `CONTRAST`.

    Its controls have no part in it.
    """
    chosen = tuple(fact for fact in contrast.facts if facts and contrast.general not in fact.specialties)
    texts = tuple(text for text in contrast.texts if contrast.general not in text.specialties)
    return [
        _relabel(item)
        for item in items(replace(contrast, facts=chosen, texts=texts, questions=()))
        if item.kind in ("fact", "term") and item.specialties
    ]


def _relabel(item: Item) -> Item:
    """Return the item under a kind, id, concept and relation that none of the domain's can have."""
    _, _, rest = item.id.partition(":")
    is_fact = item.kind == "fact"
    return replace(
        item,
        id=f"fact:{CONTRAST}:{rest}" if is_fact else f"{CONTRAST}:{rest}",
        kind="fact" if is_fact else "contrast",
        specialties=(CONTRAST,),
        concept=f"{CONTRAST}:{item.concept}",
        relation=f"{CONTRAST}:{item.relation}" if item.relation else "",
        document=f"{CONTRAST}:{item.document}" if item.document else "",
    )
