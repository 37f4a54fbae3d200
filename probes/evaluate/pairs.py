"""Published scores, pair by pair: which base a model is compared with decides what is said of it.

The file holds, per model, a score on one or more measures in percent, and pairs of (tuned, base):

    {"levels_percent": {"tuned": {"L1": 11.46}, "base": {"L1": 20.11}}, "pairs": [["tuned", "base"]]}

Other groups of measures (`longhealth_percent`) are read alike. A tuned model may be paired with several bases: every
choice of one base each is counted, and the choice is named with the count. Published scores come without intervals: a
win is a score above the base's, a loss one below, a tie an equal one (to two decimals, as they are printed).
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from ...errors import UsageError
from ..results.published import PublishedComparison, PublishedCount, PublishedPair

DECIMALS = 2
EXPECTED = "expected {model: {measure: score}}"
TIE_RULE = f"tie: equal to {DECIMALS} decimals; published scores have no intervals"


def published(file: Path, given: Sequence[str] = ()) -> PublishedComparison:
    """Return differences of every pair on every measure, and counts for every choice of bases.

    Args:
        file: Scores and pairs, as above.
        given: TUNED=BASE; takes the place of the file's pairs for those tuned models.

    Raises:
        UsageError: The file or a pair cannot be taken.
    """
    scores, pairs = _read(file, given)
    measures = list(dict.fromkeys(measure for each in scores.values() for measure in each))
    differences = [
        _pair(tuned, base, measure, scores[tuned][measure], scores[base][measure])
        for tuned, base in pairs
        for measure in measures
        if measure in scores[tuned] and measure in scores[base]
    ]
    return PublishedComparison(
        source=str(file),
        unit="percentage points",
        tie_rule=TIE_RULE,
        pairs=tuple(differences),
        counts=tuple(count for measure in measures for count in _counts(measure, differences)),
    )


def _pair(tuned: str, base: str, measure: str, score: float, base_score: float) -> PublishedPair:
    difference = round(score - base_score, DECIMALS)
    return PublishedPair(
        tuned=tuned,
        base=base,
        measure=measure,
        score=score,
        base_score=base_score,
        difference=difference,
        outcome="win" if difference > 0 else "loss" if difference < 0 else "tie",
    )


def _counts(measure: str, differences: Sequence[PublishedPair]) -> Iterator[PublishedCount]:
    """Yield win, tie, loss on one measure, once for every choice of a base where a tuned model has several."""
    options: dict[str, list[PublishedPair]] = {}
    for pair in differences:
        if pair.measure == measure:
            options.setdefault(pair.tuned, []).append(pair)
    for choice in product(*options.values()):
        outcomes = Counter(pair.outcome for pair in choice)
        several = {pair.tuned: pair.base for pair in choice if len(options[pair.tuned]) > 1}
        yield PublishedCount(
            measure=measure,
            models=len(choice),
            win=outcomes["win"],
            tie=outcomes["tie"],
            loss=outcomes["loss"],
            paired_with=several,
        )


def _pairs(file: Path, given: Any) -> list[tuple[str, str]]:
    if not isinstance(given, list):
        raise UsageError(f'--published {file}: pairs: expected [["tuned", "base"], …], found {given!r:.40}')
    for pair in given:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(name, str) for name in pair):
            raise UsageError(f'--published {file}: pairs: expected ["tuned", "base"], found {pair!r:.40}')
    return list(dict.fromkeys((one, other) for one, other in given))


def _read(file: Path, given: Sequence[str]) -> tuple[dict[str, dict[str, float]], list[tuple[str, str]]]:
    try:
        data = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise UsageError(f"--published {file}: cannot be read as JSON ({error}); give a file of scores") from error
    groups = {k: v for k, v in data.items() if k.endswith("_percent")} if isinstance(data, dict) else {}
    if not groups:
        raise UsageError(f'--published {file}: holds no scores; {EXPECTED}, as "levels_percent": {{…}}')
    scores: dict[str, dict[str, float]] = {}
    for group, models in groups.items():
        prefix = "" if group == "levels_percent" else f"{group.removesuffix('_percent')} "
        if not isinstance(models, dict):
            raise UsageError(f"--published {file}: {group}: {EXPECTED}, found {models!r:.40}")
        for model, measures in models.items():
            if not isinstance(measures, dict):
                raise UsageError(f"--published {file}: {group}, {model}: {EXPECTED}, found {measures!r:.40}")
            for name, value in measures.items():
                if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                    raise UsageError(f"--published {file}: {model}, {name}: expected a number, found {value!r:.40}")
                scores.setdefault(model, {})[f"{prefix}{name}"] = float(value)
    pairs = _pairs(file, data.get("pairs", []))
    said = []
    for value in given:
        one, found, other = value.partition("=")
        if not found:
            raise UsageError(f"--pair {value}: expected TUNED=BASE")
        said.append((one, other))
    replaced = {one for one, _ in said}
    pairs = [pair for pair in pairs if pair[0] not in replaced] + said
    for pair in pairs:
        for name in pair:
            if name not in scores:
                raise UsageError(f"--published {file}: no scores of {name}; the models are {', '.join(scores)}")
    if not pairs:
        raise UsageError(f"--published {file}: holds no pairs; give --pair TUNED=BASE")
    return scores, pairs
