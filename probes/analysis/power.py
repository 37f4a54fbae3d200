"""The smallest share of a specialty's facts that a tune must teach to be seen, from the calibration's power by dose.

The calibration's models were taught 5 to 100 % of their facts, and judged on samples of 40 and of 300 own facts. For
each size the dose is read off at which 80 % were found (between two doses on a logarithmic scale, power made to rise),
and how many *clearly unknown* facts such models learned. Between sizes that number is interpolated over the number of
clearly unknown facts, both logarithmic: that, and not the number of facts, is what the test has to see with. A tune
that teaches facts without regard to what the base knows must then teach that share of all of them. Knows no torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..results.calibration import ArmCalibration, Calibration
from .error_rates import OURS

POWER = 0.8


def smallest_share(calibration: Calibration | None, clearly_unknown: int) -> float | None:
    """Return the share of its facts that a tune must teach to be found with 80 % power.

    With fewer clearly unknown facts than the calibration's smallest samples had, as many must be learned as there; with
    more than its largest had, the same share. None where more would have to be learned than there are, or where nothing
    was measured.

    Args:
        calibration: Rates of models of known truth.
        clearly_unknown: Facts of the specialty that the base clearly does not know.
    """
    return _share(_points(calibration), clearly_unknown)


def unknown_needed(calibration: Calibration | None, share: float) -> int | None:
    """Return how many clearly unknown facts make a tune visible that teaches `share` of them; None where no number."""
    points = _points(calibration)
    for count in range(1, 2000):
        found = _share(points, count)
        if found is not None and found <= share + 1e-9:
            return count
    return None


def _share(points: Sequence[tuple[float, float]], clearly_unknown: int) -> float | None:
    """Return the smallest share for so many clearly unknown facts, read off the calibration's points."""
    if not points or clearly_unknown < 1:
        return None
    unknown, learned = (np.log([point[part] for point in points]) for part in (0, 1))
    at = math.log(clearly_unknown)
    needed = float(np.interp(at, unknown, learned)) + max(0.0, at - float(unknown[-1]))
    share = math.exp(needed - at)
    return share if share <= 1 else None


def _points(calibration: Calibration | None) -> list[tuple[float, float]]:
    """Return clearly unknown facts, and those learned where 80 % were found: a pair for each size where they were."""
    if calibration is None:
        return []
    out = []
    arms = sorted(((arm.dose, name) for name, arm in calibration.arms.items() if name.startswith("injection")))
    for size in map(str, sorted(calibration.sizes)):
        point = _point([calibration.arms[name] for _, name in arms], size)
        if point is not None:
            out.append(point)
    return out


def _point(arms: Sequence[ArmCalibration], size: str) -> tuple[float, float] | None:
    doses = [arm.dose for arm in arms]
    found = [arm.sizes[size] for arm in arms]
    rates = [one.knowledge[OURS].rate for one in found]
    learned = [one.learned for one in found]
    unknown = [one.unknown for one in found if one.unknown]
    if None in rates or None in learned or not unknown:
        return None
    dose = _dose_at(doses, [rate or 0.0 for rate in rates])
    if dose is None:
        return None
    share = float(np.interp(math.log(dose), np.log(doses), [one or 0.0 for one in learned]))
    mean = float(np.mean(unknown))
    return (mean, share * mean) if share > 0 else None


def _dose_at(doses: Sequence[float], rates: Sequence[float]) -> float | None:
    """Return the dose at which `POWER` is reached; None where it is at no dose."""
    rising = np.maximum.accumulate(np.asarray(rates))
    if not len(rising) or rising[-1] < POWER:
        return None
    at = int(np.argmax(rising >= POWER))
    if at == 0:
        return doses[0]
    low, high = rising[at - 1], rising[at]
    along = float((POWER - low) / (high - low))
    return math.exp(math.log(doses[at - 1]) * (1 - along) + math.log(doses[at]) * along)
