"""Mistakes about optimal advantage regression, each as a mutation of one formula."""

import torch

from prefloop.functional.a2po import advantage_regression_loss
from prefloop.functional.masking import masked_row_sums


def values_of_the_sum(reference_scores, *, value_beta):
    """log N is left in: the value grows with the number of samples."""
    return value_beta * torch.logsumexp(reference_scores / value_beta, dim=1)


def values_mean(reference_scores, *, value_beta):
    """The reference's own value, which is the best policy's only where leaving costs everything."""
    return reference_scores.mean(dim=1)


def values_best(reference_scores, *, value_beta):
    """The best of the samples: what a policy would reach that pays no KL."""
    return reference_scores.amax(dim=1)


def values_without_temperature(reference_scores, *, value_beta):
    """The scores are not divided: the exponent is at another temperature than the logarithm."""
    n = torch.tensor(float(reference_scores.shape[1]))
    return value_beta * (torch.logsumexp(reference_scores, dim=1) - n.log())


def values_temperature_reversed(reference_scores, *, value_beta):
    """Multiplied where it is to be divided, and divided where multiplied."""
    n = torch.tensor(float(reference_scores.shape[1]))
    return (torch.logsumexp(reference_scores * value_beta, dim=1) - n.log()) / value_beta


def regression_sign(logprobs, ref_logprobs, advantages, mask, *, kl_coef, denominator=None):
    """The log-ratio is fitted to the disadvantage: the worst response is learned."""
    return advantage_regression_loss(
        logprobs, ref_logprobs, -advantages, mask, kl_coef=kl_coef, denominator=denominator
    )


def regression_without_reference(
    logprobs, ref_logprobs, advantages, mask, *, kl_coef, denominator=None
):
    """S10: the reference is loaded and never reaches the loss."""
    none = torch.zeros_like(ref_logprobs)
    return advantage_regression_loss(
        logprobs, none, advantages, mask, kl_coef=kl_coef, denominator=denominator
    )


def regression_without_coefficient(
    logprobs, ref_logprobs, advantages, mask, *, kl_coef, denominator=None
):
    """The log-ratio itself is the advantage: right only at a coefficient of 1."""
    return advantage_regression_loss(
        logprobs, ref_logprobs, advantages, mask, kl_coef=1.0, denominator=denominator
    )


def regression_per_token(logprobs, ref_logprobs, advantages, mask, *, kl_coef, denominator=None):
    """S6: the log-ratio is averaged over the tokens, where a response is one action."""
    ratio = masked_row_sums(logprobs - ref_logprobs, mask) / mask.sum(dim=1)
    return (kl_coef * ratio - advantages).square().sum() / (denominator or len(ratio))


def regression_over_padding(logprobs, ref_logprobs, advantages, mask, *, kl_coef, denominator=None):
    """S17: the padding is part of the log-ratio."""
    return advantage_regression_loss(
        logprobs,
        ref_logprobs,
        advantages,
        torch.ones_like(mask),
        kl_coef=kl_coef,
        denominator=denominator,
    )


def regression_of_microbatch(
    logprobs, ref_logprobs, advantages, mask, *, kl_coef, denominator=None
):
    """Each microbatch is averaged by itself: their sum is as many times too large."""
    return advantage_regression_loss(logprobs, ref_logprobs, advantages, mask, kl_coef=kl_coef)
