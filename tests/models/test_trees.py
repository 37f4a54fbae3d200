"""Trees: what a place sees is its row's tokens up to it, in their order, and nothing else."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from knowshift.models.alignment import Target, TokenSequence
from knowshift.models.engines.trees import build_trees
from knowshift.models.scoring import make_batch

tokens = st.integers(1, 3)  # few, so that candidates often go on alike


@st.composite
def sequences(draw):
    """Texts with a few targets, and cues with the candidates that begin with them."""
    out = []
    for _ in range(draw(st.integers(1, 5))):
        stem = draw(st.lists(tokens, min_size=1, max_size=5))
        if draw(st.booleans()):
            for own in draw(st.lists(st.lists(tokens, min_size=1, max_size=4), min_size=1, max_size=4)):
                ids = stem + own
                out.append(TokenSequence(ids, [Target("f", 0, 0, 0, len(stem), len(ids), 1)], len(stem)))
        else:
            ids = [*stem, *draw(st.lists(tokens, min_size=1, max_size=6))]
            begins = draw(st.sets(st.integers(1, len(ids) - 1), min_size=1))
            out.append(TokenSequence(ids, [Target("t", 0, 0, 0, i, i + 1, 1) for i in sorted(begins)]))
    return out


@settings(max_examples=200, deadline=None)
@given(sequences())
def test_a_place_sees_its_row_and_nothing_else(sequences):
    batch, wanted = make_batch(sequences, "cpu")
    trees = build_trees(batch)
    for place, (tree, at) in enumerate(zip(trees.row, trees.column, strict=True)):
        seen = trees.sees[tree, at]
        end = batch.column[place] + 1
        assert trees.ids[tree, seen].tolist() == sequences[batch.row[place]].ids[:end].tolist()
        assert trees.positions[tree, seen].tolist() == list(range(end))
    # Every target token is predicted from what stands before it.
    asked = [
        (s.ids[:i].tolist(), s.ids[i], i == t.first)
        for s in sequences
        for t in s.targets
        for i in range(t.first, t.last)
    ]
    rows, columns = trees.row[wanted.place], trees.column[wanted.place]
    before = [trees.ids[tree, trees.sees[tree, at]].tolist() for tree, at in zip(rows, columns, strict=True)]
    assert list(zip(before, wanted.target.tolist(), wanted.first.tolist(), strict=True)) == asked


@given(sequences())
def test_nothing_shared_is_read_twice(sequences):
    batch, _ = make_batch(sequences, "cpu")
    trees = build_trees(batch)
    assert len(trees.ids) == int(batch.stem.max()) + 1
    assert len(set(zip(trees.row.tolist(), trees.column.tolist(), strict=True))) == len(batch.row)
    assert trees.sees.any(-1).all(), "a softmax over nothing is not a number"
    assert torch.equal(trees.sees, trees.sees.tril())
