"""How surprising is a streak of equal answers, and how uneven are the positions chosen?"""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from prefloop.functional.statistics import Values

MIN_PER_POSITION = 5
"""Fewer expected answers per position than this, and the chi-square distribution does not fit."""


@dataclass(frozen=True, kw_only=True)
class PositionTest:
    """The chosen positions on the page, compared with chance."""

    p_value: float
    """Of positions as uneven or worse, if position has no effect; 1 without enough answers."""
    favorite: int
    """The position, from 0, that was chosen most beyond its expected share."""
    n_favorite: int
    n: int
    """Answers where that position could be chosen."""
    expected: float
    """Share of them that chance gives that position."""

    @property
    def excess(self) -> float:
        """How far the favorite's share lies above chance; 0.15 is 15 points."""
        return self.n_favorite / self.n - self.expected if self.n else 0.0


def position_test(positions: Values, sizes: Values) -> PositionTest:
    """Return how uneven the chosen positions are; position i was one of sizes[i], from 0.

        chi^2 = sum_k sum_j (n_kj - n_k / k)^2 / (n_k / k),   sum_k (k - 1) degrees of freedom

    The order on screen is a fresh uniform permutation, so whatever a labeler prefers, each position
    is chosen equally often unless position itself has an effect: the null hypothesis is exact.
    Questions of k samples count if there are at least 5 k of them. Pearson 1900.
    """
    position, size = np.asarray(positions, dtype=np.int64), np.asarray(sizes, dtype=np.int64)
    statistic, freedom = 0.0, 0
    for k in np.unique(size):
        counts = np.bincount(position[size == k], minlength=int(k))
        expected = counts.sum() / k
        if expected >= MIN_PER_POSITION and k > 1:
            statistic += float(((counts - expected) ** 2).sum() / expected)
            freedom += int(k) - 1
    widest = int(size.max(initial=1))
    chosen = np.bincount(position, minlength=widest)
    chance = np.array([float((1 / size[size > j]).sum()) for j in range(widest)])
    shown = np.array([int((size > j).sum()) for j in range(widest)])
    favorite = int(np.argmax((chosen - chance) / np.maximum(shown, 1)))
    n = int(shown[favorite])
    return PositionTest(
        p_value=float(chdtrc(freedom, statistic)) if freedom else 1.0,
        favorite=favorite,
        n_favorite=int(chosen[favorite]),
        n=n,
        expected=float(chance[favorite] / n) if n else 0.0,
    )


def run_probability(probabilities: Values, length: int) -> float:
    """Return how likely `length` successes in a row occur somewhere in independent trials.

        first_t = survive_{t-m-1} (1 - p_{t-m}) p_{t-m+1} ... p_t,   m = length
        survive_t = 1 - sum_{s <= t} first_s                          nothing before trial 1

    For equally likely symbols a run of m equal ones is a run of m - 1 repetitions, each with
    probability 1 / k. Feller 1968, An Introduction to Probability Theory I, section XIII.7.
    """
    if length < 1:
        raise ValueError(f"a run has at least one success, got {length}")
    p = np.asarray(probabilities, dtype=float)
    if length > p.size:
        return 0.0
    # Products of `length` probabilities in a row, from sums of logs; 0 is taken for next to 0.
    logs = np.r_[0.0, np.cumsum(np.log(np.maximum(p, np.finfo(float).tiny)))]
    rows = np.exp(logs[length:] - logs[:-length]).tolist()
    broken = [1.0, *(1 - p).tolist()]
    reached = [0.0] * length
    for t, row in enumerate(rows):
        before = reached[t - 1] if t else 0.0
        reached.append(reached[-1] + (1 - before) * broken[t] * row)
    return reached[-1]


def longest_run(values: Values, counted: Values) -> tuple[int, int]:
    """Return where the longest run of equal values begins, and how long it is.

    A value that is not `counted` ends a run and is none. Of equals the first; (0, 0) without any.
    """
    x, counts = np.asarray(values), np.asarray(counted, dtype=bool)
    if not counts.any():
        return 0, 0
    goes_on = (x[1:] == x[:-1]) & counts[1:] & counts[:-1]
    starts = np.flatnonzero(np.r_[True, ~goes_on])
    lengths = np.diff(np.r_[starts, x.size]) * counts[starts]
    best = int(np.argmax(lengths))
    return int(starts[best]), int(lengths[best])
