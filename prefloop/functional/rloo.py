"""REINFORCE leave-one-out: the baseline and the loss.

Shapes: B = batch of responses, T = response tokens.
The responses to one prompt are neighbors: rows 0 to k - 1 answer the first prompt, and so on.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from prefloop.functional.masking import masked_row_sums


class SequenceLoss(NamedTuple):
    """The surrogate and what it says about the step. Only `loss` carries a gradient."""

    loss: Float[Tensor, ""]
    clip_fraction: Float[Tensor, ""]
    """Share of the responses whose ratio was clipped to the policy's disadvantage."""
    ratio_max: Float[Tensor, ""]
    """Largest probability ratio of a response; over microbatches take the maximum, not the sum."""
    ratio_mean: Float[Tensor, ""]
    """Mean probability ratio of a response: 1 is its expectation under the rollout's policy."""


def leave_one_out_advantages(
    rewards: Float[Tensor, " B"], *, samples_per_prompt: int
) -> Float[Tensor, " B"]:
    """Return each response's reward less the mean reward of the others of its prompt.

        A_i = R_i - sum_{j != i} R_j / (k - 1)

    A response is no part of its own baseline: with it, the advantage shrinks by (k - 1) / k.
    The advantages of a prompt sum to 0. ValueError for k below 2, or if B is no multiple of k.
    Kool et al. 2019, "Buy 4 REINFORCE Samples, Get a Baseline for Free!"; Ahmadian et al. 2024,
    arXiv:2402.14740, the RLOO estimator.
    """
    k = samples_per_prompt
    if k < 2 or rewards.shape[0] % k:
        raise ValueError(f"{rewards.shape[0]} responses are not groups of {k}, each of at least 2")
    groups = rewards.reshape(-1, k)
    others = (groups.sum(dim=1, keepdim=True) - groups) / (k - 1)
    return (groups - others).flatten()


def clipped_sequence_loss(
    logprobs: Float[Tensor, "B T"],
    old_logprobs: Float[Tensor, "B T"],
    advantages: Float[Tensor, " B"],
    mask: Bool[Tensor, "B T"],
    *,
    clip_range: float,
    denominator: int | None = None,
) -> SequenceLoss:
    """Return the clipped surrogate over whole responses, to be minimized, and its statistics.

        ratio = exp(sum_t logprobs_t - old_logprobs_t)
        loss  = sum_i max(-A_i ratio_i, -A_i clip(ratio_i, 1 - clip_range, 1 + clip_range)) / B

    A response is one action: its ratio is the product over its tokens, and a long response weighs
    as much as a short one. While the policy is that of the rollout the gradient is
    -A_i d log pi(response_i), that of REINFORCE.
    `denominator` is the number of responses of a whole minibatch of which this is one microbatch.
    Ahmadian et al. 2024, arXiv:2402.14740, take one step per rollout and need no ratio; ratio and
    clipping are those of TRL's `RLOOTrainer` (version 1.12), for more steps than one.
    """
    ratio = masked_row_sums(logprobs - old_logprobs, mask).exp()
    plain = -advantages * ratio
    clipped = -advantages * ratio.clamp(1.0 - clip_range, 1.0 + clip_range)
    n = ratio.shape[0] if denominator is None else denominator
    return SequenceLoss(
        loss=torch.maximum(plain, clipped).sum() / n,
        clip_fraction=(clipped > plain).to(ratio.dtype).sum() / n,
        ratio_max=ratio.detach().amax(),
        ratio_mean=ratio.detach().sum() / n,
    )
