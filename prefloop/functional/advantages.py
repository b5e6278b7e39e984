"""Advantages and returns of a batch of responses.

Shapes: B = batch of responses, T = response tokens.
The masks here are prefix masks: True for the first tokens of a response, then False to the end.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from prefloop.functional.masking import masked_mean, masked_var


def gae(
    rewards: Float[Tensor, "B T"],
    values: Float[Tensor, "B T"],
    mask: Bool[Tensor, "B T"],
    *,
    gamma: float,
    lam: float,
) -> tuple[Float[Tensor, "B T"], Float[Tensor, "B T"]]:
    """Return (advantages, returns); zero outside the mask.

        delta_t = r_t + gamma * V_{t+1} - V_t
        A_t     = delta_t + gamma * lam * A_{t+1}
        R_t     = A_t + V_t

    V past the last token that counts is 0: a response is a whole episode.
    The returns come from the advantages as they are here, before any whitening.
    A mask that is not a prefix mask raises ValueError.
    Schulman et al. 2016, arXiv:1506.02438, eq. 16.
    """
    if bool((mask[:, 1:] & ~mask[:, :-1]).any()):
        raise ValueError("the mask of a response must be True up to some token and False after it")
    rewards = rewards.masked_fill(~mask, 0.0)
    values = values.masked_fill(~mask, 0.0)
    next_values = torch.cat([values[:, 1:], torch.zeros_like(values[:, :1])], dim=1)
    deltas = rewards + gamma * next_values - values
    advantages = torch.empty_like(deltas)
    running = torch.zeros_like(deltas[:, 0])
    for t in reversed(range(deltas.shape[1])):
        running = deltas[:, t] + gamma * lam * running
        advantages[:, t] = running
    return advantages, advantages + values


def explained_variance(
    values: Float[Tensor, "B T"], returns: Float[Tensor, "B T"], mask: Bool[Tensor, "B T"]
) -> Float[Tensor, ""]:
    """Return the share of the returns' variance that the values account for.

        1 - mean (returns - values)^2 / var(returns)

    1 is perfect, 0 no better than the mean, negative worse than it. A value that is off by a
    constant pays for it, unlike in the textbook's R^2 of the residuals. 0 where all returns agree:
    there is nothing to explain. Ziegler et al. 2019 (released code, `vf_explained_var`).
    """
    variance = masked_var(returns, mask)
    error = masked_mean((returns - values).square(), mask)
    return torch.where(variance > 0, 1.0 - error / variance, torch.zeros_like(variance))
