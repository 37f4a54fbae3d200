"""How often the 95% intervals hold a truth that is known: `python benchmarks/coverage.py [REPEATS]` prints the table.

Every simulation draws data anew from a world with a known effect and asks the instrument's own functions for its
interval. Shorter versions of the same simulations are tests.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from knowshift.models.table import TEMPERATURES
from knowshift.probes.analysis.centring import Centred
from knowshift.probes.analysis.knowledge import measure
from knowshift.probes.analysis.matrix import diagonal
from knowshift.probes.analysis.replicates import spread_over
from knowshift.probes.analysis.resample import Array, Bootstrap, Clusters, bootstrap
from knowshift.probes.analysis.shift import matched_shift
from knowshift.probes.analysis.targets import Targets
from knowshift.probes.results.estimate import Estimate

DRAWS = 499
GAMMA, SHIFT, LEARNED = 0.3, 0.3, 1.0

Draw = Callable[[np.random.Generator, int, int], Estimate]


@dataclass(frozen=True)
class Simulation:
    """An interval to be tried."""

    of: str
    truth: float
    draw: Draw
    """(generator, seed, draws of the bootstrap) → one estimate from one drawn sample."""
    large: bool = False
    """Too slow for a test."""

    def covered(self, repeats: int, draws: int = DRAWS) -> tuple[float, str]:
        """Share of the intervals that hold the truth, and the method that made them."""
        found = [self.draw(np.random.default_rng(seed), seed, draws) for seed in range(repeats)]
        (method,) = {one.method for one in found}
        return float(np.mean([one.low <= self.truth <= one.high for one in found])), method


def _mean(values: Array) -> Callable[[Array], Array]:
    return lambda weights: (weights @ values / weights.sum(1))[:, None]


def _estimate(found: Bootstrap) -> Estimate:
    return found.estimate(0, 1, "nats")


def trainings(count: int) -> Simulation:
    def draw(rng: np.random.Generator, seed: int, draws: int) -> Estimate:
        values = rng.normal(size=count)
        return spread_over({f"seed {place}": Estimate(float(value)) for place, value in enumerate(values)}).mean

    return Simulation(f"mean of {count} trainings", 0.0, draw)


def crossed(items: int, clusters: int) -> Simulation:
    def draw(rng: np.random.Generator, seed: int, draws: int) -> Estimate:
        concept, answer = (rng.permutation(np.arange(items) % clusters) for _ in range(2))
        values = rng.normal(size=clusters)[concept] + rng.normal(size=clusters)[answer] + 0.5 * rng.normal(size=items)
        return _estimate(bootstrap(_mean(values), Clusters.of(concept.tolist(), answer.tolist()), seed, draws))

    return Simulation(f"mean of {items} items, {clusters} concepts crossed with {clusters} answers", 0.0, draw)


def alone(items: int, kind: str) -> Simulation:
    def draw(rng: np.random.Generator, seed: int, draws: int) -> Estimate:
        values = rng.normal(size=items) if kind == "normal" else rng.exponential(size=items)
        return _estimate(bootstrap(_mean(values), Clusters.of(range(items), range(items)), seed, draws))

    return Simulation(f"mean of {items} {kind} values", 0.0 if kind == "normal" else 1.0, draw)


def beside(few: int, many: int) -> Simulation:
    def draw(rng: np.random.Generator, seed: int, draws: int) -> Estimate:
        values, own = rng.normal(size=few + many), np.arange(few + many) < few

        def statistic(weights: Array) -> Array:
            with np.errstate(invalid="ignore", divide="ignore"):
                return _mean(values[own])(weights[:, own]) - _mean(values[~own])(weights[:, ~own])

        clusters = Clusters.of(range(few + many), range(few + many))
        return _estimate(bootstrap(statistic, clusters, seed, draws, clusters.fewest(own, ~own)))

    return Simulation(f"mean of {few} values less that of {many} others", 0.0, draw)


def knowledge(own: int, other: int, dose: float) -> Simulation:
    """A fact is learned with probability `dose`, and then gains `LEARNED`: the truth is the mean over all such.

    Most facts are clearly unknown to the base. A relation has eight of them, and moves a little by itself.
    """

    def draw(rng: np.random.Generator, seed: int, draws: int) -> Estimate:
        facts = own + other
        is_own = np.arange(facts) < own
        relation = np.arange(facts) // 8
        base = rng.normal(size=(facts, 6))
        base[:, 0] -= 1.5
        tuned = base + rng.normal(0, 0.3, base.shape)
        tuned[:, 0] += 0.1 * rng.normal(size=relation.max() + 1)[relation]
        tuned[:, 0] += LEARNED * (is_own & (rng.random(facts) < dose))
        centred = Centred(base, tuned, np.tile(np.arange(6) > 0, (facts, 1)))
        found = measure(
            centred,
            is_own,
            ~is_own,
            [f"r{number}" for number in relation],
            ["own" if mine else "other" for mine in is_own],
            Clusters.of(range(facts), range(facts)),
            seed,
            unit="nats/token",
            draws=draws,
            permute=False,
        )
        return found.acquired

    learned = f"{dose:.0%} of the own learned (+1 nat)" if dose else "none learned"
    return Simulation(f"acquired, {own} own and {other} other facts, {learned}", dose * LEARNED, draw, own > 100)


def shift(concepts: int) -> Simulation:
    """Targets of the domain are rarer, rarer ones gain more, and the domain's gain `SHIFT` beside that."""

    def draw(rng: np.random.Generator, seed: int, draws: int) -> Estimate:
        domain = np.arange(3 * concepts) < concepts
        concept = np.repeat(np.arange(3 * concepts), 4)
        rarity = rng.normal(np.where(domain, -4.0, -3.5), 1.0)
        base = rarity[concept] + rng.normal(0, 0.3, len(concept))
        moved = rng.normal(0, 0.3, 3 * concepts)[concept] + rng.normal(0, 0.3, len(base))
        targets = Targets(
            item=np.arange(len(base)),
            group=np.where(domain[concept], "other", "contrast"),
            string=concept,
            capital=np.zeros(len(base), dtype=bool),
            base=base,
            tokens=np.ones(len(base)),
            gain=moved - 0.02 * rarity[concept] + SHIFT * domain[concept],
            # No temperature changes anything: what it would predict is another matter.
            tempered=np.repeat(base[:, None], len(TEMPERATURES), axis=1),
        )
        document = rng.permutation(len(base)) % 60
        clusters = Clusters.of(concept.tolist(), [f"{domain[c]} {d}" for c, d in zip(concept, document, strict=True)])
        return matched_shift(targets, clusters, "text", "nats/token", 0.1, seed, True).over_contrast

    return Simulation(
        f"shift over the contrast, {concepts} concepts of 4 mentions beside {2 * concepts} others",
        SHIFT,
        draw,
        concepts > 40,
    )


def gamma(models: int, concepts: int) -> Simulation:
    """Models and specialties differ, concepts differ alike in all models, and each model gains `GAMMA` on its own."""

    def draw(rng: np.random.Generator, seed: int, draws: int) -> Estimate:
        names = [f"s{k}" for k in range(models)]
        concept = np.repeat(np.arange(models * concepts), 4)
        of = concept // concepts
        shared = rng.normal(size=models)[of] + rng.normal(0, 0.5, models * concepts)[concept]
        rows = {}
        for m, name in enumerate(names):
            own_way = rng.normal(0, 0.4, models * concepts)[concept] + rng.normal(0, 0.3, len(concept))
            rows[name] = rng.normal() + shared + own_way + GAMMA * (of == m), name
        clusters = Clusters.of(concept.tolist(), range(len(concept)))
        return diagonal(rows, np.eye(models)[of], clusters, names, "nats/token", seed)

    return Simulation(
        f"γ of {models} models, {concepts} concepts in each specialty", GAMMA, draw, models * concepts > 100
    )


SIMULATIONS = (
    crossed(120, 40),
    crossed(300, 100),
    crossed(60, 20),
    crossed(36, 12),
    alone(8, "normal"),
    alone(20, "normal"),
    alone(30, "normal"),
    alone(50, "normal"),
    alone(300, "normal"),
    alone(20, "exponential"),
    alone(50, "exponential"),
    beside(6, 84),
    knowledge(40, 240, 0.0),
    knowledge(40, 240, 0.1),
    knowledge(40, 240, 0.25),
    knowledge(300, 900, 0.1),
    shift(20),
    shift(60),
    gamma(3, 10),
    gamma(4, 40),
    trainings(2),
    trainings(3),
    trainings(5),
)


def main(repeats: int = 1000) -> None:
    print("| method | of | coverage |\n|---|---|---|")
    for one in SIMULATIONS:
        share, method = one.covered(repeats)
        print(f"| {method} | {one.of} | {share:.1%} |", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
