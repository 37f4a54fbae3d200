"""From characters to tokens: items become token sequences with the places of their targets.

Text is encoded once; targets are found by the tokenizer's own character offsets, never by searching token ids.
Offsets differ by tokenizer family (trimmed spaces, a lone space of width 0, the bytes of one emoji sharing an
offset), so every rule below is written for spans and tested on each family.

Written for `models.scoring`; `FLAGS` is read by reports.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from ..errors import CheckpointError, ItemError
from .template import PLAIN, Template

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from ..terms.items import Item

FLAGS = {
    "straddles_start": "the first token also holds characters before the target",
    "straddles_end": "the last token also holds characters after the target",
    "windowed": "read in a later window of a text longer than the context",
    "cue_cut": "the beginning of the cue was cut: cue and answer are longer than the context",
}


AT_ONCE = 64
"""Facts, or texts, that are encoded in one call: their offsets and the tokenizer's own records are let go after it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Tokens `first` to `last` (exclusive) of a sequence, and the score row they belong to."""

    item: str
    cue: int
    role: int
    window: int
    first: int
    last: int
    characters: int
    flags: tuple[str, ...] = ()


@dataclass(slots=True)
class TokenSequence:
    """Token ids with the targets in them; what one row of a batch holds."""

    ids: Sequence[int]
    targets: list[Target] = field(default_factory=list)
    shared: int = 0
    """Leading tokens that its neighbours in the list, the other candidates of its cue, begin with too."""
    least: int = 0
    """Tokens that must be read whatever the targets are (`models.scoring.plan_scoring`)."""

    def __post_init__(self) -> None:
        # All texts' are held at once, and a list takes nine times as much.
        self.ids = array("i", self.ids)

    @property
    def length(self) -> int:
        """Tokens that must be read for the targets."""
        # The last target's last token is predicted by the one before it, and what follows predicts no target.
        return max(self.least, *(target.last - 1 for target in self.targets))


@dataclass(slots=True)
class Aligned:
    """All sequences of a list of items, and what was left out: item id → reason."""

    sequences: list[TokenSequence]
    dropped: dict[str, str]
    prefix: str = ""
    """What stands before every text."""


@dataclass(slots=True)
class _Encoded:
    """A text's tokens; `spans` are in the text's own characters (the template's prefix taken off)."""

    ids: list[int]
    spans: list[tuple[int, int]]
    head: int
    """Tokens at the start that are not the text's: special tokens and the template's prefix."""


class Encoder:
    """Encodes strings behind a template with one tokenizer."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, template: Template = PLAIN):
        if not tokenizer.is_fast:
            raise CheckpointError(
                f"tokenizer {tokenizer.name_or_path}: gives no character offsets; "
                "save it as a fast tokenizer (tokenizer.json) first"
            )
        self.tokenizer = tokenizer
        self.prefix = template.prefix(tokenizer)
        self.special = not self.prefix

    def __call__(self, texts: list[str]) -> list[_Encoded]:
        """Encodes `texts`; tokens after the text (an end-of-sequence token) are taken off."""
        if not texts:
            return []
        batch = self.tokenizer(
            [self.prefix + text for text in texts],
            add_special_tokens=self.special,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
            return_attention_mask=False,
            verbose=False,
        )
        columns = (batch["input_ids"], batch["offset_mapping"], batch["special_tokens_mask"])
        return [self._encoded(text, *row) for text, *row in zip(texts, *columns, strict=True)]

    def _encoded(self, text: str, ids: list[int], offsets: list[tuple[int, int]], special: list[int]) -> _Encoded:
        offset, end = len(self.prefix), len(ids)
        while self.special and end > 1 and special[end - 1] and offsets[end - 1][1] <= 0:
            end -= 1
        head = next((i for i in range(end) if not special[i]), end) if self.special else 0
        while head < end and offsets[head][1] <= offset and offsets[head][0] < offset:
            head += 1
        spans = [(-1, -1)] * head
        reached = 0
        for low, high in offsets[head:end]:
            low, high = low - offset, high - offset
            # Spaces that no token holds were trimmed off this one's offsets; off both its sides if it is a lone space.
            if low > reached and text[reached:low].isspace():
                low = reached
            elif low == high == reached and text[reached : reached + 1].isspace():
                high += 1
            spans.append((low, high))
            reached = max(reached, high)
        return _Encoded(ids[:end], spans, head)


def token_range(spans: Sequence[tuple[int, int]], text: str, start: int, end: int) -> tuple[int, int, tuple[str, ...]]:
    """Tokens that hold the characters `text[start:end]` and the space before them.

    Returns first and last (exclusive) token and the flags of tokens that cross an edge. `spans` are character
    spans of the tokens, ascending; a span of (-1, -1) belongs to no character. Raises `ItemError` where no token
    holds the target.
    """
    edge = start - 1 if start and text[start - 1] == " " else start
    held = [index for index, (low, high) in enumerate(spans) if low < end and high > edge and high > low]
    if not any(spans[index][1] > start for index in held):
        raise ItemError(f"no token holds {text[start:end]!r} (characters {start} to {end})")
    first, last = held[0], held[-1] + 1
    flags = []
    if spans[first][0] < edge:
        flags.append("straddles_start")
    if spans[last - 1][1] > end:
        flags.append("straddles_end")
    return first, last, tuple(flags)


def _windows(encoded: _Encoded, targets: list[Target], context: int) -> list[TokenSequence]:
    """Cuts a text longer than the context into windows that each begin with its head.

    Each target is read in one window, with at least half a window of left context where the text has it.
    """
    if len(encoded.ids) <= context:
        return [TokenSequence(encoded.ids, targets)]
    head, size = encoded.ids[: encoded.head], context - encoded.head
    body = encoded.ids[encoded.head :]
    longest = max((target.last - target.first for target in targets), default=0)
    stride = size - size // 2 - longest
    if stride < 1:
        raise ItemError(
            f"item {max(targets, key=lambda t: t.last - t.first).item}: its target has {longest} tokens, "
            f"too long for a context of {context}; shorten the target or use a model with a longer context"
        )
    windows: dict[int, TokenSequence] = {}
    for target in targets:
        first = target.first - encoded.head
        index = max(0, first - size // 2) // stride
        begin = index * stride
        if index not in windows:
            windows[index] = TokenSequence(head + body[begin : begin + size])
        windows[index].targets.append(
            replace(
                target,
                window=index,
                first=target.first - begin,
                last=target.last - begin,
                flags=target.flags + (("windowed",) if index else ()),
            )
        )
    return [windows[index] for index in sorted(windows)]


def _align_texts(items: list[Item], encoder: Encoder, context: int, out: Aligned) -> None:
    """Term and word items, grouped by their text: one sequence a text (or window of it)."""
    by_text: dict[str, list[Item]] = {}
    for item in items:
        by_text.setdefault(item.text, []).append(item)
    texts = iter(by_text)
    while some := list(islice(texts, AT_ONCE)):
        for text, encoded in zip(some, encoder(some), strict=True):
            if targets := _text_targets(by_text[text], encoded, text, out):
                out.sequences.extend(_windows(encoded, targets, context))


def _text_targets(members: list[Item], encoded: _Encoded, text: str, out: Aligned) -> list[Target]:
    """Where the items of a text stand among its tokens."""
    targets = []
    for item in members:
        try:
            first, last, flags = token_range(encoded.spans, text, item.start, item.end)
        except ItemError:
            out.dropped[item.id] = "the tokenizer leaves out its characters"
            continue
        if first == 0:
            out.dropped[item.id] = "at the very first token, which no model predicts"
            continue
        targets.append(Target(item.id, 0, 0, 0, first, last, item.end - item.start, flags))
    return targets


def shared_prefix(rows: Sequence[Sequence[int]]) -> int:
    """Length of the longest prefix that all rows share."""
    shortest = min(map(len, rows))
    return next((i for i in range(shortest) if len({row[i] for row in rows}) > 1), shortest)


def _align_facts(items: Iterable[Item], encoder: Encoder, context: int, out: Aligned) -> None:
    """One sequence for each cue and candidate."""
    items = iter(items)
    while some := list(islice(items, AT_ONCE)):
        asked = [f"{cue}{item.joiner}{answer}" for item in some for cue in item.cues for answer in item.scored]
        rows = iter(encoder(asked))
        for item in some:
            for cue in range(len(item.cues)):
                _align_cue(item, cue, list(islice(rows, len(item.scored))), context, out)


def _align_cue(item: Item, cue: int, rows: list[_Encoded], context: int, out: Aligned) -> None:
    """The candidates of one cue, which all begin after the same tokens."""
    end = len(item.cues[cue])
    within = min(
        next((i for i, (low, high) in enumerate(row.spans) if high > end or low >= end), len(row.ids)) for row in rows
    )
    first = min(within, shared_prefix([row.ids for row in rows]))
    if first == 0:
        out.dropped[item.id] = "its cue has no token of its own"
    if first >= min(len(row.ids) for row in rows):
        out.dropped[item.id] = "one of its candidates has no token of its own"
    if item.id in out.dropped:
        return
    longest = max(len(row.ids) for row in rows)
    cut = max(0, longest - context)
    head = min(row.head for row in rows)
    if cut and head + cut >= first:
        raise ItemError(
            f"item {item.id}: its answers have up to {longest - first} tokens, too long for a context of "
            f"{context}; shorten them or use a model with a longer context"
        )
    for role, (row, candidate) in enumerate(zip(rows, item.scored, strict=True)):
        low = row.spans[first][0]
        flags = ("straddles_start",) * (low < end) + ("cue_cut",) * (cut > 0)
        ids = row.ids[:head] + row.ids[head + cut :]
        target = Target(item.id, cue, role, 0, first - cut, len(ids), len(candidate), flags)
        out.sequences.append(TokenSequence(ids, [target], first - cut))


def align(
    items: Iterable[Item], tokenizer: PreTrainedTokenizerBase, context: int, template: Template = PLAIN
) -> Aligned:
    """Token sequences of `items` for one tokenizer and a context of `context` tokens.

    Raises `ItemError` where a target does not fit the context, `CheckpointError` where the tokenizer gives no
    offsets. Items that cannot be scored for a reason of the tokenizer's are in `dropped`.
    """
    items = list(items)
    encoder = Encoder(tokenizer, template)
    out = Aligned([], {}, encoder.prefix)
    _align_facts((item for item in items if item.cues), encoder, context, out)
    _align_texts([item for item in items if not item.cues], encoder, context, out)
    if out.dropped:
        out.sequences = [
            kept
            for sequence in out.sequences
            if (kept := replace(sequence, targets=[t for t in sequence.targets if t.item not in out.dropped])).targets
        ]
    return out
