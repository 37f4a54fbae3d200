"""The smallest share that a tune must teach is read off the calibration's power."""

import pytest
from knowshift.probes.analysis.error_rates import packaged
from knowshift.probes.analysis.power import smallest_share, unknown_needed
from knowshift.probes.analysis.proportions import rate

DOSES = (0.05, 0.10, 0.25, 0.50, 1.00)


def calibration(found, unknown=(20.0, 150.0)):
    """A calibration in which models of each dose were found so often, of 20, at 40 and at 300 facts."""
    made = packaged()
    arms = {}
    for name, arm in made.arms.items():
        if not name.startswith("injection"):
            continue
        at = DOSES.index(arm.dose)
        sizes = {
            size: arm.sizes[size].model_copy(
                update={
                    "knowledge": {"acquired": rate(found[k][at], 20)},
                    "unknown": unknown[k],
                    "learned": arm.dose,
                }
            )
            for k, size in enumerate(("40", "300"))
        }
        arms[name] = arm.model_copy(update={"sizes": sizes})
    return made.model_copy(update={"arms": arms})


WEAK, STRONG = (0, 8, 16, 20, 20), (4, 16, 20, 20, 20)


def test_it_is_the_dose_at_which_four_in_five_were_found():
    made = calibration((WEAK, STRONG))
    assert smallest_share(made, 20) == pytest.approx(0.25)
    assert smallest_share(made, 150) == pytest.approx(0.10)
    assert 0.10 < smallest_share(made, 60) < 0.25


def test_few_facts_must_nearly_all_be_learned_and_more_than_calibrated_keep_the_share():
    made = calibration((WEAK, STRONG))
    assert smallest_share(made, 10) == pytest.approx(0.5)
    assert smallest_share(made, 4) is None
    assert smallest_share(made, 0) is None
    assert smallest_share(made, 1000) == pytest.approx(0.10)
    assert unknown_needed(made, 0.10) == 150
    assert unknown_needed(made, 0.01) is None


def test_power_that_dips_by_chance_is_made_to_rise():
    dips = (0, 16, 12, 20, 20)
    assert smallest_share(calibration((dips, STRONG)), 20) == pytest.approx(0.10)


def test_where_nothing_was_found_or_measured_there_is_no_share():
    assert smallest_share(None, 20) is None
    never = (0, 0, 0, 1, 2)
    assert smallest_share(calibration((never, never)), 20) is None
