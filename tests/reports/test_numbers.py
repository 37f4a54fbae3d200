"""Numbers read back from the page as a person sees it are those of comparison.json and the run's tables."""

from __future__ import annotations

import json
import math
import random

import polars as pl

READ = 30


def numbers(value) -> list[float]:
    """Every number in JSON."""
    if isinstance(value, dict):
        return [number for one in value.values() for number in numbers(one)]
    if isinstance(value, list):
        return [number for one in value for number in numbers(one)]
    return [float(value)] if isinstance(value, int | float) and not isinstance(value, bool) else []


def tables(run) -> set[float]:
    """Every number in the run's parquet files, to the decimals of the page: four; of tokens three, of layers two."""
    found: set[float] = set()
    for file in [*run.glob("*.parquet"), *run.glob("scores/*.parquet")]:
        frame = pl.read_parquet(file)
        for column in frame.iter_columns():
            while isinstance(column.dtype, pl.List):
                column = column.explode()
            if column.dtype.is_numeric():
                values = [float(value) for value in column.drop_nulls().to_list() if math.isfinite(value)]
                found |= {round(value, digits) for value in values for digits in (2, 3, 4)}
    return found


def test_thirty_numbers_of_the_page_stand_in_the_run(visit, report, finished):
    page = visit(report, "#contexts?model=neuro_lora&concept=C0001001&fact=fact:3&fact-of=neuro_lora")
    held = set(numbers(json.loads((finished / "comparison.json").read_text())))
    held_in_tables = tables(finished)

    # What stands as <data> holds its exact value; what is shown is that value, rounded.
    every = page.evaluate(
        "[...document.querySelectorAll('main data')].filter((n) => n.getClientRects().length)"
        ".map((n) => [n.value, n.textContent])"
    )
    assert len(every) > 100
    for exact, shown in random.Random(0).sample(every, READ):
        value, seen = float(exact), float(shown.replace("−", "-").replace(",", "").split()[-1])
        assert value in held or round(value, 4) in held_in_tables, (exact, shown)
        digits = len(shown.partition(".")[2])
        assert abs(seen - value) <= 0.5000001 * 10**-digits

    # The tables' cells, which are text.
    rows = page.evaluate(
        "[...document.querySelectorAll('#terms-records tbody tr[data-place]')].map((tr) => "
        "[...tr.querySelectorAll('.figure')].map((td) => td.textContent))"
    )
    cells = [cell for row in rows for cell in row if cell != "–"]
    for cell in random.Random(1).sample(cells, READ):
        assert min(abs(float(cell.replace("−", "-")) - value) for value in held_in_tables) < 0.00051, cell
