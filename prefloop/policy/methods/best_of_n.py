"""Best of n (Nakano et al. 2021, arXiv:2112.09332, section 3.2): nothing is trained."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from prefloop.batches import Rollout
from prefloop.settings.policy import BEST_OF_N
from prefloop.settings.section import Section


class BestOfNSettings(Section):
    """Settings of `best_of_n`."""

    n: Annotated[int, Field(ge=2)] = 16
    """Responses of the untuned model of which the one that the reward scores highest is kept; the
    middle one of the 4, 16 and 64 of Nakano et al. 2021, section 3.2."""


class BestOfN:
    """A policy that draws n responses of the reference and keeps the best by the reward.

    It has no loss and takes no step: an update takes up the round's reward and measures what is
    kept by it. `policy/best_of_n.py` draws and keeps.
    """

    name: ClassVar[str] = BEST_OF_N
    Settings: ClassVar[type[Section]] = BestOfNSettings
    uses_values: ClassVar[bool] = False
    metrics: ClassVar[Mapping[str, str]] = {
        "policy/kl_at_most": "Upper bound on the KL from the reference, in nats: "
        "log n - (n - 1) / n. Nothing measures the KL itself.",
        "policy/reference_score": "Mean score of all responses that were drawn: n for each that is "
        "kept.",
    }

    def __init__(self, settings: BestOfNSettings) -> None:
        self.settings = settings

    @property
    def samples_per_prompt(self) -> int:
        """Responses of the reference to each prompt, of which one is kept."""
        return self.settings.n

    def describe(self, rollout: Rollout, *, kl_coef: float) -> dict[str, float]:
        """Return nothing: without a KL coefficient there is no reward to describe."""
        return {}

    def state(self) -> dict[str, Any]:
        """Return nothing: which reward chooses is kept with the policy."""
        return {}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take nothing."""
