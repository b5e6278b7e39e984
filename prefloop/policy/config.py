"""How the policy is updated."""

from typing import Literal, Self

from pydantic import Field, model_validator

from prefloop.settings import Count, Fraction, Index, NonNegative, Positive, Section


class KLConfig(Section):
    """What keeps the policy near the reference."""

    control: Literal["adaptive", "fixed"] = "adaptive"
    """`adaptive` steers the coefficient so that the KL meets `target`; `fixed` leaves it alone."""

    coef: NonNegative = 0.15
    """The KL coefficient (beta) at the start."""

    target: Positive = 6.0
    """KL per response, in nats, that the controller steers to."""

    horizon: Positive = 10_000.0
    """Episodes over which the controller may change the coefficient by a fifth."""

    cap: Positive | None = None
    """Limit in nats: beyond it steps also lead back to the reference, the more the further, and
    after ten rollouts that lie a fifth beyond it and come no lower the run stops. `null` sets no
    limit."""


class WarmStartConfig(Section):
    """Supervised training on reference texts before PPO (2019 did so for style tasks)."""

    epochs: Index = 0
    """Passes over the training texts; 0 skips the warm start."""

    lr: Positive = 2e-4
    """Adam step size at the start; falls along a cosine to 0."""

    batch_size: Count = 32
    """Texts per optimizer step."""


class PolicyConfig(Section):
    """How the policy is updated: PPO (Schulman et al. 2017) as used by Ziegler et al. 2019."""

    episodes: Count = 1024
    """Responses that PPO learns from in the whole run, all rounds together."""

    batch_size: Count = 64
    """Responses per rollout."""

    minibatches: Count = 1
    """Optimizer steps per pass over a rollout. Divides `batch_size`."""

    microbatch_size: Count = 16
    """Responses per backward pass; changes memory, never the result."""

    epochs: Count = 4
    """Passes over a rollout."""

    lr: Positive = 1e-5
    """Adam step size at the start; falls linearly to 0."""

    adam_eps: Positive = 1e-5
    """Adam's epsilon, in TensorFlow's sense: corrected per step to mean the same as in 2019."""

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

    checkpoint_every: Index = 5
    """Updates between checkpoints; 0 writes one at the end of a round only."""

    kl: KLConfig = Field(default_factory=KLConfig)
    """What keeps the policy near the reference."""

    warm_start: WarmStartConfig = Field(default_factory=WarmStartConfig)
    """Supervised training before PPO."""

    @property
    def updates(self) -> int:
        """Rollouts in the whole run."""
        return self.episodes // self.batch_size

    @property
    def minibatch_size(self) -> int:
        """Responses per optimizer step."""
        return self.batch_size // self.minibatches

    @model_validator(mode="after")
    def _sizes_divide(self) -> Self:
        if self.batch_size % self.minibatches:
            raise ValueError(
                f"minibatches {self.minibatches} does not divide batch_size {self.batch_size}"
            )
        if self.episodes < self.batch_size:
            raise ValueError(
                f"episodes {self.episodes} is less than one rollout of batch_size {self.batch_size}"
            )
        return self
