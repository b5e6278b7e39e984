"""One backward pass of PPO, and what it says about the step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from jaxtyping import Float, Num
from torch import Tensor

from prefloop.batches import Rollout
from prefloop.functional.kl import kl_increase
from prefloop.functional.masking import masked_mean
from prefloop.functional.ppo_loss import clipped_policy_loss, clipped_value_loss
from prefloop.models.heads import ValueHead
from prefloop.models.roles import RoleModel
from prefloop.models.scoring import respond_forward
from prefloop.policy.methods.ppo import PPOSettings
from prefloop.samples.sampler import Sampler


class BatchSize(NamedTuple):
    """How much a minibatch is, of which each microbatch has a share."""

    n_responses: int
    n_tokens: Num[Tensor, ""]
    """Those that count."""


@dataclass(frozen=True, kw_only=True)
class StepStats:
    """Losses and statistics of one optimizer step, or of one microbatch's share in it."""

    policy_loss: float
    value_loss: float
    approx_kl: float
    clip_fraction: float
    entropy: float
    kl_increase: float
    """By how much the KL had grown since the rollout when the step began, nats per response."""
    ratio_max: float

    @classmethod
    def total(cls, parts: Sequence[Self]) -> Self:
        """Return the step's numbers: shares add up, the largest ratio is the largest."""
        sums = {
            name: sum(getattr(part, name) for part in parts)
            for name in vars(parts[0])
            if name != "ratio_max"
        }
        return cls(**sums, ratio_max=max(part.ratio_max for part in parts))

    @classmethod
    def mean(cls, steps: Sequence[Self]) -> Self:
        """Return the average over the steps of an update; the largest ratio is the largest."""
        whole = cls.total(steps)
        shares = {
            name: value / len(steps) for name, value in vars(whole).items() if name != "ratio_max"
        }
        return cls(**shares, ratio_max=whole.ratio_max)


def improve_microbatch(
    policy: RoleModel,
    value_head: ValueHead,
    rollout: Rollout,
    advantages: Float[Tensor, "B T"],
    returns: Float[Tensor, "B T"],
    config: PPOSettings,
    sampler: Sampler,
    *,
    whole: BatchSize,
) -> StepStats:
    """Add this microbatch's share of the gradient of policy loss + vf_coef * value loss."""
    forward = respond_forward(
        policy,
        rollout.query,
        rollout.query_mask,
        rollout.response,
        temperature=sampler.task.temperature,
        banned=sampler.banned,
        value_head=value_head,
        with_entropy=True,
        prefix_states=rollout.prefix_states,
        loss_mask=rollout.mask,
    )
    assert forward.values is not None
    policy_loss = clipped_policy_loss(
        forward.logprobs,
        rollout.logprobs,
        advantages,
        rollout.mask,
        clip_range=config.clip_range,
        denominator=whole.n_tokens,
    )
    value_loss = clipped_value_loss(
        forward.values,
        rollout.values,
        returns,
        rollout.mask,
        clip_range_value=config.clip_range_value,
        denominator=whole.n_tokens,
    )
    with torch.no_grad():
        gained = kl_increase(forward.logprobs, rollout.logprobs, rollout.ref_logprobs, rollout.mask)
    (policy_loss.loss + config.vf_coef * value_loss.loss).backward()  # type: ignore[no-untyped-call]
    return StepStats(
        policy_loss=policy_loss.loss.item(),
        value_loss=value_loss.loss.item(),
        approx_kl=policy_loss.approx_kl.item(),
        clip_fraction=policy_loss.clip_fraction.item(),
        entropy=masked_mean(forward.entropy, rollout.mask, denominator=whole.n_tokens).item(),
        kl_increase=gained.sum().item() / whole.n_responses,
        ratio_max=policy_loss.ratio_max.item(),
    )
