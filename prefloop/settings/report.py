"""What the report shows, and where metrics are sent besides."""

from typing import Literal

from pydantic import Field

from prefloop.settings.section import Count, NonNegative, Section

Tracker = Literal[
    "aim",
    "clearml",
    "comet_ml",
    "dvclive",
    "mlflow",
    "swanlab",
    "tensorboard",
    "trackio",
    "wandb",
]
"""Experiment trackers by the names that Accelerate gives them."""


class ReportConfig(Section):
    """What the report shows, and where metrics are sent besides."""

    pairs: Count = 12
    """Randomly chosen before-and-after pairs that are printed in full."""

    hourly_wage: NonNegative = 15.0
    """What an hour of labeling costs, for the cost table."""

    currency: str = "USD"
    """Currency of `hourly_wage`."""

    trackers: list[Tracker] = Field(default_factory=list)
    """Experiment trackers that get every line of `metrics.jsonl`, its number as the step.
    `tensorboard` writes into the run folder. One that is not installed or not reachable
    is named once, and the run goes on."""
