"""REINFORCE leave-one-out (Ahmadian et al. 2024, arXiv:2402.14740): no value head."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from prefloop.batches import Rollout
from prefloop.functional.rewards import sequence_rewards
from prefloop.functional.rloo import clipped_sequence_loss, leave_one_out_advantages
from prefloop.models.scoring import Forward
from prefloop.policy.methods.method import BatchSize, LossTargets, MethodLoss
from prefloop.settings.section import Positive, Section


class RLOOSettings(Section):
    """Settings of `rloo`. The defaults are those of TRL's `RLOOConfig`."""

    samples_per_prompt: Annotated[int, Field(ge=2)] = 2
    """Responses to each prompt; the others are a response's baseline (TRL's `num_generations`)."""

    clip_range: Positive = 0.2
    """How far the probability ratio of a whole response may move before its gradient stops (TRL's
    `epsilon`)."""


class RLOO:
    """A clipped loss per response, whose baseline is the mean reward of its prompt's others."""

    name: ClassVar[str] = "rloo"
    Settings: ClassVar[type[Section]] = RLOOSettings
    uses_values: ClassVar[bool] = False
    metrics: ClassVar[Mapping[str, str]] = {
        "policy/policy_loss": "Clipped loss per response, mean over the update's steps.",
        "policy/clip_fraction": "Share of responses whose probability ratio was clipped.",
        "policy/ratio_max": "Largest probability ratio of a response in the update.",
        "policy/ratio_mean": "Mean probability ratio of a response, mean over the update's steps; "
        "near 1 in a sound run.",
    }

    def __init__(self, settings: RLOOSettings) -> None:
        self.settings = settings

    @property
    def samples_per_prompt(self) -> int:
        """Responses to each prompt of a rollout."""
        return self.settings.samples_per_prompt

    def targets(self, rollout: Rollout, *, kl_coef: float) -> LossTargets:
        """Return one advantage per response: its reward less the mean of its prompt's others."""
        rewards = self.response_rewards(rollout, kl_coef=kl_coef)
        k = self.samples_per_prompt
        return {"advantages": leave_one_out_advantages(rewards, samples_per_prompt=k)}

    def response_rewards(self, rollout: Rollout, *, kl_coef: float) -> Float[Tensor, " B"]:
        """Return the reward of each response, before its prompt's others are taken off."""
        return sequence_rewards(
            rollout.scores, rollout.logprobs, rollout.ref_logprobs, rollout.mask, kl_coef=kl_coef
        )

    def loss(
        self, forward: Forward, rollout: Rollout, targets: LossTargets, *, size: BatchSize
    ) -> MethodLoss:
        """Return the clipped loss of whole responses."""
        policy = clipped_sequence_loss(
            forward.logprobs,
            rollout.logprobs,
            targets["advantages"],
            rollout.mask,
            clip_range=self.settings.clip_range,
            denominator=size.n_responses,
        )
        return MethodLoss(
            loss=policy.loss,
            shares={
                "policy/policy_loss": policy.loss.item(),
                "policy/clip_fraction": policy.clip_fraction.item(),
                "policy/ratio_mean": policy.ratio_mean.item(),
            },
            maxima={"policy/ratio_max": policy.ratio_max.item()},
        )

    def describe(self, rollout: Rollout, *, kl_coef: float) -> dict[str, float]:
        """Return nothing of its own."""
        return {}

    def state(self) -> dict[str, Any]:
        """Return nothing: an update needs nothing of earlier ones."""
        return {}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take nothing."""
