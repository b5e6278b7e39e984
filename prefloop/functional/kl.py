"""Divergence of the policy from the reference, KL(policy || reference), in nats.

Shapes: B = batch of responses, T = response tokens, V = vocabulary.
The estimators look only at the tokens that were sampled from the policy. All are zero outside the
mask, whatever stands there.
"""

from jaxtyping import Bool, Float
from torch import Tensor

TRUNCATED_AT = 4.0
"""No sampled token stands for more than this many of its kind."""


def kl_k1(
    logprobs: Float[Tensor, "B T"],
    ref_logprobs: Float[Tensor, "B T"],
    mask: Bool[Tensor, "B T"],
) -> Float[Tensor, "B T"]:
    """Return the per-token KL estimate that the reward is shaped with.

        kl_t = logprobs_t - ref_logprobs_t

    Unbiased for tokens sampled from the policy; a single one may be negative, the mean may not.
    Ziegler et al. 2019, arXiv:1909.08593, eq. 2. Called k1 in Schulman 2020, "Approximating KL
    Divergence".
    """
    return (logprobs - ref_logprobs).masked_fill(~mask, 0.0)


def kl_k2(
    logprobs: Float[Tensor, "B T"],
    ref_logprobs: Float[Tensor, "B T"],
    mask: Bool[Tensor, "B T"],
) -> Float[Tensor, "B T"]:
    """Return half the square of the log-ratio of each token.

        kl_t = (logprobs_t - ref_logprobs_t)^2 / 2

    Biased, but for tokens sampled from the policy its gradient is that of the KL per token:
    E[k1_t d logprobs_t] = d KL_t, while k1's own gradient is 0 in the mean. So it can stand in a
    loss, as it does above `policy.kl.cap` (docs/details.md, 26).
    Schulman 2020, "Approximating KL Divergence", k2.
    """
    return 0.5 * kl_k1(logprobs, ref_logprobs, mask).square()


def kl_k3(
    logprobs: Float[Tensor, "B T"],
    ref_logprobs: Float[Tensor, "B T"],
    mask: Bool[Tensor, "B T"],
) -> Float[Tensor, "B T"]:
    """Return the per-token KL estimate of low variance.

        kl_t = exp(-k1_t) - 1 + k1_t

    Unbiased for tokens sampled from the policy, and never negative.
    Schulman 2020, "Approximating KL Divergence", k3.
    """
    k1 = kl_k1(logprobs, ref_logprobs, mask)
    return (-k1).expm1() + k1


def kl_increase(
    logprobs: Float[Tensor, "B T"],
    old_logprobs: Float[Tensor, "B T"],
    ref_logprobs: Float[Tensor, "B T"],
    mask: Bool[Tensor, "B T"],
) -> Float[Tensor, " B"]:
    """Return how much the policy's KL has grown since it drew each response, in nats.

        gained = sum_t ratio_t (logprobs_t - ref_logprobs_t) - (old_logprobs_t - ref_logprobs_t)
        ratio_t = min(exp(logprobs_t - old_logprobs_t), 4)

    Each token's ratio makes what the old policy drew stand for what the new one would draw after
    the same words. That it would come to other words is left out, and of responses that the new
    policy has learned from the estimate comes out high: the ratio is cut at 4, or one token of
    ratio 60 would be a batch's gain (truncated importance sampling, Ionides 2008). 0 where nothing
    changed.
    """
    ratio = kl_k1(logprobs, old_logprobs, mask).exp().clamp(max=TRUNCATED_AT)
    now, then = kl_k1(logprobs, ref_logprobs, mask), kl_k1(old_logprobs, ref_logprobs, mask)
    return (ratio * now - then).sum(dim=1)


def sequence_kl(kl: Float[Tensor, "B T"]) -> Float[Tensor, " B"]:
    """Return the KL of each response: the sum over its tokens, not their mean.

    The controller's target is nats per response (silent bug S6 is to feed it nats per token).
    """
    return kl.sum(dim=1)


def exact_kl(
    logits: Float[Tensor, "B T V"], ref_logits: Float[Tensor, "B T V"], *, temperature: float
) -> Float[Tensor, "B T"]:
    """Return the KL between the two next-token distributions, summed over the vocabulary.

        kl_t = sum_v p[v] (log p[v] - log q[v])

    What `kl_k1` and `kl_k3` estimate from one token: the definition by which they are tested. No
    step of a run computes it, for it needs both models' logits. A token banned in both adds 0.
    """
    logprobs = (logits / temperature).log_softmax(dim=-1)
    ref_logprobs = (ref_logits / temperature).log_softmax(dim=-1)
    terms = logprobs.exp() * (logprobs - ref_logprobs)
    return terms.masked_fill(logprobs.isneginf(), 0.0).sum(dim=-1)
