"""Historical mistakes, each as a mutation of one formula.

A twin has the signature of the formula it stands for. Its first line says who makes the mistake, or
what it does to a run. Nothing of this is ever imported by the package.
"""

import math

import torch

from prefloop.functional.advantages import gae
from prefloop.functional.kl import kl_k1
from prefloop.functional.masking import last_index, masked_mean, masked_var, masked_whiten
from prefloop.functional.ppo_loss import PolicyLoss, ValueLoss, clipped_policy_loss
from prefloop.functional.rewards import shape_rewards
from prefloop.functional.truncation import truncation_mask


def padding_in_the_sum(x, mask):
    """S17: what stands in the padding is added up."""
    return x.sum()


def padding_in_the_row_sums(x, mask):
    """S17: each response's sum, what stands in its padding included."""
    return x.sum(dim=1)


def padding_in_the_mean(x, mask, *, denominator=None):
    """S17: the sum over real tokens, divided by all places."""
    return x.masked_fill(~mask, 0.0).sum() / x.numel()


def mask_upside_down(x, mask, *, denominator=None):
    """The mask is read as `padding_mask`, True where a token does not count."""
    return masked_mean(x, ~mask)


def variance_unbiased(x, mask):
    """PyTorch's default, n - 1, in place of TensorFlow's n."""
    n = mask.sum()
    return masked_var(x, mask) * n / (n - 1)


def whiten_polarity(x, mask, *, center, eps=1e-8):
    """Torchtune: `shift_mean` reversed, so advantages keep their mean and rewards lose it."""
    return masked_whiten(x, mask, center=not center, eps=eps)


def whiten_unbiased(x, mask, *, center, eps=1e-8):
    """Huang et al. 2023, detail 18: the unbiased variance."""
    mean = masked_mean(x, mask)
    white = (x - mean) * torch.rsqrt(variance_unbiased(x, mask) + eps)
    return (white if center else white + mean).masked_fill(~mask, 0.0)


def whiten_scales_the_mean(x, mask, *, center, eps=1e-8):
    """center=False divides the mean by the spread too."""
    scaled = x * torch.rsqrt(masked_var(x, mask) + eps)
    white = masked_whiten(x, mask, center=True, eps=eps) if center else scaled
    return white.masked_fill(~mask, 0.0)


def last_index_counts_from_one(mask):
    """The number of real tokens taken for the index of the last."""
    return mask.sum(dim=1)


def logprobs_without_temperature(logits, tokens, *, temperature):
    """Huang et al. 2023, detail 10: scored at temperature 1, sampled at another."""
    return logits.log_softmax(-1).gather(-1, tokens.unsqueeze(-1)).squeeze(-1)


def logprobs_temperature_after(logits, tokens, *, temperature):
    """The log-probability is divided, not the logits: it no longer sums to 1."""
    return logprobs_without_temperature(logits, tokens, temperature=1.0) / temperature


def entropy_without_temperature(logits, *, temperature):
    """The entropy of another distribution than the one sampled."""
    return torch.special.entr(logits.softmax(-1)).sum(-1)


def entropy_sign(logits, *, temperature):
    """p log p without the minus."""
    return -torch.special.entr((logits / temperature).softmax(-1)).sum(-1)


def ban_the_others(logits, banned):
    """`banned` read as `allowed`."""
    return logits.masked_fill(~banned, float("-inf"))


def rewards_kl_sign(scores, logprobs, ref_logprobs, mask, *, kl_coef):
    """The policy is paid for leaving the reference."""
    rewards, kl = shape_rewards(scores, logprobs, ref_logprobs, mask, kl_coef=-kl_coef)
    return rewards, kl


def rewards_without_penalty(scores, logprobs, ref_logprobs, mask, *, kl_coef):
    """S10: the reference is loaded and never reaches the reward."""
    return shape_rewards(scores, logprobs, ref_logprobs, mask, kl_coef=0.0)


def rewards_score_sign(scores, logprobs, ref_logprobs, mask, *, kl_coef):
    """The other half of the sign flip of 2019: the worst text is the best."""
    return shape_rewards(-scores, logprobs, ref_logprobs, mask, kl_coef=kl_coef)


def rewards_score_late(scores, logprobs, ref_logprobs, mask, *, kl_coef):
    """S1: the score one place after the last token, on the first padding."""
    kl = kl_k1(logprobs, ref_logprobs, mask)
    place = (last_index(mask) + 1).clamp(max=mask.shape[1] - 1).unsqueeze(1)
    return (-kl_coef * kl).scatter_add(1, place, scores.unsqueeze(1)), kl


def rewards_score_at_the_edge(scores, logprobs, ref_logprobs, mask, *, kl_coef):
    """S1: the score in the last column, padding or not."""
    kl = kl_k1(logprobs, ref_logprobs, mask)
    rewards = -kl_coef * kl
    rewards[:, -1] += scores
    return rewards, kl


def rewards_score_everywhere(scores, logprobs, ref_logprobs, mask, *, kl_coef):
    """The score on every token: a long response earns it many times."""
    kl = kl_k1(logprobs, ref_logprobs, mask)
    return (scores.unsqueeze(1) - kl_coef * kl).masked_fill(~mask, 0.0), kl


def penalty_added(scores, is_ended, *, penalty):
    """Added to the score where it should replace it."""
    return scores + penalty * (~is_ended)


def penalty_for_the_ended(scores, is_ended, *, penalty):
    """The condition upside down."""
    return torch.where(is_ended, torch.full_like(scores, penalty), scores)


def gae_values_not_masked(rewards, values, mask, *, gamma, lam):
    """The value of the first padding leaks into the last token."""
    rewards = rewards.masked_fill(~mask, 0.0)
    whole = torch.ones_like(mask)
    advantages, returns = gae(rewards, values, whole, gamma=gamma, lam=lam)
    return advantages.masked_fill(~mask, 0.0), returns.masked_fill(~mask, 0.0)


def gae_bootstrapped_at_the_end(rewards, values, mask, *, gamma, lam):
    """V after the last token is the last value, as if the response went on."""
    rewards = rewards.clone()
    rows, last = torch.arange(len(rewards)), last_index(mask)
    rewards[rows, last] += gamma * values[rows, last]
    return gae(rewards, values, mask, gamma=gamma, lam=lam)


def gae_without_lambda(rewards, values, mask, *, gamma, lam):
    """Monte Carlo whatever `lam` says."""
    return gae(rewards, values, mask, gamma=gamma, lam=1.0)


def gae_returns_from_whitened(rewards, values, mask, *, gamma, lam):
    """Whitened advantages plus values: the value head chases a number without units."""
    advantages, _ = gae(rewards, values, mask, gamma=gamma, lam=lam)
    white = masked_whiten(advantages, mask, center=True)
    return advantages, white + values.masked_fill(~mask, 0.0)


def advantages_from_rewards(rewards, values, mask, *, gamma, lam):
    """S18: reward minus value; a token never hears of the score at the end."""
    _, returns = gae(rewards, values, mask, gamma=gamma, lam=lam)
    return (rewards - values).masked_fill(~mask, 0.0), returns


def explained_variance_of_residual(values, returns, mask):
    """The textbook's: forgives a constant error."""
    return 1 - masked_var(returns - values, mask) / masked_var(returns, mask)


def explained_variance_over_padding(values, returns, mask):
    """S17: padding counts."""
    whole = torch.ones_like(mask)
    error = masked_mean((returns - values).square(), whole)
    return 1 - error / masked_var(returns, whole)


def surrogate_sign(logprobs, old_logprobs, advantages, mask, *, clip_range, denominator=None):
    """Minimizes what should be maximized; torchtune's tests with rtol=1e6 let it pass."""
    return clipped_policy_loss(logprobs, old_logprobs, -advantages, mask, clip_range=clip_range)


def surrogate_optimistic(logprobs, old_logprobs, advantages, mask, *, clip_range, denominator=None):
    """min where the loss needs max: the clip lets go when it should hold."""
    real = clipped_policy_loss(logprobs, old_logprobs, advantages, mask, clip_range=clip_range)
    ratio = (logprobs - old_logprobs).exp()
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    loss = masked_mean(torch.minimum(-advantages * ratio, -advantages * clipped), mask)
    return PolicyLoss(loss, *real[1:])


def surrogate_unclipped(logprobs, old_logprobs, advantages, mask, *, clip_range, denominator=None):
    """Plain importance weighting."""
    return clipped_policy_loss(logprobs, old_logprobs, advantages, mask, clip_range=1e9)


def surrogate_ratio_reversed(
    logprobs, old_logprobs, advantages, mask, *, clip_range, denominator=None
):
    """old / new."""
    return clipped_policy_loss(old_logprobs, logprobs, advantages, mask, clip_range=clip_range)


def surrogate_over_padding(
    logprobs, old_logprobs, advantages, mask, *, clip_range, denominator=None
):
    """S17: TRL's `approxkl`, averaged over padding, and the loss with it."""
    n = torch.tensor(mask.numel())
    return clipped_policy_loss(
        logprobs, old_logprobs, advantages, mask, clip_range=clip_range, denominator=n
    )


def _value_loss(values, near, returns, mask, worse, factor=0.5):
    plain, clipped = (values - returns).square(), (near - returns).square()
    loss = factor * masked_mean(worse(plain, clipped), mask)
    return ValueLoss(loss, masked_mean((clipped > plain).to(values.dtype), mask))


def value_clip_optimistic(values, old_values, returns, mask, *, clip_range_value, denominator=None):
    """The smaller of the two errors."""
    near = values.clamp(old_values - clip_range_value, old_values + clip_range_value)
    return _value_loss(values, near, returns, mask, torch.minimum)


def value_clip_about_zero(values, old_values, returns, mask, *, clip_range_value, denominator=None):
    """Clips the value itself, not its change."""
    near = values.clamp(-clip_range_value, clip_range_value)
    return _value_loss(values, near, returns, mask, torch.maximum)


def value_loss_not_halved(values, old_values, returns, mask, *, clip_range_value, denominator=None):
    """Twice the loss: `vf_coef` no longer means what it meant in 2019."""
    near = values.clamp(old_values - clip_range_value, old_values + clip_range_value)
    return _value_loss(values, near, returns, mask, torch.maximum, factor=1.0)


def best_of_k_sign(scores, targets, present=None, *, denominator=None):
    """The sign flip of 2019 in the reward model: it learns what people like least."""
    logprobs = (-scores).masked_fill(~present, float("-inf")).log_softmax(1)
    return -(targets * logprobs.masked_fill(~present, 0.0)).sum() / len(scores)


def best_of_k_absent_counts(scores, targets, present=None, *, denominator=None):
    """The padding competes with the responses."""
    return -(targets * scores.log_softmax(1)).sum() / len(scores)


def best_of_k_hard_target(scores, targets, present=None, *, denominator=None):
    """Ties and disagreement thrown away: the first of the largest wins."""
    logprobs = scores.masked_fill(~present, float("-inf")).log_softmax(1)
    return -logprobs.gather(1, targets.argmax(1, keepdim=True)).mean()


def accuracy_first_wins(scores, targets, present=None):
    """argmax on both sides: standing first is rewarded in every tie."""
    scores = scores.masked_fill(~present, float("-inf"))
    return (scores.argmax(1) == targets.argmax(1)).to(scores.dtype)


def accuracy_absent_counts(scores, targets, present=None):
    """A response that does not exist can win."""
    return (scores.argmax(1) == targets.argmax(1)).to(scores.dtype)


def decay_one_step_early(step, total):
    """The last step has rate 0 and the first is not whole."""
    return 1 - (step + 1) / total


def cosine_whole_turn(step, total):
    """A full period: the rate comes back at the end."""
    return 0.5 * (1 + math.cos(2 * math.pi * step / total))


def label_budget_linear(initial, total, fraction):
    """As many labels late as early."""
    return round(initial + (total - initial) * fraction)


def gain_with_sample_std(scores, *, mean=0.0, std=1.0):
    """Huang et al.'s reproduction: Bessel's correction."""
    gain = std / scores.std().item()
    return gain, mean - gain * scores.mean().item()


def shift_not_scaled(scores, *, mean=0.0, std=1.0):
    """The mean is taken off after the gain, in the old units."""
    return std / scores.std(correction=0).item(), mean - scores.mean().item()


def stop_at_any_index(response, is_stop, *, earliest):
    """The first stop token, however early."""
    known = (response >= 0) & (response < len(is_stop))
    found = is_stop[response.clamp(0, len(is_stop) - 1)] & known
    return torch.where(found.any(1), found.int().argmax(1), -1)


def stop_at_the_last(response, is_stop, *, earliest):
    """The last stop token: one response becomes two sentences."""
    known = (response >= 0) & (response < len(is_stop))
    found = is_stop[response.clamp(0, len(is_stop) - 1)] & known
    places = torch.arange(response.shape[1])
    return torch.where(found & (places >= earliest), places, -1).amax(1)


def truncation_drops_the_stop(stop, n_tokens):
    """The period itself is cut off; the reward model then reads an open sentence."""
    return torch.arange(n_tokens) < torch.where(stop < 0, n_tokens, stop).unsqueeze(1)


def truncation_empties_the_unended(stop, n_tokens):
    """-1 taken for an index: nothing of an unended response counts."""
    return truncation_mask(stop, n_tokens) & (stop >= 0).unsqueeze(1)


def adam_eps_uncorrected(step, *, eps, beta2=0.999):
    """PyTorch's own meaning of epsilon: the first steps are many times too large."""
    return eps
