"""A bet against the policy, which may be looked at after every answer: an e-process.

Shapes: N answers in the order in which they came, by K labelers; J starts, M stakes.
An outcome is 1 where the policy's text was taken, 0 for the reference's, 0.5 for a tie.
"""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize
from scipy.special import logsumexp

from prefloop.functional.statistics import Values

HALF = 0.5
"""The win rate at which the policy is no worse than the reference."""

START_EVERY = 16
"""After so many answers a new bet begins: a policy that was good for long may turn bad."""

FULL_VOICE = 5
"""From so many answers on a labeler weighs as much as any other; before, in proportion."""

NODES = 64
"""Stakes between nothing and everything. Any fixed set of them is valid; this one integrates the
uniform mixture exactly up to 127 answers."""

_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(NODES)

ALMOST_ONE = 1.0 - 1e-9
"""At a rate of 1 a loss could not be."""


class _Counts(NamedTuple):
    """What the wealth depends on, answers after each start counted apart."""

    losses: Float[np.ndarray, "J K"]
    ties: Float[np.ndarray, "J K"]
    wins: Float[np.ndarray, " J"]
    log_shares: Float[np.ndarray, " J"]
    kept: float
    """Share of the wealth for bets that have not begun."""
    voices: Float[np.ndarray, " K"]


def log_wealth(
    outcomes: Values, labelers: Sequence[Hashable], *, start_every: int | None = START_EVERY
) -> float:
    """Return the log of what a bet of 1 on "the reference is preferred" has become.

        W_s(theta) = mean over u in (0, 1) of
                     prod_{i > s} [u + (1 - u) (1 - y_i) / (1 - theta_k(i))]
        W(theta)   = sum_s a_s W_s(theta),   a = 1/2 at s = 0, then 1 / (2 j (j + 1)) at s = 16 j
        wealth     = min W(theta) over all theta in [0, 1]^K with sum_k v_k theta_k >= 1/2

    y is an outcome, k(i) who gave it; v are weights of labelers who answered, in proportion to
    min(answers, 5). Each factor stakes the share 1 - u on the reference at the odds that are fair
    to a labeler who takes the policy's text with probability theta_k. Where that probability is
    theta_k or more at every answer, whatever came before, W(theta) is a supermartingale that begins
    at 1, so it ever reaches 1 / alpha in at most a share alpha of runs (Ville 1939). The minimum is
    at most W at the true rates. So labelers may differ, and the policy and whose turn it is may
    change: that holds as long as the labelers' lowest rates have a mean of a half.
    For one labeler and one start it is a mixture as in Robbins 1970, Ann. Math. Stat. 41:1397-1409,
    over rates below a half. The minimum over rates that are not in question follows Spertus and
    Stark 2022, arXiv:2207.03379; starts that share the wealth, Shin, Ramdas, Rinaldo 2022,
    arXiv:2203.03532.

    `start_every=None` has one start. log W is convex in theta; what is returned is a lower bound,
    the value found less its duality gap (1e-5 or less).
    """
    y = np.asarray(outcomes, dtype=float)
    if len(y) != len(labelers):
        raise ValueError(f"{len(y)} outcomes but {len(labelers)} labelers")
    if not np.isin(y, (0.0, HALF, 1.0)).all():
        raise ValueError("an outcome is 1, 0.5 or 0")
    if len(y) == 0:
        return 0.0
    counts = _count(y, _numbered(labelers), start_every)
    rates = _lowest_rates(counts)
    value, slope = _log_wealth_at(rates, counts)
    gap = float(slope @ rates) - _least_along(slope, counts.voices)
    return value - max(0.0, gap)


def _numbered(labelers: Sequence[Hashable]) -> np.ndarray:
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(who, len(numbers)) for who in labelers])


def _count(y: np.ndarray, who: np.ndarray, start_every: int | None) -> _Counts:
    starts = np.arange(0, len(y), start_every or len(y))
    n_people = int(who.max()) + 1

    def after(values: np.ndarray) -> np.ndarray:
        """Return how many answers of each labeler after each start are of one kind."""
        found = [np.bincount(who[s:][values[s:]], minlength=n_people) for s in starts]
        return np.array(found, dtype=float)

    later = np.arange(1, len(starts))
    shares = np.append(HALF, HALF / (later * (later + 1))) if start_every else np.ones(1)
    voices = np.minimum(np.bincount(who, minlength=n_people), FULL_VOICE).astype(float)
    return _Counts(
        losses=after(y == 0.0),
        ties=after(y == HALF),
        wins=after(y == 1.0).sum(axis=1),
        log_shares=np.log(shares),
        kept=HALF / len(starts) if start_every else 0.0,
        voices=voices / voices.sum(),
    )


def _log_wealth_at(rates: np.ndarray, counts: _Counts) -> tuple[float, np.ndarray]:
    """Return log W at these rates, K of them, and its slope."""
    kept, prior = (_POINTS + 1) / 2, _WEIGHTS / 2
    odds = 1.0 / (1.0 - rates)[:, None]
    loss, tie = kept + (1 - kept) * odds, kept + (1 - kept) * odds / 2
    logs = counts.log_shares[:, None] + np.log(prior) + np.outer(counts.wins, np.log(kept))
    logs += counts.losses @ np.log(loss) + counts.ties @ np.log(tie)
    total = float(logsumexp(logs))
    if counts.kept:
        total = float(np.logaddexp(total, np.log(counts.kept)))
    share = np.exp(logs - total)
    per_loss, per_tie = (1 - kept) * odds**2 / loss, (1 - kept) * odds**2 / 2 / tie
    slope = (counts.losses.T @ share) * per_loss + (counts.ties.T @ share) * per_tie
    return total, slope.sum(axis=1)


def _lowest_rates(counts: _Counts) -> np.ndarray:
    """Return rates of the labelers, with a mean of a half, at which the wealth is least."""
    voices = counts.voices
    even = np.full(len(voices), HALF)
    if len(voices) == 1:
        return even
    found = minimize(
        lambda rates: _log_wealth_at(rates, counts),
        even,
        jac=True,
        method="SLSQP",
        bounds=[(0.0, ALMOST_ONE)] * len(voices),
        constraints={"type": "eq", "fun": lambda r: voices @ r - HALF, "jac": lambda r: voices},
        options={"ftol": 1e-10, "maxiter": 200},
    )
    rates: np.ndarray = np.clip(found.x, 0.0, ALMOST_ONE)
    return rates


def _least_along(slope: np.ndarray, voices: np.ndarray) -> float:
    """Return the least slope @ rates over all rates with a mean of a half (a knapsack)."""
    left, least = HALF, 0.0
    for k in np.argsort(slope / voices):
        rate = min(1.0, left / voices[k])
        least += slope[k] * rate
        left -= rate * voices[k]
    return float(least)
