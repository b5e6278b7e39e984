"""The two clipped losses of PPO.

Shapes: B = batch of responses, T = response tokens.
Each is a mean over the tokens that count. A minibatch that is worked in microbatches hands its own
token count to every one as `denominator`; the losses and statistics of the microbatches then add up
to the minibatch's.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Num
from torch import Tensor

from prefloop.functional.masking import masked_mean


class PolicyLoss(NamedTuple):
    """The surrogate and what it says about the step. Only `loss` carries a gradient."""

    loss: Float[Tensor, ""]
    clip_fraction: Float[Tensor, ""]
    """Share of the tokens whose ratio was clipped to the policy's disadvantage."""
    approx_kl: Float[Tensor, ""]
    """Half the mean square of the change in log-probability since the rollout."""
    ratio_max: Float[Tensor, ""]
    """Largest probability ratio; over microbatches take the maximum, not the sum."""
    ratio_mean: Float[Tensor, ""]
    """Mean probability ratio of a token: 1 is its expectation under the rollout's policy."""


class ValueLoss(NamedTuple):
    """The value error and how much of it was clipped. Only `loss` carries a gradient."""

    loss: Float[Tensor, ""]
    clip_fraction: Float[Tensor, ""]


def clipped_policy_loss(
    logprobs: Float[Tensor, "B T"],
    old_logprobs: Float[Tensor, "B T"],
    advantages: Float[Tensor, "B T"],
    mask: Bool[Tensor, "B T"],
    *,
    clip_range: float,
    denominator: Num[Tensor, ""] | None = None,
) -> PolicyLoss:
    """Return the clipped surrogate, to be minimized, and its statistics.

        ratio_t = exp(logprobs_t - old_logprobs_t)
        loss    = mean max(-A_t ratio_t, -A_t clip(ratio_t, 1 - clip_range, 1 + clip_range))

    The mean runs over the tokens that count, not over responses: a long response weighs more.
    Schulman et al. 2017, arXiv:1707.06347, eq. 7, with the sign turned.
    """
    # Filled before the exponential: exp of a NaN outside the mask would poison the gradient.
    log_ratio = (logprobs - old_logprobs).masked_fill(~mask, 0.0)
    advantages = advantages.masked_fill(~mask, 0.0)
    ratio = log_ratio.exp()
    plain = -advantages * ratio
    clipped = -advantages * ratio.clamp(1.0 - clip_range, 1.0 + clip_range)
    is_clipped = (clipped > plain).to(ratio.dtype)
    return PolicyLoss(
        loss=masked_mean(torch.maximum(plain, clipped), mask, denominator=denominator),
        clip_fraction=masked_mean(is_clipped, mask, denominator=denominator),
        approx_kl=0.5 * masked_mean(log_ratio.detach().square(), mask, denominator=denominator),
        ratio_max=ratio.detach().masked_fill(~mask, 0.0).amax(),
        ratio_mean=masked_mean(ratio.detach(), mask, denominator=denominator),
    )


def clipped_value_loss(
    values: Float[Tensor, "B T"],
    old_values: Float[Tensor, "B T"],
    returns: Float[Tensor, "B T"],
    mask: Bool[Tensor, "B T"],
    *,
    clip_range_value: float,
    denominator: Num[Tensor, ""] | None = None,
) -> ValueLoss:
    """Return half the mean of the larger of two squared errors, and the share that was clipped.

        v_t  = clip(V_t, old_V_t - clip_range_value, old_V_t + clip_range_value)
        loss = 0.5 mean max((V_t - R_t)^2, (v_t - R_t)^2)

    Ziegler et al. 2019, arXiv:1909.08593 (released code); Huang et al. 2023, detail 19.
    """
    values = values.masked_fill(~mask, 0.0)
    old_values = old_values.masked_fill(~mask, 0.0)
    returns = returns.masked_fill(~mask, 0.0)
    near = values.clamp(old_values - clip_range_value, old_values + clip_range_value)
    plain = (values - returns).square()
    clipped = (near - returns).square()
    is_clipped = (clipped > plain).to(values.dtype)
    worse = torch.maximum(plain, clipped)
    return ValueLoss(
        loss=0.5 * masked_mean(worse, mask, denominator=denominator),
        clip_fraction=masked_mean(is_clipped, mask, denominator=denominator),
    )
