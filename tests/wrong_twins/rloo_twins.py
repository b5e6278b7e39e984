"""Mistakes about REINFORCE leave-one-out, each as a mutation of one formula."""

import torch

from prefloop.functional.kl import kl_k1
from prefloop.functional.rloo import SequenceLoss, clipped_sequence_loss, leave_one_out_advantages


def baseline_with_oneself(rewards, *, samples_per_prompt):
    """The response is part of its own baseline: every advantage is (k - 1) / k of itself."""
    groups = rewards.reshape(-1, samples_per_prompt)
    return (groups - groups.mean(dim=1, keepdim=True)).flatten()


def baseline_sign(rewards, *, samples_per_prompt):
    """Baseline less reward: the worst response is learned."""
    return -leave_one_out_advantages(rewards, samples_per_prompt=samples_per_prompt)


def baseline_of_all_prompts(rewards, *, samples_per_prompt):
    """The mean over the whole batch: hard prompts look bad, whatever was said."""
    return leave_one_out_advantages(rewards, samples_per_prompt=len(rewards))


def baseline_of_interleaved_groups(rewards, *, samples_per_prompt):
    """Rows of one prompt taken to be a batch apart, as the first RLOO trainer of TRL had them."""
    groups = rewards.reshape(samples_per_prompt, -1)
    others = (groups.sum(dim=0) - groups) / (samples_per_prompt - 1)
    return (groups - others).flatten()


def advantages_scaled_by_group(rewards, *, samples_per_prompt):
    """Divided by the group's standard deviation, which is GRPO's way, not RLOO's."""
    plain = leave_one_out_advantages(rewards, samples_per_prompt=samples_per_prompt)
    spread = rewards.reshape(-1, samples_per_prompt).std(dim=1, keepdim=True)
    return (plain.reshape(-1, samples_per_prompt) / (spread + 1e-8)).flatten()


def rewards_without_kl(scores, logprobs, ref_logprobs, mask, *, kl_coef):
    """S10: the reference is loaded and never reaches the reward."""
    return scores


def rewards_kl_reversed(scores, logprobs, ref_logprobs, mask, *, kl_coef):
    """The policy is paid for leaving the reference."""
    return scores + kl_coef * kl_k1(logprobs, ref_logprobs, mask).sum(dim=1)


def rewards_kl_per_token(scores, logprobs, ref_logprobs, mask, *, kl_coef):
    """S6: the mean over tokens, where the coefficient is per nat of a response."""
    kl = kl_k1(logprobs, ref_logprobs, mask).sum(dim=1) / mask.sum(dim=1)
    return scores - kl_coef * kl


def rewards_kl_over_padding(scores, logprobs, ref_logprobs, mask, *, kl_coef):
    """S17: the padding pays too."""
    return scores - kl_coef * (logprobs - ref_logprobs).sum(dim=1)


def _loss(ratio, advantages, clip_range, denominator, worse):
    plain = -advantages * ratio
    clipped = -advantages * ratio.clamp(1 - clip_range, 1 + clip_range)
    n = denominator or len(ratio)
    fraction = (clipped > plain).to(ratio.dtype).sum() / n
    loss = worse(plain, clipped).sum() / n
    return SequenceLoss(loss, fraction, ratio.amax(), ratio.mean())


def _log_ratio(logprobs, old_logprobs, mask):
    return (logprobs - old_logprobs).masked_fill(~mask, 0.0).sum(dim=1)


def sequence_loss_sign(logprobs, old_logprobs, advantages, mask, *, clip_range, denominator=None):
    """The surrogate is maximized."""
    right = clipped_sequence_loss(
        logprobs, old_logprobs, advantages, mask, clip_range=clip_range, denominator=denominator
    )
    return right._replace(loss=-right.loss)


def sequence_loss_optimistic(
    logprobs, old_logprobs, advantages, mask, *, clip_range, denominator=None
):
    """min where the loss needs max."""
    ratio = _log_ratio(logprobs, old_logprobs, mask).exp()
    return _loss(ratio, advantages, clip_range, denominator, torch.minimum)


def sequence_loss_unclipped(
    logprobs, old_logprobs, advantages, mask, *, clip_range, denominator=None
):
    """Later steps on one rollout run away."""
    ratio = _log_ratio(logprobs, old_logprobs, mask).exp()
    return _loss(ratio, advantages, 1e9, denominator, torch.maximum)


def sequence_loss_per_token(
    logprobs, old_logprobs, advantages, mask, *, clip_range, denominator=None
):
    """The geometric mean over the tokens in place of their product (GSPO's ratio)."""
    ratio = (_log_ratio(logprobs, old_logprobs, mask) / mask.sum(dim=1)).exp()
    return _loss(ratio, advantages, clip_range, denominator, torch.maximum)


def sequence_loss_over_padding(
    logprobs, old_logprobs, advantages, mask, *, clip_range, denominator=None
):
    """S17: the padding takes part in the ratio."""
    ratio = _log_ratio(logprobs, old_logprobs, torch.ones_like(mask)).exp()
    return _loss(ratio, advantages, clip_range, denominator, torch.maximum)


def sequence_loss_of_microbatch(
    logprobs, old_logprobs, advantages, mask, *, clip_range, denominator=None
):
    """Each microbatch is averaged by itself: their sum is as many times too large."""
    return clipped_sequence_loss(logprobs, old_logprobs, advantages, mask, clip_range=clip_range)
