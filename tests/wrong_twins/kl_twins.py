"""Historical mistakes about the KL and what steers it, each as a mutation of one formula."""

from prefloop.functional.kl import kl_k1


def kl_reversed(logprobs, ref_logprobs, mask):
    """Reference minus policy: the sign flip that ran all night in 2019, in the KL."""
    return kl_k1(ref_logprobs, logprobs, mask)


def k2_not_halved(logprobs, ref_logprobs, mask):
    """The square itself: the term weighs twice what it should."""
    return kl_k1(logprobs, ref_logprobs, mask).square()


def k2_over_padding(logprobs, ref_logprobs, mask):
    """S17: the padding adds to the term."""
    return 0.5 * (logprobs - ref_logprobs).square()


def k2_absolute(logprobs, ref_logprobs, mask):
    """|log-ratio|: a token that is off by little is pulled as hard as one that is off by much."""
    return 0.5 * kl_k1(logprobs, ref_logprobs, mask).abs()


def _gained(ratio, logprobs, old_logprobs, ref_logprobs, mask):
    now, then = (kl_k1(x, ref_logprobs, mask) for x in (logprobs, old_logprobs))
    return (ratio * now - then).sum(dim=1)


def gained_unweighted(logprobs, old_logprobs, ref_logprobs, mask):
    """What the old policy drew, taken as the new one's: any step looks like a step back."""
    return kl_k1(logprobs, old_logprobs, mask).sum(dim=1)


def gained_ratio_reversed(logprobs, old_logprobs, ref_logprobs, mask):
    """Old over new: what the new policy likes counts the least."""
    ratio = kl_k1(old_logprobs, logprobs, mask).exp()
    return _gained(ratio, logprobs, old_logprobs, ref_logprobs, mask)


def gained_untruncated(logprobs, old_logprobs, ref_logprobs, mask):
    """One token of ratio 60 pulls back a policy that has hardly moved."""
    ratio = kl_k1(logprobs, old_logprobs, mask).exp()
    return _gained(ratio, logprobs, old_logprobs, ref_logprobs, mask)


def gained_mean(logprobs, old_logprobs, ref_logprobs, mask):
    """S6: per token, where the cap is per response."""
    ratio = kl_k1(logprobs, old_logprobs, mask).exp().clamp(max=4.0)
    return _gained(ratio, logprobs, old_logprobs, ref_logprobs, mask) / mask.sum(dim=1)


def kl_over_padding(logprobs, ref_logprobs, mask):
    """S17: the padding adds to the KL."""
    return logprobs - ref_logprobs


def k3_reversed(logprobs, ref_logprobs, mask):
    """exp(k1) - 1 - k1: no KL; its mean under the policy is chi-square less KL."""
    k1 = kl_k1(logprobs, ref_logprobs, mask)
    return k1.expm1() - k1


def sequence_kl_mean(kl):
    """S6: nats per token, where the target is in nats per response."""
    return kl.mean(dim=1)


def exact_kl_reversed(logits, ref_logits, *, temperature):
    """KL(reference || policy)."""
    p = (logits / temperature).log_softmax(-1)
    q = (ref_logits / temperature).log_softmax(-1)
    return (q.exp() * (q - p)).sum(-1)


def exact_kl_without_temperature(logits, ref_logits, *, temperature):
    """Compares the distributions at temperature 1."""
    p, q = logits.log_softmax(-1), ref_logits.log_softmax(-1)
    return (p.exp() * (p - q)).sum(-1)


def cap_weight_at_once(kl, *, cap):
    """All or nothing: one update undoes what several learned."""
    return float(kl > cap)


def cap_weight_below_the_cap(kl, *, cap):
    """The sign of the excess: the term weighs where the KL is small."""
    return min(max((1.0 - kl / cap) / 0.2, 0.0), 1.0)


def controller_sign(kl_coef, kl, *, target, horizon, n_episodes):
    """Loosens the leash when the policy runs away."""
    error = min(max(kl / target - 1, -0.2), 0.2)
    return kl_coef * (1 - error * n_episodes / horizon)


def controller_unclipped(kl_coef, kl, *, target, horizon, n_episodes):
    """One spike of KL multiplies the coefficient."""
    return kl_coef * (1 + (kl / target - 1) * n_episodes / horizon)


def controller_ignores_batch(kl_coef, kl, *, target, horizon, n_episodes):
    """The paper's constant 0.1 at every batch size."""
    return kl_coef * (1 + min(max(kl / target - 1, -0.2), 0.2) * 0.1)
