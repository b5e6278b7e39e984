"""Figures of finished runs beside each other (`prefloop compare --json`)."""

from pydantic import BaseModel

from prefloop.figures.cost import TrainingCostFigures
from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.evaluation import OptionalEstimate
from prefloop.figures.record import RECORD


class ComparedRunFigures(BaseModel):
    """What one run reached, and what it took."""

    model_config = RECORD

    name: str
    """Of its folder; longer where two folders have one name."""
    method: str
    """What trained the policy, such as `PPO`."""
    model: str
    """The policy of its last round, such as `policy/update-12`."""
    win_rate: EstimateFigure
    """How often the shared judge prefers the policy to the baseline; a tie counts as half."""
    kl: OptionalEstimate
    """KL from the reference in nats per response."""
    kl_at_most: float | None = None
    """Upper bound on it where it was not measured: best of n."""
    reward: OptionalEstimate
    """Mean of the known scorers behind the labels on the policy's responses; null where nobody
    knows what the labelers want."""
    baseline_reward: OptionalEstimate
    """The same of the baseline's responses to the same prompts."""
    share_of_best_gain: float | None
    """What the policy gained over the reference, of what could be gained at its KL; of a gain at
    least so much where only a bound on the KL is known."""
    episodes: int
    """Responses that the policy has learned from."""
    cost: TrainingCostFigures | None
    """What its updates took; null in runs from before this was recorded."""
    missing: dict[str, str]
    """Which of these are null, with the reason."""


class RunPairFigures(BaseModel):
    """The policies of two runs, judged beside each other on the same held-out prompts."""

    model_config = RECORD

    run: str
    other: str
    win_rate: EstimateFigure
    """How often the judge prefers the run's response to the other's; a tie counts as half."""
    wins: int
    ties: int
    losses: int

    @property
    def is_shown(self) -> bool:
        """Whether the interval lies on one side of one half."""
        return self.win_rate.lies_above(0.5) or self.win_rate.lies_below(0.5)


class RunsComparedFigures(BaseModel):
    """Several runs on common ground: task, prompts, base model and judge are the same."""

    model_config = RECORD

    task: str
    base: str
    """The model that all runs began with."""
    baseline: str
    """What each policy is compared with, such as `reference`."""
    judge: str
    """The judge's name in the run files."""
    judge_description: str
    reward: str
    """What the labelers are known to want, such as `sentiment`; empty where nobody knows."""
    prompts: int
    """Held-out prompts on which all policies were judged."""
    runs: tuple[ComparedRunFigures, ...]
    pairs: tuple[RunPairFigures, ...]
    """Every two runs, in the order in which they were named; empty where the judge could not
    compare them."""
    why_no_pairs: str = ""
    """Why there are no pairs; empty if there are."""
    settings: dict[str, tuple[str, ...]]
    """Settings that differ, with the value of each run."""
    notes: tuple[str, ...]
    """What to keep in mind when reading the figures."""
