"""Whether a series rises or falls by more than chance."""

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtr

LEAST = 3
"""Values without which a straight line leaves nothing over to measure its error by."""


def trend(values: Sequence[float]) -> tuple[float, float]:
    """Return the least-squares slope per step, and its one-sided p-value against "it is not above".

    Near 0 the values surely rise, near 1 they surely fall: Student's t with n - 2 degrees of
    freedom, for errors that do not depend on each other. ValueError with fewer than three values.

    >>> slope, p = trend([0.0, 1.1, 1.9, 3.0])
    >>> round(slope, 2), round(p, 4)
    (0.98, 0.0009)
    """
    if len(values) < LEAST:
        raise ValueError(f"a trend takes {LEAST} values or more, not {len(values)}")
    y = np.asarray(values, dtype=np.float64)
    steps = np.arange(len(y)) - (len(y) - 1) / 2
    squares = float(steps @ steps)
    slope = float(steps @ (y - y.mean())) / squares
    rest = y - y.mean() - slope * steps
    error = float(np.sqrt(rest @ rest / (len(y) - 2) / squares))
    if error == 0:
        return slope, 0.5 if slope == 0 else float(slope < 0)
    return slope, float(stdtr(len(y) - 2, -slope / error))
