"""The batch plan: everything once, together what belongs together, and the same each time."""

from hypothesis import given
from hypothesis import strategies as st
from knowshift.models.plan import BatchPlan

cues = st.lists(st.tuples(st.integers(0, 30), st.lists(st.integers(1, 9), min_size=1, max_size=9)), max_size=40)


def rows(cues):
    """Lengths and stems of the cues' candidates; a cue of 0 shared tokens stands for texts."""
    lengths = [shared + own for shared, owns in cues for own in owns]
    stems = [[index] * shared for index, (shared, owns) in enumerate(cues) for _ in owns]
    return lengths, stems


def size(batch, lengths, stems):
    """Tokens read: each stem once, each row's own tokens."""
    alone = sum(lengths[index] for index in batch if not stems[index])
    seen = {tuple(stems[index]) for index in batch if stems[index]}
    return alone + sum(map(len, seen)) + sum(lengths[index] - len(stems[index]) for index in batch if stems[index])


@given(cues, st.integers(1, 200), st.integers(1, 600))
def test_every_sequence_once_within_the_budgets(cues, batch_tokens, shard_tokens):
    lengths, stems = rows(cues)
    plan = BatchPlan.of(lengths, stems, batch_tokens, shard_tokens)
    batches = [batch for shard in plan.shards for batch in shard]
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        assert size(batch, lengths, stems) <= batch_tokens or len({tuple(stems[index]) for index in batch}) == 1
    assert all(shard for shard in plan.shards)
    for shard in plan.shards:
        assert sum(size(batch, lengths, stems) for batch in shard) <= shard_tokens or len(shard) == 1
    assert plan.tokens >= sum(size(batch, lengths, stems) for batch in batches)
    assert plan == BatchPlan.of(lengths, stems, batch_tokens, shard_tokens)


@given(cues)
def test_the_candidates_of_a_cue_stay_together(cues):
    lengths, stems = rows(cues)
    plan = BatchPlan.of(lengths, stems, 400)
    where = {index: number for number, batch in enumerate(b for s in plan.shards for b in s) for index in batch}
    for index in range(1, len(lengths)):
        if stems[index] and stems[index] == stems[index - 1]:
            assert where[index] == where[index - 1]


@given(st.lists(st.integers(1, 100), min_size=1))
def test_the_longest_go_first(lengths):
    order = [index for shard in BatchPlan.of(lengths, batch_tokens=150).shards for batch in shard for index in batch]
    assert order == sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))


def test_a_sequence_longer_than_the_budget_runs_alone():
    assert BatchPlan.of([50, 5, 5], batch_tokens=10).shards[0][0] == (0,)


def test_nothing_to_plan():
    assert BatchPlan.of([]) == BatchPlan((), 0)


@given(cues, st.integers(1, 40), st.integers(1, 200))
def test_no_batch_holds_sequences_on_both_sides_of_a_boundary(cues, boundary, batch_tokens):
    lengths, stems = rows(cues)
    plan = BatchPlan.of(lengths, stems, batch_tokens, boundary=boundary)
    batches = [batch for shard in plan.shards for batch in shard]
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    assert all(len({lengths[index] > boundary for index in batch}) == 1 for batch in batches)
