"""Looking at a result before all of it is there, with the error rate of one look at the end.

Shapes: K looks. At look k the share `fractions[k]` of the whole budget has been observed.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

NODES = 96
"""Points of the numerical integral between two bounds; more of them change no digit that counts."""

WIDEST = 8.0
"""A bound this far out is never crossed: the probability of it is 1e-15."""


def spent_error(fraction: float, error_rate: float = 0.05) -> float:
    """Return how much of the error rate may be spent once this share of the budget is observed.

        spent(t) = 4 (1 - Phi(z_{1 - error_rate / 4} / sqrt(t))),   0 < t <= 1

    Both sides together; spent(1) = error_rate. Little is spent early, so the last look costs hardly
    more than an only one: bounds like those of O'Brien and Fleming. Lan and DeMets 1983, Biometrika
    70:659-663.
    """
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction {fraction} must lie above 0 and not above 1")
    z = float(ndtri(1 - error_rate / 4))
    return 4.0 * float(ndtr(-z / fraction**0.5))


def sequential_bounds(fractions: Sequence[float], error_rate: float = 0.05) -> list[float]:
    """Return the bound on |Z| at each look, K of them, so that all looks together err this rarely.

        P(|Z_1| < c_1, ..., |Z_{k-1}| < c_{k-1}, |Z_k| >= c_k) = spent(t_k) - spent(t_{k-1})

    Z_k = B(t_k) / sqrt(t_k) with B a Brownian motion: a mean of the observations so far, over its
    standard error. A bound depends on its own look and those before it, so neither number nor
    times of the looks need be planned, as long as they do not depend on the observations. The
    probability is integrated look by look: Armitage, McPherson, Rowe 1969, JRSS A 132:235-244.
    """
    _check_increasing(fractions)
    bounds: list[float] = []
    before = 0.0
    grid, mass = np.zeros(1), np.ones(1)
    for last, now in pairwise([0.0, *fractions]):
        spent = spent_error(now, error_rate)
        step = (now - last) ** 0.5
        bound = _bound(grid, mass, step, now**0.5, spent - before)
        grid, mass = _inside(grid, mass, step, bound * now**0.5)
        bounds.append(bound)
        before = spent
    return bounds


def look_confidences(fractions: Sequence[float], confidence: float = 0.95) -> list[float]:
    """Return for each look the confidence of an interval that is as wide as its bound.

        confidence_k = 2 Phi(c_k) - 1

    Intervals of these confidences hold the true value at all looks together with probability
    `confidence`, so the one at which somebody stops may be reported, whatever made them stop:
    repeated confidence intervals, Jennison and Turnbull 1989, JRSS B 51:305-361.
    """
    return [
        2.0 * float(ndtr(bound)) - 1.0 for bound in sequential_bounds(fractions, 1 - confidence)
    ]


def _check_increasing(fractions: Sequence[float]) -> None:
    if any(later <= earlier for earlier, later in pairwise(fractions)):
        raise ValueError(f"fractions {list(fractions)} must grow from look to look")


def _bound(
    grid: Float[np.ndarray, " N"],
    mass: Float[np.ndarray, " N"],
    step: float,
    scale: float,
    wanted: float,
) -> float:
    """Return the bound that a path which stayed inside so far passes with probability `wanted`."""

    def excess(bound: float) -> float:
        end = bound * scale
        beyond = ndtr((grid - end) / step) + ndtr((-end - grid) / step)
        return float((mass * beyond).sum()) - wanted

    return WIDEST if excess(WIDEST) >= 0 else float(brentq(excess, 0.0, WIDEST, xtol=1e-10))


def _inside(
    grid: Float[np.ndarray, " N"], mass: Float[np.ndarray, " N"], step: float, end: float
) -> tuple[Float[np.ndarray, " M"], Float[np.ndarray, " M"]]:
    """Return points between -end and end, and the probability of a path around each of them."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    points = end * nodes
    z = (points[:, None] - grid[None, :]) / step
    density = np.exp(-0.5 * z**2) @ mass / (step * (2 * np.pi) ** 0.5)
    return points, end * weights * density
