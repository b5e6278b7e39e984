"""Optimal advantage regression (Brantley et al. 2025, arXiv:2505.20686): A*-PO, no value head."""

from collections.abc import Mapping
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor

from prefloop.batches import Rollout
from prefloop.functional.a2po import advantage_regression_loss, optimal_values
from prefloop.functional.rewards import sequence_rewards
from prefloop.models.scoring import Forward
from prefloop.policy.methods.method import BatchSize, LossTargets, MethodLoss
from prefloop.settings.policy import PolicyConfig
from prefloop.settings.section import Count, Positive, Section


class A2POSettings(Section):
    """Settings of `a2po`. The defaults are those of TRL's `A2POConfig`, which are the paper's."""

    value_samples: Count = 8
    """Responses of the reference to each prompt, from which its value is estimated (TRL's
    `num_value_samples`)."""

    value_beta: Positive = 0.5
    """Temperature of that estimate, in units of the score: near 0 it is the best of the responses,
    far above the scores their mean (TRL's `beta1`)."""


class A2PO:
    """Least squares: the policy's log-ratio to the reference becomes the optimal advantage."""

    name: ClassVar[str] = "a2po"
    Settings: ClassVar[type[Section]] = A2POSettings
    uses_values: ClassVar[bool] = False
    metrics: ClassVar[Mapping[str, str]] = {
        "policy/policy_loss": "Squared difference between kl_coef * log-ratio to the reference and "
        "optimal advantage, mean over responses and over the update's steps.",
        "policy/optimal_value": "Value of the best policy at the update's prompts, estimated from "
        "responses of the reference, in units of the score.",
    }
    samples_per_prompt = 1

    def __init__(self, settings: A2POSettings) -> None:
        self.settings = settings

    @property
    def reference_samples(self) -> int:
        """Responses of the reference to each prompt, whose scores a rollout holds."""
        return self.settings.value_samples

    def settings_problems(self, config: PolicyConfig) -> list[str]:
        """Return that the KL coefficient is 0, if it is: then there is nothing to regress."""
        if config.kl.coef > 0:
            return []
        return [
            "policy.kl.coef 0 leaves policy.method a2po without a loss: it fits kl.coef times the "
            "log-ratio to the reference. Write a coefficient above 0, or another method"
        ]

    def targets(self, rollout: Rollout, *, kl_coef: float) -> LossTargets:
        """Return each response's optimal advantage, and the coefficient, one per response."""
        advantages = rollout.scores - self._values(rollout)
        return {"advantages": advantages, "kl_coef": advantages.new_full(advantages.shape, kl_coef)}

    def response_rewards(self, rollout: Rollout, *, kl_coef: float) -> Float[Tensor, " B"]:
        """Return the reward of each response: score less KL, which the loss holds to the value."""
        return sequence_rewards(
            rollout.scores, rollout.logprobs, rollout.ref_logprobs, rollout.mask, kl_coef=kl_coef
        )

    def loss(
        self, forward: Forward, rollout: Rollout, targets: LossTargets, *, size: BatchSize
    ) -> MethodLoss:
        """Return the squared error of the log-ratio as an optimal advantage."""
        loss = advantage_regression_loss(
            forward.logprobs,
            rollout.ref_logprobs,
            targets["advantages"],
            rollout.mask,
            kl_coef=targets["kl_coef"][0].item(),
            denominator=size.n_responses,
        )
        return MethodLoss(loss=loss, shares={"policy/policy_loss": loss.item()})

    def describe(self, rollout: Rollout, *, kl_coef: float) -> dict[str, float]:
        """Return the mean value of the rollout's prompts."""
        return {"policy/optimal_value": self._values(rollout).mean().item()}

    def _values(self, rollout: Rollout) -> Float[Tensor, " B"]:
        assert rollout.reference_scores is not None, "a method that asks for them has them"
        return optimal_values(rollout.reference_scores, value_beta=self.settings.value_beta)

    def state(self) -> dict[str, Any]:
        """Return nothing: the reference's scores are kept by those who draw them."""
        return {}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take nothing."""
