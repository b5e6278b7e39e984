"""Direct preference optimization (Rafailov et al. 2023, arXiv:2305.18290) on the run's labels."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from prefloop.batches import Rollout
from prefloop.functional.dpo import dpo_loss
from prefloop.models.scoring import Forward
from prefloop.policy.methods.method import BatchSize, LossTargets, MethodLoss
from prefloop.settings.policy import PolicyConfig
from prefloop.settings.section import Section


class DPOSettings(Section):
    """`dpo` has no settings of its own: its beta is `policy.kl.coef`, as in Rafailov et al. 2023,
    equation 3, whose default, and that of TRL's `DPOConfig`, is 0.1."""


class DPO:
    """Labeled pairs in, no rollouts: the preferred response becomes likelier than the other."""

    name: ClassVar[str] = "dpo"
    Settings: ClassVar[type[Section]] = DPOSettings
    uses_values: ClassVar[bool] = False
    learns_from: ClassVar[Literal["comparisons"]] = "comparisons"
    metrics: ClassVar[Mapping[str, str]] = {
        "policy/policy_loss": "Loss of a labeled pair, in nats, mean over the update's steps; "
        "0.69 is chance.",
        "policy/preference_margin": "Implicit reward of a pair's preferred response less that of "
        "the other, mean over the update's steps.",
        "policy/preference_accuracy": "Share of the labeled pairs whose preferred response has the "
        "larger implicit reward, mean over the update's steps.",
    }
    samples_per_prompt = 2

    def __init__(self, settings: DPOSettings) -> None:
        self.settings = settings

    def settings_problems(self, config: PolicyConfig) -> list[str]:
        """Return what leaves the loss without a beta or a run without pairs, or splits a pair."""
        problems = []
        if config.kl.coef == 0:
            problems.append(
                "policy.kl.coef 0 leaves policy.method dpo without a loss: it is its beta. Write a "
                "coefficient above 0, such as 0.1, or another method"
            )
        if not config.uses_reward_model:
            problems.append(
                f"policy.method dpo learns from labels, and with policy.reward {config.reward!r} "
                "nobody labels. Set policy.reward: reward_model, or another method"
            )
        if config.microbatch_size % 2:
            problems.append(
                f"policy.microbatch_size {config.microbatch_size} would split a pair: "
                "policy.method dpo needs an even number"
            )
        return problems

    def targets(self, rollout: Rollout, *, kl_coef: float) -> LossTargets:
        """Return the votes, and the coefficient, one per response."""
        votes = rollout.votes
        assert votes is not None, "a method that learns from comparisons has votes"
        return {"votes": votes, "kl_coef": votes.new_full(votes.shape, kl_coef)}

    def loss(
        self, forward: Forward, rollout: Rollout, targets: LossTargets, *, size: BatchSize
    ) -> MethodLoss:
        """Return the loss of the pairs."""
        found = dpo_loss(
            forward.logprobs,
            rollout.ref_logprobs,
            targets["votes"],
            rollout.mask,
            beta=targets["kl_coef"][0].item(),
            denominator=size.n_responses,
        )
        return MethodLoss(
            loss=found.loss,
            shares={
                "policy/policy_loss": found.loss.item(),
                "policy/preference_margin": found.margin.item(),
                "policy/preference_accuracy": found.accuracy.item(),
            },
        )

    def describe(self, rollout: Rollout, *, kl_coef: float) -> dict[str, float]:
        """Return nothing of its own: what the policy draws is only measured."""
        return {}

    def state(self) -> dict[str, Any]:
        """Return nothing: an update needs nothing of earlier ones."""
        return {}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take nothing."""
