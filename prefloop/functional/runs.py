"""How surprising is a row of like answers, and how uneven are the places they stand in?"""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from prefloop.functional.statistics import Values

MIN_PER_PLACE = 5
"""Fewer expected answers per place than this, and the chi-square distribution does not fit."""


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where on the page the chosen samples stood."""

    p_value: float
    """Of so uneven places or worse, if the place had no say; 1 without enough answers."""
    favorite: int
    """The place, from 0, that was chosen most beyond its expected share."""
    n_favorite: int
    n: int
    """Answers where that place was there to be chosen."""
    expected: float
    """Share of them that chance gives that place."""

    @property
    def excess(self) -> float:
        """How far the favorite's share lies above chance; 0.15 is 15 points."""
        return self.n_favorite / self.n - self.expected if self.n else 0.0


def place_test(places: Values, sizes: Values) -> Places:
    """Return how uneven the chosen places are; place i was one of sizes[i], from 0.

        chi^2 = sum_k sum_j (n_kj - n_k / k)^2 / (n_k / k),   sum_k (k - 1) degrees of freedom

    The order on screen is a fresh uniform permutation, so whatever a labeler likes, each place is
    chosen equally often unless the place itself has a say: the null hypothesis holds exactly.
    Questions of k samples count if there are at least 5 k of them. Pearson 1900.
    """
    place, size = np.asarray(places, dtype=np.int64), np.asarray(sizes, dtype=np.int64)
    statistic, freedom = 0.0, 0
    for k in np.unique(size):
        counts = np.bincount(place[size == k], minlength=int(k))
        expected = counts.sum() / k
        if expected >= MIN_PER_PLACE and k > 1:
            statistic += float(((counts - expected) ** 2).sum() / expected)
            freedom += int(k) - 1
    widest = int(size.max(initial=1))
    chosen = np.bincount(place, minlength=widest)
    chance = np.array([float((1 / size[size > j]).sum()) for j in range(widest)])
    shown = np.array([int((size > j).sum()) for j in range(widest)])
    favorite = int(np.argmax((chosen - chance) / np.maximum(shown, 1)))
    n = int(shown[favorite])
    return Places(
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

    For equally likely symbols a row of m like ones is a row of m - 1 repetitions, each with
    probability 1 / k. Feller 1968, An Introduction to Probability Theory I, section XIII.7.
    """
    if length < 1:
        raise ValueError(f"a row has at least one success, got {length}")
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
    """Return where the longest row of equal values begins, and how long it is.

    A value that is not `counted` ends a row and is none. Of equals the first; (0, 0) without any.
    """
    x, counts = np.asarray(values), np.asarray(counted, dtype=bool)
    if not counts.any():
        return 0, 0
    goes_on = (x[1:] == x[:-1]) & counts[1:] & counts[:-1]
    starts = np.flatnonzero(np.r_[True, ~goes_on])
    lengths = np.diff(np.r_[starts, x.size]) * counts[starts]
    best = int(np.argmax(lengths))
    return int(starts[best]), int(lengths[best])
