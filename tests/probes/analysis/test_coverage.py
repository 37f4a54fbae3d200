"""The 95% intervals of every method hold a truth that is known, about as often as they say."""

import runpy
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

MADE = runpy.run_path(str(Path(__file__).parents[3] / "benchmarks" / "coverage.py"))
DRAWS = 199


@pytest.mark.parametrize("simulation", [one for one in MADE["SIMULATIONS"] if not one.large], ids=lambda one: one.of)
def test_the_interval_covers(simulation):
    share, _ = simulation.covered(400 if simulation.of.startswith("mean") else 150, DRAWS)
    assert 0.90 <= share <= 0.985


def test_few_clusters_get_students_interval():
    methods = {few: MADE["alone"](few, "normal").covered(2)[1] for few in (8, 29, 30)}
    assert methods == {8: "clustered t", 29: "clustered t", 30: "two-way cluster bootstrap"}


def test_a_few_values_beside_many_are_few():
    assert MADE["beside"](6, 84).covered(2)[1] == "clustered t"
