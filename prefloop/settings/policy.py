"""How the policy is updated."""

from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, model_validator

from prefloop.settings.section import Count, Index, NonNegative, Positive, Section, refuse

REWARD_MODEL = "reward_model"
"""The name of the reward that is learned from labels."""

BEST_OF_N = "best_of_n"
"""The name of the method that trains nothing."""


class KLConfig(Section):
    """What keeps the policy near the reference."""

    control: Literal["adaptive", "fixed"] = "adaptive"
    """`adaptive` steers the coefficient so that the KL meets `target`; `fixed` leaves it alone."""

    coef: NonNegative = 0.15
    """The KL coefficient (beta) at the start."""

    target: Positive = 6.0
    """KL per response, in nats, that the controller steers to."""

    horizon: Positive | None = None
    """Episodes over which the controller may change the coefficient by a fifth. `null`: a seventh
    of the run's, which lets it reach four times `coef`, but at least a rollout and at most the ten
    of 2019."""

    cap: Positive | None = None
    """Limit in nats: above it each step adds a weighted KL term to its loss, and after ten rollouts
    that are a fifth above it and come no lower the run stops. `null` sets no limit."""


class WarmStartConfig(Section):
    """Supervised training on texts before the first round, as 2019 did for style tasks."""

    epochs: Index = 0
    """Passes over the training texts; 0 skips the warm start."""

    lr: Positive = 2e-4
    """Adam step size at the start; falls along a cosine to 0."""

    batch_size: Count = 32
    """Texts per optimizer step."""


class PolicyConfig(Section):
    """How the policy is updated."""

    method: str = "ppo"
    """`ppo` (as in Ziegler et al. 2019), `rloo`, `a2po` (regresses on optimal advantages), `dpo`
    (learns from labeled pairs alone), `best_of_n` (trains nothing: of n responses of the untuned
    model the one that the reward scores highest), or one that an installed package registered."""

    options: dict[str, Any] = Field(default_factory=dict)
    """Settings of the method; each method has its own."""

    reward: str = REWARD_MODEL
    """What the policy is trained towards: `reward_model` learns from the labels; any scorer is
    followed as it is, and then nobody labels."""

    episodes: Count = 1024
    """Responses that the policy learns from in the whole run, all rounds together."""

    batch_size: Count = 64
    """Responses per rollout."""

    minibatches: Count = 1
    """Optimizer steps per pass over a rollout. Divides `batch_size`."""

    microbatch_size: Count = 16
    """Responses per backward pass; changes memory, never the result. Those to one prompt that are
    in it share their query, where the model can."""

    epochs: Count = 4
    """Passes over a rollout."""

    lr: Positive = 1e-5
    """Adam step size at the start; falls linearly to 0."""

    adam_eps: Positive = 1e-5
    """Adam's epsilon, in TensorFlow's sense: corrected per step to mean the same as in 2019."""

    checkpoint_every: Index = 5
    """Updates between checkpoints; 0 writes one at the end of a round only."""

    keep_every: Index = 0
    """Updates between models that stay under their name, such as `policy/update-40`; 0 keeps those
    that were evaluated, that `evaluation.models` names, or that can be rolled back to."""

    kl: KLConfig = Field(default_factory=KLConfig)
    """What keeps the policy near the reference."""

    warm_start: WarmStartConfig = Field(default_factory=WarmStartConfig)
    """Supervised training before the first round."""

    @property
    def uses_reward_model(self) -> bool:
        """Whether the reward is learned from labels; otherwise nobody labels."""
        return self.reward == REWARD_MODEL

    @property
    def trains(self) -> bool:
        """Whether updates move weights; best of n only chooses among responses."""
        return self.method != BEST_OF_N

    @property
    def updates(self) -> int:
        """Rollouts in the whole run; `RunConfig.updates` also holds where nothing is trained."""
        return self.episodes // self.batch_size

    @property
    def minibatch_size(self) -> int:
        """Responses per optimizer step."""
        return self.batch_size // self.minibatches

    @property
    def kl_horizon(self) -> float:
        """Episodes over which the controller may change the coefficient by a fifth."""
        if self.kl.horizon is not None:
            return self.kl.horizon
        return float(min(max(self.episodes / 7, self.batch_size), 10 * self.batch_size))

    @model_validator(mode="after")
    def _settings_agree(self, info: ValidationInfo) -> Self:
        problems = self._rollout_problems() if self.trains else []
        if self.kl.control == "adaptive":
            problems += self._controller_problems()
        refuse(problems, info)
        return self

    def _rollout_problems(self) -> list[str]:
        """Return how episodes, rollouts and minibatches do not fit into each other."""
        problems = []
        if self.batch_size % self.minibatches:
            problems.append(
                f"minibatches {self.minibatches} does not divide batch_size {self.batch_size}"
            )
        if self.episodes < self.batch_size:
            problems.append(
                f"episodes {self.episodes} is less than one rollout of batch_size {self.batch_size}"
            )
        if left := self.episodes % self.batch_size:
            fewer = self.episodes - left
            problems.append(
                f"episodes {self.episodes} does not fill rollouts of batch_size {self.batch_size}; "
                f"write {fewer} or {fewer + self.batch_size}"
            )
        return problems

    def _controller_problems(self) -> list[str]:
        """Return why an adaptive coefficient cannot be steered with these settings."""
        problems, kl = [], self.kl
        if kl.coef == 0:
            problems.append(
                "kl.coef 0 stays 0 under kl.control adaptive, whatever the KL: write a coefficient "
                "above 0, or kl.control: fixed"
            )
        least = self.batch_size / 5  # the controller's clip: no error counts for more than a fifth
        if self.kl_horizon <= least:
            problems.append(
                f"kl.horizon {self.kl_horizon:g} would let one update turn the coefficient to 0 or "
                f"below, which rewards leaving the reference: with batch_size {self.batch_size} it "
                f"must be more than {least:g}; null chooses one"
            )
        if kl.cap is not None and kl.cap <= kl.target:
            problems.append(
                f"kl.cap {kl.cap:g} keeps the KL from kl.target {kl.target:g}, so the controller "
                "would only ever lower the coefficient: set the target below the cap, or "
                "kl.control: fixed"
            )
        return problems
