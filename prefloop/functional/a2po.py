"""Optimal advantage regression (A*-PO): the values that are aimed at, and the least-squares loss.

Shapes: B = batch of responses, T = response tokens, N = the reference's responses to each prompt.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from prefloop.functional.rewards import sequence_rewards


def optimal_values(
    reference_scores: Float[Tensor, "B N"], *, value_beta: float
) -> Float[Tensor, " B"]:
    """Return the value of the best policy at each prompt, from scores of the reference's responses.

        V*(x) = value_beta log( sum_i exp(r(x, y_i) / value_beta) / N ),   y_i ~ pi_ref(.|x)

    What the score of a response less its KL penalty is under the best policy, the same for every
    response of a prompt. From N samples it comes out low: no sample says more than the best of N.
    With value_beta to infinity it is the mean score, with value_beta to 0 the largest.
    Brantley et al. 2025, arXiv:2505.20686, stage 1, where value_beta is beta_1.
    """
    n = reference_scores.shape[1]
    total = torch.logsumexp(reference_scores / value_beta, dim=1)
    return value_beta * (total - math.log(n))


def advantage_regression_loss(
    logprobs: Float[Tensor, "B T"],
    ref_logprobs: Float[Tensor, "B T"],
    advantages: Float[Tensor, " B"],
    mask: Bool[Tensor, "B T"],
    *,
    kl_coef: float,
    denominator: int | None = None,
) -> Float[Tensor, ""]:
    """Return the squared error of the policy's log-ratio as an advantage, to be minimized.

        loss = sum_i (kl_coef sum_t (logprobs_t - ref_logprobs_t) - A*_i)^2 / B,   A* = r - V*

    The best policy under a KL penalty has kl_coef log(pi / pi_ref) = r - V*, whatever is sampled;
    so it is where the loss is least, and the responses may be those of an earlier policy.
    `denominator` is the number of responses of a whole minibatch of which this is one microbatch.
    Brantley et al. 2025, arXiv:2505.20686, stage 2, where kl_coef is beta_2.
    """
    # What is left of the advantage once the KL is paid: 0 everywhere under the best policy.
    left = sequence_rewards(advantages, logprobs, ref_logprobs, mask, kl_coef=kl_coef)
    return left.square().sum() / (left.shape[0] if denominator is None else denominator)
