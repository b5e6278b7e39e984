"""Whether the reward that a method learns from is the one of the paper, recomputed apart from it.

Shapes: B = batch of responses, T = response tokens. All is worked in float64.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEAST_SPREAD = 1e-3
"""Spread, in nats or units of score, below which a weight would be that of rounding."""


class RewardWeights(NamedTuple):
    """By what one unit of score and one nat of KL change the reward."""

    score: float
    kl: float


def expected_rewards(
    scores: ArrayLike,
    logprobs: ArrayLike,
    ref_logprobs: ArrayLike,
    mask: ArrayLike,
    *,
    kl_coef: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (rewards, KL), each of shape (B,), from the log-probabilities as they were written.

        KL      = sum over counted tokens of logprobs - ref_logprobs
        rewards = scores - kl_coef * KL

    It shares no line with what trains: a sign that is turned there is not turned here.
    Ziegler et al. 2019, arXiv:1909.08593, eq. 2.
    """
    policy, reference = np.asarray(logprobs, float), np.asarray(ref_logprobs, float)
    counts = np.asarray(mask, bool)
    policy_sum = np.where(counts, policy, 0.0).sum(axis=1)
    kl = policy_sum - np.where(counts, reference, 0.0).sum(axis=1)
    return np.asarray(scores, float) - kl_coef * kl, kl


def reward_gap(rewards: ArrayLike, expected: ArrayLike) -> float:
    """Return the largest difference of two rewards of a response, over the largest reward or 1.

    gap = max_i |rewards_i - expected_i| / max(1, max_i |expected_i|)
    """
    found, wanted = np.asarray(rewards, float), np.asarray(expected, float)
    return float(np.abs(found - wanted).max() / max(1.0, np.abs(wanted).max()))


def reward_weights(rewards: ArrayLike, scores: ArrayLike, kl: ArrayLike) -> RewardWeights | None:
    """Return the weights of score and KL in the reward, by least squares on both.

        rewards = a + w_score * scores + w_kl * KL;   a sound run has w_score = 1, w_kl = -kl_coef

    Both at once: in a sound run responses that score high may have a high KL, so that the reward
    rises with the KL though every nat costs. None where one hardly varies given the other.
    """
    x = np.stack([np.asarray(scores, float), np.asarray(kl, float)], axis=1)
    centered = x - x.mean(axis=0)
    if len(x) < 3 or np.linalg.svd(centered, compute_uv=False)[-1] < LEAST_SPREAD * len(x) ** 0.5:
        return None
    y = np.asarray(rewards, float)
    weights, *_ = np.linalg.lstsq(centered, y - y.mean(), rcond=None)
    return RewardWeights(float(weights[0]), float(weights[1]))
