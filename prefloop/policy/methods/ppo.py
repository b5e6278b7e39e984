"""Proximal policy optimization (Schulman et al. 2017) as Ziegler et al. 2019 used it."""

from collections.abc import Mapping
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor

from prefloop.batches import Rollout
from prefloop.functional.advantages import explained_variance, gae
from prefloop.functional.masking import masked_whiten
from prefloop.functional.ppo_loss import clipped_policy_loss, clipped_value_loss
from prefloop.functional.rewards import shape_rewards
from prefloop.models.scoring import Forward
from prefloop.policy.methods.method import BatchSize, LossTargets, MethodLoss
from prefloop.settings.section import Fraction, NonNegative, Positive, Section


class PPOSettings(Section):
    """Settings of `ppo`. The defaults are those of the code that Ziegler et al. 2019 released."""

    gamma: Fraction = 1.0
    """Discount. 1, because one score at the end must reach every token."""

    lam: Fraction = 0.95
    """Lambda of generalized advantage estimation."""

    clip_range: Positive = 0.2
    """How far the probability ratio may move before its gradient stops."""

    clip_range_value: Positive = 0.2
    """How far a value may move from its estimate at rollout before its gradient stops."""

    vf_coef: NonNegative = 0.1
    """Weight of the value loss."""

    whiten_rewards: bool = True
    """Scale rewards to variance 1 in each minibatch, keeping their mean."""


class PPO:
    """Clipped policy and value losses on advantages from GAE."""

    name: ClassVar[str] = "ppo"
    Settings: ClassVar[type[Section]] = PPOSettings
    uses_values: ClassVar[bool] = True
    metrics: ClassVar[Mapping[str, str]] = {
        "policy/policy_loss": "Clipped surrogate loss, mean over the update's steps.",
        "policy/value_loss": "Clipped value loss, mean over the update's steps.",
        "policy/clip_fraction": "Share of tokens whose probability ratio was clipped.",
        "policy/approx_kl": "Half the mean squared change of a token's log-probability since the "
        "rollout, mean over the update's steps.",
        "policy/ratio_max": "Largest probability ratio of a token in the update.",
        "policy/ratio_mean": "Mean probability ratio of a token, mean over the update's steps; "
        "near 1 in a sound run.",
        "policy/explained_variance": "Share of the returns' variance that the values account for, "
        "at rollout; 1 is perfect.",
    }
    samples_per_prompt = 1

    def __init__(self, settings: PPOSettings) -> None:
        self.settings = settings

    def targets(self, rollout: Rollout, *, kl_coef: float) -> LossTargets:
        """Return whitened advantages, and returns that are not whitened, per token."""
        settings = self.settings
        rewards = self._rewards(rollout, kl_coef)
        if settings.whiten_rewards:
            rewards = masked_whiten(rewards, rollout.mask, center=False)
        assert rollout.values is not None, "a method that uses values has them in its rollouts"
        advantages, returns = gae(
            rewards, rollout.values, rollout.mask, gamma=settings.gamma, lam=settings.lam
        )
        advantages = masked_whiten(advantages, rollout.mask, center=True)
        return {"advantages": advantages, "returns": returns}

    def response_rewards(self, rollout: Rollout, *, kl_coef: float) -> Float[Tensor, " B"]:
        """Return the sum of each response's rewards per token, before they are whitened."""
        return self._rewards(rollout, kl_coef).sum(dim=1)

    def _rewards(self, rollout: Rollout, kl_coef: float) -> Float[Tensor, "B T"]:
        rewards, _ = shape_rewards(
            rollout.scores, rollout.logprobs, rollout.ref_logprobs, rollout.mask, kl_coef=kl_coef
        )
        return rewards

    def loss(
        self, forward: Forward, rollout: Rollout, targets: LossTargets, *, size: BatchSize
    ) -> MethodLoss:
        """Return policy loss + vf_coef * value loss."""
        assert forward.values is not None and rollout.values is not None
        policy = clipped_policy_loss(
            forward.logprobs,
            rollout.logprobs,
            targets["advantages"],
            rollout.mask,
            clip_range=self.settings.clip_range,
            denominator=size.n_tokens,
        )
        value = clipped_value_loss(
            forward.values,
            rollout.values,
            targets["returns"],
            rollout.mask,
            clip_range_value=self.settings.clip_range_value,
            denominator=size.n_tokens,
        )
        return MethodLoss(
            loss=policy.loss + self.settings.vf_coef * value.loss,
            shares={
                "policy/policy_loss": policy.loss.item(),
                "policy/value_loss": value.loss.item(),
                "policy/approx_kl": policy.approx_kl.item(),
                "policy/clip_fraction": policy.clip_fraction.item(),
                "policy/ratio_mean": policy.ratio_mean.item(),
            },
            maxima={"policy/ratio_max": policy.ratio_max.item()},
        )

    def describe(self, rollout: Rollout, *, kl_coef: float) -> dict[str, float]:
        """Return how well the values fit the returns of a rollout."""
        assert rollout.values is not None
        returns = self.targets(rollout, kl_coef=kl_coef)["returns"]
        explained = explained_variance(rollout.values, returns, rollout.mask)
        return {"policy/explained_variance": explained.item()}

    def state(self) -> dict[str, Any]:
        """Return nothing: an update needs nothing of earlier ones."""
        return {}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take nothing."""
