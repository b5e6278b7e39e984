"""Direct preference optimization: the policy's log-ratio to the reference is the reward model.

Shapes: B = batch of responses, T = response tokens.
Rows 0 and 1 are the two responses of the first pair, rows 2 and 3 those of the second, and so on.
"""

from typing import NamedTuple

from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import logsigmoid

from prefloop.functional.kl import kl_k1, sequence_kl


class PairLoss(NamedTuple):
    """The loss and what it says about the step. Only `loss` carries a gradient."""

    loss: Float[Tensor, ""]
    margin: Float[Tensor, ""]
    """Mean over pairs of the implicit reward of the preferred response less that of the other; a
    pair without a preference counts 0."""
    accuracy: Float[Tensor, ""]
    """Share of the pairs whose preferred response has the larger implicit reward; one without a
    preference, or with equal rewards, counts one half."""


def dpo_loss(
    logprobs: Float[Tensor, "B T"],
    ref_logprobs: Float[Tensor, "B T"],
    votes: Float[Tensor, " B"],
    mask: Bool[Tensor, "B T"],
    *,
    beta: float,
    denominator: int | None = None,
) -> PairLoss:
    """Return the loss of pairs of responses to one prompt each, to be minimized.

        r_i  = beta sum_t (logprobs_t - ref_logprobs_t)                    the implicit reward
        loss = -sum_pairs [votes_0 log sigmoid(r_0 - r_1) + votes_1 log sigmoid(r_1 - r_0)] / n

    `votes` say how often each response was preferred to the other of its pair: 1 and 0 is eq. 7 of
    the paper; a tie or disagreement has votes on both sides, and pulls the two rewards together as
    far as it goes. n is the number of pairs; `denominator` is that of the responses of a whole
    minibatch of which this is one microbatch.
    Rafailov et al. 2023, arXiv:2305.18290, eq. 7; with votes on both sides the binary cross entropy
    of Mitchell 2023, "A note on DPO with noisy preferences".
    """
    rewards = beta * sequence_kl(kl_k1(logprobs, ref_logprobs, mask))
    margins = rewards[0::2] - rewards[1::2]
    first, second = votes[0::2], votes[1::2]
    n = (rewards.shape[0] if denominator is None else denominator) / 2
    losses = -(first * logsigmoid(margins) + second * logsigmoid(-margins))
    towards = (first - second).sign() * margins.detach()
    return PairLoss(
        loss=losses.sum() / n,
        margin=towards.sum() / n,
        accuracy=((towards.sign() + 1.0) / 2.0).sum() / n,
    )
