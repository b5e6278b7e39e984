"""The best reward that any policy could reach at a given KL, from samples of the reference alone.

Shapes: P = prompts, N = reference samples per prompt.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import gammaln, log_softmax

from prefloop.functional.best_of_n import best_of_n_kl

MIN_EFFECTIVE_SAMPLES = 8.0
"""Below this many effective samples per prompt an average is carried by a handful of draws."""

WORST_SHARE = 0.1
"""Share of the prompts that may have fewer. Their mean would hide half of the prompts: those whose
samples all score the same keep all of them, whatever happens to the others."""


@dataclass(frozen=True, kw_only=True)
class FrontierPoint:
    """The best trade-off at one KL coefficient, averaged over prompts."""

    beta: float
    kl_nats: float
    reward: float
    effective_samples: float
    """1 / sum(weight^2) of a prompt; all but a tenth of the prompts have as many or more."""
    is_trustworthy: bool
    """Whether `effective_samples` is enough, here and at every larger beta."""


@dataclass(frozen=True, kw_only=True)
class Frontier:
    """The curve, from small KL to large, and how far along it one may read."""

    points: tuple[FrontierPoint, ...]
    max_trustworthy_kl_nats: float
    max_expressible_kl_nats: float
    """log N: no weighting of N samples can be further from uniform than that."""
    n_prompts: int
    n_samples: int


@dataclass(frozen=True, kw_only=True)
class BestOfNPoint:
    """Drawing n responses and keeping the best: a policy anyone can run."""

    n: int
    kl_nats: float
    """log n - (n - 1) / n: an upper bound, see `best_of_n_kl`."""
    reward: float


def optimal_frontier(
    rewards: Float[np.ndarray, "P N"],
    betas: Float[np.ndarray, " G"] | None = None,
    *,
    min_effective_samples: float = MIN_EFFECTIVE_SAMPLES,
) -> Frontier:
    """Return reward against KL of the policy that maximizes E[r] - beta * KL.

        pi*(y|x) ∝ rho(y|x) exp(r(x, y) / beta)
        w        = exp(r / beta) / mean(exp(r / beta))          samples from rho, per prompt
        reward   = mean(w r)        KL = mean(w log w)

    Its KL cannot exceed log N. Ziegler et al. 2019, arXiv:1909.08593, section 3.1.1.
    """
    n_prompts, n_samples = rewards.shape
    grid = default_betas(rewards) if betas is None else np.asarray(betas, dtype=float)
    enough = min(min_effective_samples, n_samples) * (1 - 1e-9)
    points: list[FrontierPoint] = []
    is_trusted = True
    for beta in np.sort(grid)[::-1]:
        log_p = log_softmax(rewards / beta, axis=1)
        p = np.exp(log_p)
        effective = float(np.quantile(1 / (p**2).sum(axis=1), WORST_SHARE, method="inverted_cdf"))
        is_trusted = is_trusted and effective >= enough
        points.append(
            FrontierPoint(
                beta=float(beta),
                kl_nats=max(0.0, float((p * (log_p + np.log(n_samples))).sum(axis=1).mean())),
                reward=float((p * rewards).sum(axis=1).mean()),
                effective_samples=effective,
                is_trustworthy=is_trusted,
            )
        )
    return Frontier(
        points=tuple(points),
        max_trustworthy_kl_nats=max((p.kl_nats for p in points if p.is_trustworthy), default=0.0),
        max_expressible_kl_nats=float(np.log(n_samples)),
        n_prompts=n_prompts,
        n_samples=n_samples,
    )


def default_betas(rewards: Float[np.ndarray, "P N"], n: int = 40) -> Float[np.ndarray, " G"]:
    """Return a geometric grid of coefficients around the spread of the rewards within a prompt.

    For Gaussian rewards of spread s, KL = s^2 / (2 beta^2): the grid spans 0.002 to 450 nats.
    """
    spread = float(np.sqrt(rewards.var(axis=1).mean()))
    if spread == 0:
        return np.array([1.0])
    return np.asarray(spread * np.geomspace(16.0, 1 / 30, n), dtype=float)


def reward_at_kl(frontier: Frontier, kl_nats: float) -> float | None:
    """Return the best reward at this KL by interpolation; None beyond the trustworthy part."""
    trusted = [point for point in frontier.points if point.is_trustworthy]
    if not trusted or not 0 <= kl_nats <= frontier.max_trustworthy_kl_nats:
        return None
    return float(np.interp(kl_nats, [p.kl_nats for p in trusted], [p.reward for p in trusted]))


def best_of_n(rewards: Float[np.ndarray, "P N"], n: int) -> BestOfNPoint:
    """Return the expected best reward of n draws, from all subsets of size n at once.

        E[max] = sum_j C(j - 1, n - 1) / C(N, n) * r_(j)         r_(1) <= ... <= r_(N)
        KL    <= log n - (n - 1) / n

    Unbiased for every n up to N. Nakano et al. 2021, arXiv:2112.09332, appendix I.
    """
    ordered = np.sort(rewards, axis=1)
    return BestOfNPoint(
        n=n,
        kl_nats=best_of_n_kl(n),
        reward=float((ordered @ order_weights(rewards.shape[1], n)).mean()),
    )


def best_of_n_by(
    rewards: Float[np.ndarray, "P N"], values: Float[np.ndarray, "P N"], n: int
) -> Float[np.ndarray, " P"]:
    """Return for each prompt the expected value of the draw with the best reward among n.

        E[v] = sum_j C(j - 1, n - 1) / C(N, n) * v_(j)         rewards r_(1) <= ... <= r_(N)

    The values are those of another judge: do they rise with what was selected for? Draws of equal
    reward are equally likely to be kept, so each counts as the mean of their values. Unbiased for
    every n up to N, as `best_of_n`.
    """
    weights = order_weights(rewards.shape[1], n)
    kept = np.empty(len(rewards))
    for row, (reward, value) in enumerate(zip(rewards, values, strict=True)):
        _, level = np.unique(reward, return_inverse=True)
        shared = np.bincount(level, weights=value) / np.bincount(level)
        kept[row] = float(shared[np.sort(level)] @ weights)
    return kept


def order_weights(n_samples: int, n: int) -> Float[np.ndarray, " N"]:
    """Return how likely each draw, from the smallest to the largest, is the largest of n of them.

    ValueError if there are fewer draws than n.
    """
    if not 1 <= n <= n_samples:
        raise ValueError(
            f"best of {n} needs at least {n} samples per prompt, there are {n_samples}"
        )
    weights = np.zeros(n_samples)
    j = np.arange(n, n_samples + 1)
    weights[n - 1 :] = np.exp(_log_choose(j - 1, n - 1) - _log_choose(np.array([n_samples]), n))
    return weights


def _log_choose(n: Float[np.ndarray, " J"] | np.ndarray, k: int) -> np.ndarray:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))
