"""Do stated probabilities come true, and how often can two labelers agree?"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from prefloop.functional.statistics import Interval, Values, wilson


@dataclass(frozen=True, kw_only=True)
class CalibrationBin:
    """What happened to the predictions between `low` and `high`."""

    low: float
    high: float
    n: int
    mean_probability: float
    frequency: float
    interval: Interval
    """Wilson interval of `frequency`."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The expected calibration error, and the bins that are not empty."""

    error: float
    bins: tuple[CalibrationBin, ...]


def calibration_error(
    probabilities: Values, outcomes: Values, *, bins: int = 10, confidence: float = 0.95
) -> Calibration:
    """Return the expected calibration error over equally wide bins.

        ECE = sum_b n_b / n * |mean probability in b - frequency in b|

    Outcomes may lie between 0 and 1 (shares of votes). A probability on an edge belongs to the bin
    above it, 1.0 to the last bin. Guo et al. 2017, arXiv:1706.04599, eq. 5.
    """
    p, y = np.asarray(probabilities, dtype=float), np.asarray(outcomes, dtype=float)
    if p.shape != y.shape or p.size == 0:
        raise ValueError(f"{p.size} probabilities and {y.size} outcomes: need as many, and some")
    which = np.minimum((p * bins).astype(int), bins - 1)
    rows = []
    for b in np.unique(which):
        here = which == b
        n = int(here.sum())
        rows.append(
            CalibrationBin(
                low=float(b / bins),
                high=float((b + 1) / bins),
                n=n,
                mean_probability=float(p[here].mean()),
                frequency=float(y[here].mean()),
                interval=wilson(float(y[here].sum()), n, confidence),
            )
        )
    error = sum(row.n * abs(row.mean_probability - row.frequency) for row in rows) / p.size
    return Calibration(error=float(error), bins=tuple(rows))


def expected_agreement(probabilities: Float[np.ndarray, "N K"]) -> float:
    """Return how often two labelers choose the same if each follows these probabilities.

        mean over comparisons of sum_k p_k^2

    It is what a reward model's accuracy is measured against, but no hard limit: one that always
    predicts the likeliest choice is right max_k p_k of the time, and max_k p_k >= sum_k p_k^2.
    """
    return float((probabilities**2).sum(axis=1).mean())
