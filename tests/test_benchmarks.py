"""The benchmark of the engines: that it counts, compares and reports what it says, on tiny sizes."""

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from knowshift.models.architecture import anatomy
from knowshift.models.engines.thinning import thinned
from tiny import tiny_model
from torch.utils.flop_counter import FlopCounterMode

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def bench():
    """Its modules, which are scripts beside each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks" / "engines")
        import facts
        import many_adapters
        import side_by_side
        import tables

        yield sys.modules | {"side_by_side": side_by_side, "facts": facts, "adapters": many_adapters, "tables": tables}


@pytest.fixture(scope="module")
def shape(bench):
    return bench["material"].Shape(layers=3, width=32, heads=4, vocabulary=300, rows=4, tokens=48)


@pytest.fixture(scope="module")
def folder(bench, shape, tmp_path_factory):
    return bench["material"].make_model(shape, tmp_path_factory.mktemp("bench") / "model", "float32")


@pytest.fixture(scope="module")
def opened(bench, folder):
    checkpoint = bench["material"].open_model(folder, "cpu", "float32")
    return bench["contenders"].Opened(checkpoint, folder, 1)


@pytest.fixture(scope="module")
def quick(bench):
    return bench["settings"].Settings(threads=1, rounds=2, quick=True)


@pytest.mark.parametrize("share", [0.02, 0.065, 0.2])
def test_the_share_of_targets_is_what_it_says_and_rows_are_read_to_their_end(bench, shape, share):
    shape = replace(shape, tokens=256)
    work = bench["material"].texts(shape, share, torch.device("cpu"))
    tokens = 0
    for sequence in work.sequences:
        places = [place for target in sequence.targets for place in range(target.first, target.last)]
        assert len(places) == len(set(places))
        assert min(places) > 0
        assert max(places) == len(sequence.ids) - 1 == sequence.length
        tokens += len(places)
    assert tokens / sum(len(sequence.ids) for sequence in work.sequences) == pytest.approx(share, rel=0.1)
    assert [len(part) for part in work.read] == [shape.rows]


def test_rows_are_the_same_whatever_the_share_of_targets(bench, shape):
    works = [bench["material"].texts(shape, share, torch.device("cpu")) for share in (0.02, 0.065, 0.2)]
    rows = [[sequence.ids for sequence in work.sequences] for work in works]
    assert rows[0] == rows[1] == rows[2]
    counts = [sum(len(sequence.targets) for sequence in work.sequences) for work in works]
    assert counts == sorted(set(counts))


@pytest.mark.parametrize("layers", [0, 1, 3])
def test_the_bound_counts_what_torch_counts(bench, layers):
    """torch's own counter counts attention's whole square; of it, a causal model needs what lies below."""
    length = 40
    model = tiny_model("llama")
    model.set_attn_implementation("eager")  # whose products it sees
    parts = anatomy(model)
    shape = bench["material"].Shape(3, 32, 4, 300, rows=1, tokens=length)
    work = bench["material"].texts(shape, 0.2, torch.device("cpu"))
    read = work.sequences[0].length
    places = len(work.batches[0][0].row)
    batch, _ = work.batches[0]
    size = tuple(batch.ids.shape)
    with FlopCounterMode(display=False) as counter, thinned(parts, size, batch.row, batch.column):
        hidden = parts.decoder(input_ids=batch.ids).last_hidden_state
        for _ in range(layers):
            parts.head(hidden[0, :places])
    flops = {str(name): count for name, count in counter.get_flop_counts()["Global"].items()}
    square = sum(count for name, count in flops.items() if "attention" in name or "bmm" in name)
    below = square * (read + 1) / (2 * read)
    counted = sum(product.count for product in bench["bound"].products(parts, work, layers))
    assert 2 * counted == pytest.approx(sum(flops.values()) - square + below)


def test_the_bound_is_the_time_of_its_products(bench):
    machine = bench["bound"].Machine(torch.device("cpu"), torch.float32)
    machine.best = {(10, 4, 5): 2.0, (10, 5, 4): 1.0}
    product = bench["bound"].Product
    assert machine.seconds([product(10, 4, 5, 600), product(10, 5, 4, 100)]) == 3 * 2.0 + 0.5 * 1.0
    assert machine.rate() == 200


def test_all_contenders_give_the_same_numbers(bench, shape, opened):
    ours = [each for each in bench["contenders"].CONTENDERS if not each.needs and "transformer-lens" not in each.name]
    runs = {contender.name: contender.open(opened) for contender in ours}
    apart = bench["side_by_side"].agreement(shape, runs, opened.checkpoint)
    assert {name for name in apart if "knowshift" in name} == {name for name in runs if "knowshift" in name}
    assert any("nnsight" in name for name in apart)
    assert max(apart.values()) < 1e-4


def test_a_contender_with_other_numbers_ends_the_run(bench, shape, opened):
    full = bench["contenders"].FULL
    read = full.open(opened)
    runs = {full.name: read, "hasty": lambda work: read(work) + 0.01}
    with pytest.raises(SystemExit, match=r"hasty: its log-probabilities are up to 0\.01 nats from"):
        bench["side_by_side"].agreement(shape, runs, opened.checkpoint)


def test_contenders_take_turns(bench):
    called = []
    calls = {name: lambda name=name: called.append(name) or float(len(called)) for name in "abc"}
    seconds = bench["timing"].rounds(calls, 4)
    assert all(Counter(called[turn : turn + 3]) == Counter("abc") for turn in range(0, 12, 3))
    assert all(called[int(each) - 1] == name for name, values in seconds.items() for each in values)
    assert bench["timing"].ratios([2.0, 6.0, 3.0], [1.0, 2.0, 3.0]) == {"median": 2.0, "low": 1.0, "high": 3.0}


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the mark of memory can be set back on Linux")
def test_peak_memory_is_what_was_held_for_a_moment(bench):
    size, piece = 1 << 26, 1 << 14
    held = [bytearray(piece) for _ in range(2 * size // piece)]  # an earlier peak is not counted
    last = [bytearray(piece)]  # keeps what is freed below it in the process
    del held
    needed = bench["resident"].peak(lambda: [bytearray(piece) for _ in range(size // piece)])
    assert size * 0.95 < needed < size * 1.2
    assert last


def test_a_cue_read_once_and_candidates_alone_agree(bench, shape, folder, quick):
    found = bench["facts"].measure(shape, folder, quick)
    assert max(found["apart"].values()) < 1e-4
    assert {row["name"] for row in found["rows"]} >= {"cue once, every layer", "a sequence a candidate, no lens"}


def test_adapters_lie_on_one_copy_of_the_weights(bench, shape, folder, quick):
    rows = bench["adapters"].measure(shape, folder, quick)["rows"]
    assert [row["adapters"] for row in rows] == [1, 4]
    for row in rows:
        assert row["copies"] == pytest.approx(1, abs=1e-3)
        assert row["weights"] > row["copies"]


def test_tables_are_written_between_the_markers_of_the_page_alone(bench, tmp_path):
    page = tmp_path / "performance.md"
    page.write_text((ROOT / "docs/performance.md").read_text(encoding="utf-8"), encoding="utf-8")
    tables = bench["tables"]
    parts = {name: f"| {name} \\1 |" for name in ("models", "facts", "adapters", "scaling")}
    before = page.read_text(encoding="utf-8")
    tables.write(page, parts)
    after = page.read_text(encoding="utf-8")
    assert all(f"{tables.MARKER.format(name)}\n{table}\n{tables.END}" in after for name, table in parts.items())

    def prose(text):
        return [piece.partition(tables.END)[2] or piece for piece in text.split("<!-- figures:")]

    assert prose(after) == prose(before)
    with pytest.raises(SystemExit, match="expected once <!-- figures: weather -->"):
        tables.write(page, {"weather": ""})
    assert page.read_text(encoding="utf-8") == after


def test_what_was_not_measured_is_said_in_the_table(bench):
    spread = {"median": 2.0, "low": 1.5, "high": 2.5}
    measured = {
        "name": "ours",
        "missing": "",
        "ratio": spread,
        "seconds": spread,
        "bound": 1.6,
        "peak": 5e6,
        "bound_ratio": {"median": 1.3, "low": 1.2, "high": 1.4},
    }
    left_out = {"name": "minicons", "missing": "not measured: MINICONS_PYTHON is not set"}
    model = {"model": "tiny", "batches": [[8, 256]], "weights": 1e9, "rate": 5e10, "rows": [measured, left_out]}
    results = {
        "machine": {"device": "a chip", "cores": 2, "versions": {"torch": "2"}},
        "settings": {"threads": 2, "device": "cpu", "dtype": "float32", "rounds": 5, "quick": True},
        "models": [model],
    }
    parts = bench["tables"].render(results)
    assert "| ours | 2.00 (1.50–2.50) | 2 (1.5–2.5) | 1.30 (1.20–1.40) | 0.94 | 5 |" in parts["models"]
    assert "| minicons | not measured: MINICONS_PYTHON is not set |" in parts["models"]
    on = "a chip, 2 cores, 2 threads, cpu, float32; 5 rounds; torch 2."
    assert parts["models"].startswith(on), "each part has its own: others may be of another run"
    assert "these figures say nothing" in parts["models"]
    rows = [line.count("|") for line in parts["models"].splitlines() if line.startswith("|")]
    assert len(set(rows)) == 1
