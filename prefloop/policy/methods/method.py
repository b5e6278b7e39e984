"""What a method is: rollouts in, a loss out.

Everything else is shared: `policy/rollout.py` collects, `policy/optimize.py` takes the steps,
`policy/trainer.py` steers the KL coefficient, `policy/stage.py` writes checkpoints.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

from jaxtyping import Float, Num
from torch import Tensor

from prefloop.batches import Rollout
from prefloop.models.scoring import Forward
from prefloop.settings.policy import PolicyConfig
from prefloop.settings.section import Section

LossTargets = Mapping[str, Tensor]
"""What a loss aims at, such as advantages; the first dimension of each is that of the responses."""


class BatchSize(NamedTuple):
    """The size of a minibatch. A microbatch divides its sums by these, so that its shares add up to
    the minibatch's means."""

    n_responses: int
    n_tokens: Num[Tensor, ""]
    """Tokens that count."""


@dataclass(frozen=True, kw_only=True)
class MethodLoss:
    """The loss of one microbatch, as its share of the minibatch's, and what it says of the step."""

    loss: Float[Tensor, ""]
    """Carries the gradient. The losses of a minibatch's microbatches add up to its loss."""
    shares: Mapping[str, float] = field(default_factory=dict)
    """Metrics that add up over microbatches; an update reports their mean over its steps."""
    maxima: Mapping[str, float] = field(default_factory=dict)
    """Metrics of which an update reports the largest."""


@runtime_checkable
class TellsRewards(Protocol):
    """A method that says which reward its loss is made from; canary C3 compares that with the
    paper's. A method that has no such reward leaves this out."""

    def response_rewards(self, rollout: Rollout, *, kl_coef: float) -> Float[Tensor, " B"]:
        """Return the reward of each response: the one that `targets` goes by, scaled by nothing."""


@runtime_checkable
class UsesReferenceScores(Protocol):
    """A method whose targets rest on what the reward says of the reference's own responses; any
    other leaves this out."""

    @property
    def reference_samples(self) -> int:
        """Responses of the reference to each prompt: the columns of `Rollout.reference_scores`."""


@runtime_checkable
class LearnsFromComparisons(Protocol):
    """A method whose loss is of labeled pairs, in place of what the policy draws.

    `targets` and `loss` are then given pairs in the shape of a rollout, with `votes` and without
    scores, values or log-probabilities of the policy; `samples_per_prompt` is 2. What the policy
    draws in an update is only measured: its KL, score and texts.
    """

    learns_from: ClassVar[Literal["comparisons"]]


@runtime_checkable
class ChecksSettings(Protocol):
    """A method that does not work with all settings of `policy`; one that does leaves this out."""

    def settings_problems(self, config: PolicyConfig) -> list[str]:
        """Return what is wrong with the settings for this method, each with what to write."""


class Method(Protocol):
    """Turns rollouts into a loss.

    A class in the entry-point group `prefloop.methods`, made from its `Settings`. It holds no
    model and no optimizer; what it must remember between updates it gives in `state`.
    """

    name: ClassVar[str]
    """What `policy.method`, the report and the cards call it."""
    Settings: ClassVar[type[Section]]
    """The section `policy.options`; the text of each field says where its default comes from."""
    uses_values: ClassVar[bool]
    """Whether a value head is trained: then rollouts and forward passes hold values."""
    metrics: ClassVar[Mapping[str, str]]
    """Its own quantities in `metrics.jsonl`, such as `policy/value_loss`, and their meanings."""

    @property
    def samples_per_prompt(self) -> int:
        """Responses to each prompt of a rollout. They are neighbors, and stay together in a
        minibatch."""

    def targets(self, rollout: Rollout, *, kl_coef: float) -> LossTargets:
        """Return what the loss of a minibatch aims at; computed once per step, without a gradient.

        `rollout` is the minibatch: moments that are taken here do not depend on
        `policy.microbatch_size`.
        """

    def loss(
        self, forward: Forward, rollout: Rollout, targets: LossTargets, *, size: BatchSize
    ) -> MethodLoss:
        """Return the loss of a microbatch under the policy as it is now.

        `rollout` and `targets` are the microbatch's rows; `size` is that of its minibatch.
        """

    def describe(self, rollout: Rollout, *, kl_coef: float) -> dict[str, float]:
        """Return the method's own metrics of a whole rollout, before its first step."""

    def state(self) -> dict[str, Any]:
        """Return what the next update needs of earlier ones, as JSON; part of every checkpoint."""

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take the state that a checkpoint holds; empty if it was written without one."""
