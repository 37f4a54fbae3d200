"""A measure: the gain over what there was to gain, so that what the base found improbable does not lead by itself."""

import numpy as np
from knowshift.probes.hypotheses.measures import Measure
from knowshift.probes.hypotheses.rows import Reading


def relative_gain(reading: Reading) -> np.ndarray:
    """[R, 1 + L]: 1 where the tuned model is certain of the target, 0 where nothing was gained."""
    base, tuned = reading.base[:, 0], reading.tuned[:, 0]
    return (tuned - base) / np.where(base < 0, -base, np.nan)


RELATIVE_GAIN = Measure(
    "relative gain", relative_gain, "gain over the base's distance from certainty", "share", by_layer=True
)
