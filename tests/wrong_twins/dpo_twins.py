"""Mistakes about direct preference optimization, each as a mutation of its loss."""

import torch

from prefloop.functional.dpo import PairLoss, dpo_loss
from prefloop.functional.masking import masked_row_sums


def margin_sign(logprobs, ref_logprobs, votes, mask, *, beta, denominator=None):
    """The other response of each pair is learned."""
    turned = votes.reshape(-1, 2).flip(1).flatten()
    return dpo_loss(logprobs, ref_logprobs, turned, mask, beta=beta, denominator=denominator)


def without_reference(logprobs, ref_logprobs, votes, mask, *, beta, denominator=None):
    """S10: the reference is loaded and never reaches the loss; nothing holds the policy near it."""
    none = torch.zeros_like(ref_logprobs)
    return dpo_loss(logprobs, none, votes, mask, beta=beta, denominator=denominator)


def without_beta(logprobs, ref_logprobs, votes, mask, *, beta, denominator=None):
    """The log-ratio itself is the reward: right only at a beta of 1."""
    return dpo_loss(logprobs, ref_logprobs, votes, mask, beta=1.0, denominator=denominator)


def over_padding(logprobs, ref_logprobs, votes, mask, *, beta, denominator=None):
    """S17: the padding is part of the log-ratio."""
    every = torch.ones_like(mask)
    return dpo_loss(logprobs, ref_logprobs, votes, every, beta=beta, denominator=denominator)


def per_token(logprobs, ref_logprobs, votes, mask, *, beta, denominator=None):
    """S6: the mean over the tokens, where a response is one action (IPO does so, DPO does not)."""
    ratio = masked_row_sums(logprobs - ref_logprobs, mask) / mask.sum(dim=1)
    return _of(beta * ratio[0::2], beta * ratio[1::2], votes[0::2], votes[1::2], len(votes))


def halves(logprobs, ref_logprobs, votes, mask, *, beta, denominator=None):
    """Rows taken to be all preferred responses, then all others, as TRL concatenates them."""
    ratio = beta * masked_row_sums(logprobs - ref_logprobs, mask)
    n = len(votes) // 2
    return _of(ratio[:n], ratio[n:], votes[0::2], votes[1::2], denominator or len(votes))


def hard_votes(logprobs, ref_logprobs, votes, mask, *, beta, denominator=None):
    """The majority takes all: labelers who disagreed teach as surely as those who agreed."""
    pairs = votes.reshape(-1, 2)
    hard = (pairs >= pairs.flip(1)).to(votes).flatten()
    return dpo_loss(logprobs, ref_logprobs, hard, mask, beta=beta, denominator=denominator)


def of_microbatch(logprobs, ref_logprobs, votes, mask, *, beta, denominator=None):
    """Each microbatch is averaged by itself: their sum is as many times too large."""
    return dpo_loss(logprobs, ref_logprobs, votes, mask, beta=beta)


def mean_over_responses(logprobs, ref_logprobs, votes, mask, *, beta, denominator=None):
    """Divided by the responses in place of the pairs."""
    n = 2 * (denominator or len(votes))
    return dpo_loss(logprobs, ref_logprobs, votes, mask, beta=beta, denominator=n)


def _of(chosen, other, first, second, n_responses):
    margins = chosen - other
    sigmoid = torch.nn.functional.logsigmoid
    losses = -(first * sigmoid(margins) + second * sigmoid(-margins))
    towards = (first - second).sign() * margins
    n = n_responses / 2
    return PairLoss(losses.sum() / n, towards.sum() / n, ((towards.sign() + 1) / 2).sum() / n)
