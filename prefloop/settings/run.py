"""A whole run: the sections in the order of the stages, and what must agree between them."""

from typing import Any, Self

from pydantic import Field, ValidationInfo, model_validator

from prefloop.settings.audits import AuditsConfig
from prefloop.settings.comparisons import NOBODY, PEOPLE, ComparisonsConfig
from prefloop.settings.evaluation import EvaluationConfig
from prefloop.settings.models import ModelsConfig
from prefloop.settings.policy import PolicyConfig
from prefloop.settings.prompts import PromptsConfig
from prefloop.settings.report import ReportConfig
from prefloop.settings.rewards import RewardsConfig
from prefloop.settings.samples import SamplesConfig
from prefloop.settings.section import Count, Section, Seed, refuse
from prefloop.settings.task import TaskConfig


class RunConfig(Section):
    """A whole run. The sections are the stages, in order."""

    seed: Seed = 1
    """Root of every random number in the run."""

    recipe: str | None = None
    """Named values for what this file leaves out: `adapters` (steps for low-rank adapters),
    `ziegler2019` (as in 2019) or `none` (each setting's own default). `null` is `adapters` where
    `models.adapter` is `lora`."""

    rounds: Count = 1
    """Turns of the loop: sample, label, train the reward model, improve the policy."""

    store: str | None = None
    """Database of the labels; `null` is `prefloop.db` in the run folder."""

    task: TaskConfig
    """What a query is, when a response ends, and what labelers are asked."""

    models: ModelsConfig = Field(default_factory=ModelsConfig)
    """Which language model."""

    prompts: PromptsConfig = Field(default_factory=PromptsConfig)
    """Where prompts come from."""

    samples: SamplesConfig = Field(default_factory=SamplesConfig)
    """How responses are drawn."""

    comparisons: ComparisonsConfig = Field(default_factory=ComparisonsConfig)
    """How many labels, and from whom."""

    rewards: RewardsConfig = Field(default_factory=RewardsConfig)
    """How the reward model learns."""

    policy: PolicyConfig = Field(default_factory=PolicyConfig)
    """How the policy is updated."""

    evaluation: EvaluationConfig = Field(default_factory=EvaluationConfig)
    """How the result is judged."""

    audits: AuditsConfig = Field(default_factory=AuditsConfig)
    """What the audits look at, and when they warn."""

    scorers: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Scorers with settings: a name for the rest of the file, then its `kind` and its settings."""

    judges: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Judges with settings of their own, written as scorers are."""

    report: ReportConfig = Field(default_factory=ReportConfig)
    """What the report shows."""

    @property
    def asks_live(self) -> bool:
        """Whether people are asked about the policy while it trains: only where people label."""
        is_labeled = self.policy.uses_reward_model and self.comparisons.labelers == PEOPLE
        return is_labeled and self.policy.trains and self.audits.live.questions > 0

    @property
    def updates(self) -> int:
        """Updates of the policy in the whole run: rollouts, or one a round if nothing is trained.

        Best of n has nothing to do but to take up the round's reward model.
        """
        return self.policy.updates if self.policy.trains else self.rounds

    @model_validator(mode="after")
    def _stages_agree(self, info: ValidationInfo) -> Self:
        problems = []
        samples, policy, comparisons = self.samples, self.policy, self.comparisons
        if not 2 <= samples.per_prompt <= 8:
            problems.append(
                f"samples.per_prompt is {samples.per_prompt}; a comparison shows 2 to 8"
            )
        if self.updates < self.rounds:
            problems.append(
                f"policy.episodes {policy.episodes} is {policy.updates} rollouts of "
                f"policy.batch_size {policy.batch_size}: fewer than one for each of "
                f"{self.rounds} rounds"
            )
        if policy.uses_reward_model and comparisons.labels < self.rounds:
            problems.append(
                f"comparisons.labels {comparisons.labels} is less than rounds {self.rounds}"
            )
        if (
            policy.uses_reward_model
            and comparisons.labelers != NOBODY
            and comparisons.validation_labels
            and self.prompts.validation_share == 0
        ):
            problems.append(
                f"prompts.validation_share 0 leaves no prompts for the "
                f"{comparisons.validation_labels} comparisons.validation_labels: raise it, or "
                "set comparisons.validation_labels: 0"
            )
        if self.rewards.hold_out and not policy.uses_reward_model:
            problems.append(
                f"rewards.hold_out {self.rewards.hold_out} is taken out of a reward model's scores "
                f"and policy.reward is the scorer {policy.reward!r}: delete one of them"
            )
        if self.prompts.held_out_share == 0 and self.evaluation.judges:
            problems.append(
                "prompts.held_out_share 0 leaves the judge no prompts; set evaluation.judges: []"
            )
        refuse(problems, info)
        return self
