"""From one score per response to one reward per token.

Shapes: B = batch of responses, T = response tokens.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from prefloop.functional.kl import kl_k1, sequence_kl
from prefloop.functional.masking import last_index


def shape_rewards(
    scores: Float[Tensor, " B"],
    logprobs: Float[Tensor, "B T"],
    ref_logprobs: Float[Tensor, "B T"],
    mask: Bool[Tensor, "B T"],
    *,
    kl_coef: float,
) -> tuple[Float[Tensor, "B T"], Float[Tensor, "B T"]]:
    """Return (rewards, kl) per token; zero outside the mask.

        kl_t     = logprobs_t - ref_logprobs_t
        rewards_t = -kl_coef * kl_t              for every token that counts
        rewards_T = -kl_coef * kl_T + score      for the last of them

    The sum over a response is score - kl_coef * log(policy / reference).
    The score stands on the last token that counts, never on the padding after it (silent bug S1).
    Ziegler et al. 2019, arXiv:1909.08593, eq. 2.
    """
    kl = kl_k1(logprobs, ref_logprobs, mask)
    last = last_index(mask).unsqueeze(1)
    rewards = (-kl_coef * kl).scatter_add(1, last, scores.unsqueeze(1).to(kl.dtype))
    return rewards, kl


def sequence_rewards(
    scores: Float[Tensor, " B"],
    logprobs: Float[Tensor, "B T"],
    ref_logprobs: Float[Tensor, "B T"],
    mask: Bool[Tensor, "B T"],
    *,
    kl_coef: float,
) -> Float[Tensor, " B"]:
    """Return one reward per response: what `shape_rewards` sums to.

        reward = score - kl_coef * sum_t (logprobs_t - ref_logprobs_t)

    Ziegler et al. 2019, arXiv:1909.08593, eq. 2.
    """
    return scores - kl_coef * sequence_kl(kl_k1(logprobs, ref_logprobs, mask))


def penalize_unended(
    scores: Float[Tensor, " B"], is_ended: Bool[Tensor, " B"], *, penalty: float
) -> Float[Tensor, " B"]:
    """Return the scores, with `penalty` in place of the score of a response that has no stop.

    Replaced, not added: such a response scores `penalty` however good it is.
    `is_ended` comes from the same `stop_index` that truncates (silent bug S2).
    Ziegler et al. 2019, arXiv:1909.08593, section 3.1.2.
    """
    return torch.where(is_ended, scores, torch.full_like(scores, penalty))
