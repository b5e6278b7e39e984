"""From which KL on does more of a proxy reward bring less of what was wanted?

Shapes: P = prompts, J = points (policies, or best of n), D = draws.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy.special import xlogy

from prefloop.functional.statistics import Interval

GaoForm = Literal["best_of_n", "rl"]
"""How the optimization was done, which decides the form of the curve."""

LEAST_POINTS = 4
"""Points at a KL above 0: two more than the form has numbers to fit."""

LEAST_PROMPTS = 30
"""Prompts. With fewer, drawing them with replacement says too little about others."""


@dataclass(frozen=True, kw_only=True)
class OverOptimization:
    """A fitted curve of a held-out score, and where it is highest."""

    form: GaoForm
    alpha: float
    beta: float
    largest_kl: float
    """Nats; nothing is said beyond."""
    peak_kl: float
    """Where the score is highest, in nats; infinite if it still rises at `largest_kl`."""
    peaks: Float[np.ndarray, " D"]
    """The same on prompts drawn with replacement."""

    def interval(self, confidence: float = 0.95) -> Interval:
        """Return the percentile interval of the peak; an end that is infinite was not seen."""
        tail = 0.5 - confidence / 2
        ends = np.quantile(self.peaks, [tail, 1 - tail], method="inverted_cdf")
        return Interval(float(ends[0]), float(ends[1]))


def gao_curve(
    form: GaoForm, kl_nats: Float[np.ndarray, " J"], alpha: float, beta: float
) -> Float[np.ndarray, " J"]:
    """Return by how much the true reward lies above the reference's, d = sqrt(KL).

        best of n    R(d) = d (alpha - beta d)
        RL           R(d) = d (alpha - beta log d)

    Gao, Schulman, Hilton 2023, arXiv:2210.10760, eqs. 1 and 2.
    """
    d = np.sqrt(kl_nats)
    return np.asarray(alpha * d - beta * _bent(form, d))


def fit_gao(
    form: GaoForm, kl_nats: Float[np.ndarray, "D J"], gains: Float[np.ndarray, "D J"]
) -> tuple[Float[np.ndarray, " D"], Float[np.ndarray, " D"]]:
    """Return alpha and beta of the least-squares curve through each row of points.

    Every point counts the same. The form is linear in both numbers, and passes through 0 at a KL of
    0. ValueError if the points do not determine them.
    """
    d = np.sqrt(kl_nats)
    bent = _bent(form, d)
    a, b, c = (d * d).sum(axis=1), (d * bent).sum(axis=1), (bent * bent).sum(axis=1)
    u, v = (d * gains).sum(axis=1), (bent * gains).sum(axis=1)
    determinant = a * c - b * b
    if bool((determinant <= 1e-12 * a * c).any()):
        raise ValueError("the points do not determine the curve: they need different KLs above 0")
    return (c * u - b * v) / determinant, (b * u - a * v) / determinant


def peak_kl(
    form: GaoForm,
    alpha: Float[np.ndarray, " D"],
    beta: Float[np.ndarray, " D"],
    *,
    largest_kl: float,
) -> Float[np.ndarray, " D"]:
    """Return the KL up to `largest_kl` at which each curve is highest; infinite if at its end.

        best of n    d* = alpha / (2 beta)
        RL           d* = exp(alpha / beta - 1)

    For beta > 0. Where the score falls from the start it is 0. A curve that is highest at the end
    of what was seen may turn anywhere beyond it.
    """
    end = largest_kl**0.5
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        turn = alpha / (2 * beta) if form == "best_of_n" else np.exp(alpha / beta - 1)
    # Without a bend downwards the highest place is one of the two ends.
    rises = alpha * end - beta * _bent(form, np.array([end]))[0] > 0
    at_an_end = np.where(rises, np.inf, 0.0)
    inside = np.where(turn >= end, np.inf, np.clip(turn, 0.0, end) ** 2)
    return np.asarray(np.where(beta > 0, inside, at_an_end))


def over_optimization(
    form: GaoForm,
    kl_nats: Float[np.ndarray, "P J"],
    gains: Float[np.ndarray, "P J"],
    *,
    seed: int,
    n_draws: int = 2000,
) -> OverOptimization:
    """Return the fitted curve and where it is highest, with fits on prompts drawn again.

    `kl_nats` are estimates of a prompt's KL (a single one may be negative), `gains` what its
    held-out score has over the reference's; NaN where a point has no answer to a prompt. ValueError
    with fewer than LEAST_POINTS points above a KL of 0, or fewer than LEAST_PROMPTS prompts.
    Bootstrap over clusters: Efron and Tibshirani 1993, chapter 13 (percentiles).
    """
    n = len(gains)
    kls = _kls(kl_nats, np.ones((1, n)))
    if n < LEAST_PROMPTS or int((kls > 0).sum()) < LEAST_POINTS:
        raise ValueError(
            f"{int((kls > 0).sum())} points above a KL of 0 on {n} prompts; a curve needs "
            f"{LEAST_POINTS} on {LEAST_PROMPTS}"
        )
    largest = float(kls.max())
    alpha, beta = fit_gao(form, kls, _means(gains, np.ones((1, n))))
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=n_draws).astype(float)
    alphas, betas = fit_gao(form, _kls(kl_nats, drawn), _means(gains, drawn))
    return OverOptimization(
        form=form,
        alpha=float(alpha[0]),
        beta=float(beta[0]),
        largest_kl=largest,
        peak_kl=float(peak_kl(form, alpha, beta, largest_kl=largest)[0]),
        peaks=peak_kl(form, alphas, betas, largest_kl=largest),
    )


def _bent(form: GaoForm, d: np.ndarray) -> np.ndarray:
    """Return what beta is multiplied by; 0 at d = 0 in both forms."""
    return np.asarray(d * d if form == "best_of_n" else xlogy(d, d))


def _kls(
    values: Float[np.ndarray, "P J"], counts: Float[np.ndarray, "D P"]
) -> Float[np.ndarray, "D J"]:
    """Return each point's KL: a mean of estimates may be negative, a KL is not."""
    return np.asarray(np.maximum(_means(values, counts), 0.0))


def _means(
    values: Float[np.ndarray, "P J"], counts: Float[np.ndarray, "D P"]
) -> Float[np.ndarray, "D J"]:
    """Return each point's mean over the prompts that it has, where they count this often."""
    there = ~np.isnan(values)
    total = counts @ there
    return np.asarray(counts @ np.where(there, values, 0.0) / np.maximum(total, 1.0))
