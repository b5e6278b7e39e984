"""What the updates of a run took (`costs.jsonl`): seconds and memory."""

from collections.abc import Collection, Sequence

from pydantic import BaseModel

from prefloop.figures.metrics_line import MetricsLine
from prefloop.figures.record import RECORD

COSTS = "costs.jsonl"
"""Beside `metrics.jsonl`, whose lines repeat with the seed: seconds do not."""


class UpdateCostFigures(BaseModel):
    """What one update of the reward model or of the policy took.

    An update that was made again, after a crash or a roll back, has a line for each time.
    """

    model_config = RECORD

    stage: str
    round: int
    update: int
    seconds: float
    """Of the update alone: not of checkpoints, evaluation, or waiting for people."""
    peak_memory_bytes: int
    """The most memory that the process had held until then, whatever for: models, samples, and all
    else that it did before."""


class TrainingCostFigures(BaseModel):
    """What all updates of a run took together."""

    model_config = RECORD

    seconds: dict[str, float]
    """By stage: `rewards`, `policy`."""
    peak_memory_bytes: int
    """The most memory that any process of the run had held at an update."""

    @property
    def total_seconds(self) -> float:
        """Of all stages."""
        return sum(self.seconds.values())


def training_cost(
    costs: Sequence[UpdateCostFigures], metrics: Collection[MetricsLine]
) -> TrainingCostFigures | None:
    """Return what the updates took; None unless it is recorded of every update.

    Runs of before it was recorded, and those that were begun then, have no cost.
    """
    made = {(line.stage, line.round, line.update) for line in metrics}
    recorded = {(cost.stage, cost.round, cost.update) for cost in costs}
    if not costs or not made <= recorded:
        return None
    seconds: dict[str, float] = {}
    for cost in costs:
        seconds[cost.stage] = seconds.get(cost.stage, 0.0) + cost.seconds
    return TrainingCostFigures(
        seconds=seconds, peak_memory_bytes=max(cost.peak_memory_bytes for cost in costs)
    )
