"""Targets find their tokens. The oracle is each token's own bytes, which no offset mapping has a say in."""

import copy
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from knowshift.errors import CheckpointError, ItemError
from knowshift.models.alignment import FLAGS, Encoder, align, shared_prefix, token_range
from knowshift.models.template import Template
from knowshift.terms.items import Item
from tiny import TOKENIZERS, make_tokenizer
from tokenizers import Regex, Tokenizer, models, normalizers
from tokenizers.pre_tokenizers import ByteLevel
from transformers import PreTrainedTokenizerFast

CONTEXT = 512
PIECES = [
    *("a", "e", "s", "seizures", "night", "ECG", "é", "e\u0301", "ß", "中文", "Ж", "5", "%", "–", "'s", "-", ".", ","),
    *("🙂", "👩‍⚕️", "🇬🇧", "\u0301", "\u200b", "\n", "\t", " ", "  ", "   ", "\n\n", " the", " patient", "Ménière"),
]
strings = st.lists(
    st.sampled_from(PIECES) | st.characters(codec="utf-8", exclude_characters="<>▁\x00"), max_size=12
).map("".join)
words = strings.filter(lambda text: text and text == text.strip() and text.isprintable())
before_a_target = st.tuples(strings, st.sampled_from(["", " ", "  ", "\n"])).map("".join)
parts_of_texts = st.sampled_from(["night", "river", "ECG", "🙂", "seizures", "of"])
families = st.sampled_from(sorted(TOKENIZERS))
every_family = pytest.mark.parametrize("family", TOKENIZERS)


def term(text, start, end, id="term:t:0"):
    return Item(
        id=id, kind="term", specialties=("x",), concept="c", name="n", text=text, document="t", start=start, end=end
    )


def mention(text, target, id="term:t:0"):
    return term(text, text.index(target), text.index(target) + len(target), id)


def fact(*candidates, cues=("Absence seizures are first treated with",), id="fact:f"):
    return Item(id=id, kind="fact", specialties=("x",), concept="c", name="n", cues=cues, candidates=candidates)


# A byte-level token's string holds one character a byte; printable bytes stand for themselves.
_CHARACTERS = [c for c in range(256) if chr(c).isprintable() and c not in (0x20, 0xA0, 0xAD)]
_BYTE = {chr(c): c for c in _CHARACTERS}
_BYTE |= {chr(256 + i): c for i, c in enumerate(c for c in range(256) if c not in _CHARACTERS)}


def token_bytes(tokenizer, family, token):
    piece = tokenizer.convert_ids_to_tokens(token)
    if family.startswith("byte"):
        return bytes(_BYTE[character] for character in piece)
    return bytes([int(piece[3:5], 16)]) if piece.startswith("<0x") else piece.replace("▁", " ").encode()


def byte_spans(tokenizer, family, ids, text):
    """Where each token's bytes lie in the text's; special tokens and a space put before the text at less than 0."""
    reached = len(text.encode())
    spans = []
    for token in reversed(ids):
        size = 0 if token in tokenizer.all_special_ids else len(token_bytes(tokenizer, family, token))
        spans.append((reached - size, reached) if size else (-2, -2))
        reached -= size
    assert reached in (0, -1)
    return spans[::-1]


def expected(spans, text, start, end):
    edge = start - 1 if start and text[start - 1] == " " else start
    # A space that the tokenizer puts before the text is the first word's.
    low, high = len(text[:edge].encode()) if start else -1, len(text[:end].encode())
    held = [i for i, (a, b) in enumerate(spans) if b > low and a < high]
    flags = ("straddles_start",) * (spans[held[0]][0] < low) + ("straddles_end",) * (spans[held[-1]][1] > high)
    return held[0], held[-1] + 1, flags


def test_the_oracle_reads_bytes_as_the_tokenizer_does():
    assert set(_BYTE) == set(ByteLevel.alphabet())


@pytest.mark.heavy
@settings(max_examples=250, deadline=None)
@given(families, before_a_target, words, strings)
def test_a_targets_tokens_are_its_characters_and_the_space_before(family, before, target, after):
    tokenizer = make_tokenizer(family)
    text = before + target + after
    start, end = len(before), len(before) + len(target)
    aligned = align([term(text, start, end)], tokenizer, CONTEXT)
    ids = tokenizer(text)["input_ids"]
    first, last, flags = expected(byte_spans(tokenizer, family, ids, text), text, start, end)
    if first == 0:
        assert list(aligned.dropped) == ["term:t:0"]
        assert aligned.sequences == []
        return
    (sequence,) = aligned.sequences
    (found,) = sequence.targets
    assert list(sequence.ids) == ids
    assert (found.first, found.last, found.characters) == (first, last, len(target))
    assert found.flags == flags
    assert set(found.flags) <= set(FLAGS)
    if not tokenizer.decode(ids).count("\ufffd"):
        assert target in tokenizer.decode(ids[found.first : found.last])


@pytest.mark.heavy
@settings(max_examples=150, deadline=None)
@given(families, words, st.lists(words, min_size=2, max_size=5, unique=True), st.sampled_from([" ", ""]))
def test_candidates_of_a_cue_begin_after_the_same_tokens(family, cue, candidates, joiner):
    tokenizer = make_tokenizer(family)
    item = replace(fact(*candidates, cues=(cue, f"{cue} {cue}")), joiner=joiner)
    aligned = align([item], tokenizer, CONTEXT)
    if aligned.dropped:
        # No beginning-of-sequence token, and the cue's first token runs into an answer.
        assert tokenizer.bos_token_id != tokenizer("a")["input_ids"][0]
        return
    assert len(aligned.sequences) == 2 * len(candidates)
    for index, wording in enumerate(item.cues):
        rows = aligned.sequences[index * len(candidates) :][: len(candidates)]
        texts = [f"{wording}{joiner}{candidate}" for candidate in candidates]
        assert [row.ids.tolist() for row in rows] == [tokenizer(text)["input_ids"] for text in texts]
        assert [(row.targets[0].cue, row.targets[0].role) for row in rows] == [
            (index, k) for k in range(len(candidates))
        ]
        (first,) = {row.targets[0].first for row in rows}
        assert {row.shared for row in rows} == {first}
        assert len({tuple(row.ids[:first]) for row in rows}) == 1
        edge = len(wording.encode())
        spans = [byte_spans(tokenizer, family, row.ids, text) for row, text in zip(rows, texts, strict=True)]
        crossing = min(next(i for i, (_, high) in enumerate(each) if high > edge) for each in spans)
        assert first == min(crossing, shared_prefix([row.ids for row in rows]))
        for row, each in zip(rows, spans, strict=True):
            assert row.targets[0].last == len(row.ids) == row.length + 1
            assert ("straddles_start" in row.targets[0].flags) == (each[first][0] < edge)


def test_published_search_for_token_ids_reads_the_wrong_tokens_where_ours_reads_the_target():
    """S-MedQA's script looks a word's isolated ids up in the text and takes "not found" (-1) for a position."""
    tokenizer = make_tokenizer("byte_bpe")
    text = "Absence seizures are first treated with ethosuximide."
    ids, alone = tokenizer(text)["input_ids"], tokenizer("ethosuximide")["input_ids"]

    def search(needle, hay):
        return next((i for i in range(len(hay) - len(needle) + 1) if hay[i : i + len(needle)] == needle), -1)

    at = search(alone, ids)
    assert at == -1
    assert tokenizer.decode(ids[at:][: len(alone)]) == "."
    (sequence,) = align([mention(text, "ethosuximide")], tokenizer, CONTEXT).sequences
    (found,) = sequence.targets
    assert tokenizer.decode(ids[found.first : found.last]) == " ethosuximide"
    assert found.flags == ()


@every_family
def test_one_targets_range_for_an_emoji_whose_bytes_share_an_offset(family):
    tokenizer = make_tokenizer(family)
    (sequence,) = align([mention("The sign 👩‍⚕️ is here", "👩‍⚕️")], tokenizer, CONTEXT).sequences
    (found,) = sequence.targets
    assert found.last - found.first > 4
    decoded = tokenizer.decode(sequence.ids[found.first : found.last]).strip()
    assert decoded == "👩‍⚕️" or ("straddles_start" in found.flags and decoded.endswith(" 👩‍⚕️"))


def test_trimmed_and_untrimmed_offsets_give_the_same_tokens():
    text = "one  two   river\n  seizures 🙂"
    plain, trimmed = (
        align(
            [mention(text, word, word) for word in ("two", "river", "seizures", "🙂")], make_tokenizer(family), CONTEXT
        )
        for family in ("byte_bpe", "byte_bpe_trimmed")
    )
    assert plain == trimmed
    # Only the last of several spaces is the target's.
    ids = plain.sequences[0].ids
    two = plain.sequences[0].targets[0]
    assert make_tokenizer("byte_bpe").decode(ids[two.first : two.last]) == " two"


@pytest.mark.parametrize("span", [(3, 3), (4, 4), (3, 4)])
def test_a_lone_space_of_any_width_belongs_to_the_target_it_stands_before(span):
    """foo␣bar in three tokens; a trimmed lone space has width 0, and its span is put right by the encoder."""

    class Toy:
        is_fast, bos_token_id = True, None

        def __call__(self, texts, **_):
            offsets = [[(0, 3), span, (4, 7)] for _ in texts]
            return {
                "input_ids": [[5, 6, 7]] * len(texts),
                "offset_mapping": offsets,
                "special_tokens_mask": [[0, 0, 0]] * len(texts),
            }

    (sequence,) = align([term("foo bar", 4, 7)], Toy(), CONTEXT).sequences
    assert (sequence.targets[0].first, sequence.targets[0].last) == (1, 3)


def test_merges_may_change_tokens_well_before_the_cues_edge():
    """c·u·e␣a but c·ue·␣·b: both cross the edge at the third token, and only the first is shared."""
    merges = [(" ", "a"), ("e", " a"), ("u", "e")]
    pieces = [*"abcue ", *("".join(merge) for merge in merges)]
    core = Tokenizer(models.BPE({piece: index for index, piece in enumerate(pieces)}, merges))
    aligned = align([fact("a", "b", cues=("cue",))], PreTrainedTokenizerFast(tokenizer_object=core), CONTEXT)
    assert [[pieces[i] for i in row.ids] for row in aligned.sequences] == [["c", "u", "e a"], ["c", "ue", " ", "b"]]
    assert [(row.shared, row.targets[0].first) for row in aligned.sequences] == [(1, 1), (1, 1)]
    assert all("straddles_start" in row.targets[0].flags for row in aligned.sequences)


@every_family
def test_a_target_at_the_very_first_token_needs_a_beginning_of_sequence(family):
    tokenizer = make_tokenizer(family)
    aligned = align([mention("Seizures are treated", "Seizures")], tokenizer, CONTEXT)
    if tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id:
        assert aligned.sequences[0].targets[0].first >= 1
        assert aligned.dropped == {}
    else:
        assert aligned.sequences == []
        assert "very first token" in aligned.dropped["term:t:0"]


def test_dropping_one_target_keeps_the_others_of_its_text():
    text = "Seizures are treated with ethosuximide"
    aligned = align(
        [mention(text, "Seizures", "a"), mention(text, "ethosuximide", "b")], make_tokenizer("byte_bpe"), CONTEXT
    )
    assert list(aligned.dropped) == ["a"]
    assert [target.item for sequence in aligned.sequences for target in sequence.targets] == ["b"]


def test_characters_that_a_tokenizer_leaves_out_drop_the_item():
    stripped = copy.deepcopy(make_tokenizer("byte_bpe"))
    stripped.backend_tokenizer.normalizer = normalizers.Replace(Regex("[★]"), "")
    aligned = align([mention("It was a ★ in the night", "★", "a")], stripped, CONTEXT)
    assert list(aligned.dropped) == ["a"]


def test_facts_alone_texts_alone_and_nothing():
    tokenizer = make_tokenizer("byte_bpe")
    assert align([], tokenizer, CONTEXT).sequences == []
    assert len(align([fact("a", "b")], tokenizer, CONTEXT).sequences) == 2
    assert len(align([mention("one river", "river")], tokenizer, CONTEXT).sequences) == 1


def test_what_is_not_asked_for_after_the_last_target_is_not_read():
    (sequence,) = align(
        [mention("the river was high in the night", "river")], make_tokenizer("byte_bpe"), CONTEXT
    ).sequences
    assert sequence.length == sequence.targets[0].last - 1 < len(sequence.ids)


def test_a_tokenizer_without_offsets_is_refused_by_name():
    class Slow:
        is_fast, name_or_path = False, "slow/model"

    with pytest.raises(CheckpointError, match=r"slow/model.*tokenizer\.json"):
        Encoder(Slow())


def test_no_token_holds_the_target():
    with pytest.raises(ItemError, match="'bar'"):
        token_range([(0, 3)], "foo bar", 4, 7)


# Windows


@pytest.mark.heavy
@settings(max_examples=100, deadline=None)
@given(families, st.integers(24, 64), st.lists(parts_of_texts, min_size=60, max_size=160), st.data())
def test_long_texts_are_read_in_windows(family, context, parts, data):
    """Each target once, from its own tokens, with half a window before it where the text has it."""
    tokenizer = make_tokenizer(family)
    text = " ".join(parts)
    starts = [sum(len(part) + 1 for part in parts[:i]) for i in range(len(parts))]
    chosen = sorted(data.draw(st.sets(st.integers(1, len(parts) - 1), min_size=1, max_size=8)))
    items = [term(text, starts[i], starts[i] + len(parts[i]), id=str(i)) for i in chosen]
    whole = align(items, tokenizer, 10**6).sequences[0]
    assume(len(whole.ids) > context)
    head = int(tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id)
    windows = align(items, tokenizer, context).sequences
    where = {target.item: target for target in whole.targets}
    seen = []
    for window in windows:
        assert len(window.ids) <= context
        assert window.ids[:head] == whole.ids[:head]
        for target in window.targets:
            full = where[target.item]
            assert window.ids[target.first : target.last] == whole.ids[full.first : full.last]
            before = full.first - head
            assert target.first - head >= min(before, (context - head) // 2)
            begin = full.first - target.first
            assert window.ids[head : target.last] == whole.ids[head + begin : full.last]
            assert ("windowed" in target.flags) == (target.window > 0) == (begin > 0)
            seen.append(target.item)
    assert sorted(seen) == sorted(where)
    assert len({target.window for window in windows for target in window.targets}) == len(windows)


def test_a_text_that_fits_is_one_sequence():
    text = "the river " * 10
    items = [term(text, 4 + 10 * i, 9 + 10 * i, id=str(i)) for i in range(10)]
    tokenizer = make_tokenizer("byte_bpe")
    length = len(tokenizer(text)["input_ids"])
    (sequence,) = align(items, tokenizer, length).sequences
    assert len(sequence.targets) == 10
    assert len(align(items, tokenizer, length - 1).sequences) > 1


def test_a_target_longer_than_the_context_is_one_line():
    text = "It was " + "seizures" * 30 + " and more " * 5
    with pytest.raises(ItemError, match=r"item big: its target has \d+ tokens.* context of 16; shorten") as error:
        align([mention(text, "seizures" * 30, "big")], make_tokenizer("byte_bpe"), 16)
    assert "\n" not in str(error.value)
    with pytest.raises(ItemError, match=r"item fact:f: its answers have up to \d+ tokens.* context of 16") as error:
        align([fact("xyz" * 30, "b")], make_tokenizer("byte_bpe"), 16)
    assert "\n" not in str(error.value)


@every_family
def test_a_long_cue_is_cut_alike_for_all_candidates(family):
    tokenizer = make_tokenizer(family)
    cue = "It was a dark night in the old town and the river was high after " * 4 + "a week of"
    candidates = ("rain", "atrial fibrillation", "bread")
    whole = align([fact(*candidates, cues=(cue,))], tokenizer, 10**6).sequences
    cut = align([fact(*candidates, cues=(cue,))], tokenizer, 40).sequences
    lost = {len(a.ids) - len(b.ids) for a, b in zip(whole, cut, strict=True)}
    assert lost == {max(len(row.ids) for row in whole) - 40}
    head = int(tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id)
    for before, after in zip(whole, cut, strict=True):
        assert after.targets[0].flags == (*before.targets[0].flags, "cue_cut")
        assert after.ids == before.ids[:head] + before.ids[head + min(lost) :]
        assert before.ids[before.targets[0].first :] == after.ids[after.targets[0].first :]
    assert max(len(row.ids) for row in cut) == 40


# Templates


@every_family
def test_behind_a_template_targets_are_the_same_and_the_prefix_is_no_part_of_them(family):
    tokenizer = make_tokenizer(family)
    text = "the old river and the seizures"
    items = [mention(text, "river", "a"), mention(text, "seizures", "b"), fact("rain", "bread")]
    plain, behind = (align(items, tokenizer, CONTEXT, t) for t in (Template(), Template("file", "Question:\n")))
    assert not behind.dropped
    for a, b in zip(plain.sequences, behind.sequences, strict=True):
        for one, other in zip(a.targets, b.targets, strict=True):
            assert tokenizer.decode(a.ids[one.first : one.last]) == tokenizer.decode(b.ids[other.first : other.last])
    begins = tokenizer("a")["input_ids"][0] == tokenizer.bos_token_id
    assert (behind.sequences[0].ids[0] == tokenizer.bos_token_id) == begins
    assert behind.sequences[0].ids.count(tokenizer.bos_token_id) == int(begins)


def test_windows_behind_a_template_all_begin_with_it():
    tokenizer = make_tokenizer("byte_bpe")
    words = Template("file", "Note:\n")
    text = "the river was high " * 30
    items = [term(text, 4 + 19 * i, 9 + 19 * i, id=str(i)) for i in range(30)]
    head = tokenizer("Note:\n")["input_ids"]
    windows = align(items, tokenizer, 48, words).sequences
    assert len(windows) > 2
    assert all(window.ids[: len(head)].tolist() == head and len(window.ids) <= 48 for window in windows)
