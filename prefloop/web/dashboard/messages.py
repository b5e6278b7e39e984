"""What the dashboard is told. Programs may read it too."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class TrainerNow(_Part):
    """What the trainer is doing, as it last said."""

    phase: str
    round: int
    done: int
    total: int
    detail: str
    checkpoints: list[int]
    """Updates that the policy can be rolled back to."""
    silent_seconds: float
    """How long ago it said so."""
    is_missing: bool
    """Whether that is too long ago."""
    missing_told: str


class BatchNow(_Part):
    """The questions of one round."""

    round: int
    opened_at: float
    frozen_at: float | None
    """When its answers were handed to the reward model; null: people answer it now."""
    wanted: int
    answered: int
    per_minute: float | None
    minutes_left: float | None
    told: str


class HourOfWork(_Part):
    """Answers given in one hour."""

    hour: int
    """Hours since 1970, UTC."""
    best: int
    tie: int
    all_bad: int
    skip: int
    flag: int


class AtWork(_Part):
    """Somebody who has a question on the screen, or answered one in this hour."""

    name: str
    this_hour: int
    last_hour: int
    minutes: float
    """What the answers of both hours took."""


class WorkNow(_Part):
    """What people did."""

    labels: int
    """Answers with a preference, over the whole run."""
    hours: float
    cost: float
    currency: str
    told: str
    by_hour: list[HourOfWork]
    """The last two days, hours without an answer among them."""
    at_work: list[AtWork]


class CordSample(_Part):
    """A sample that was on the page when the cord was pulled."""

    id: str
    model_told: str
    prompt: str
    text: str


class CordNow(_Part):
    """A stop that waits for an owner."""

    id: str
    pulled_by: str
    pulled_at: float
    reason: str
    samples: list[CordSample]
    stopped_at: float | None
    update: int | None
    told: str
    stopped_told: str


class CordPast(_Part):
    """A stop that is over."""

    id: str
    pulled_by: str
    pulled_at: float
    reason: str
    released_at: float | None
    released_by: str | None
    checked: str
    action_told: str


class CordsNow(_Part):
    """The cord, and what it was pulled for before."""

    taut: CordNow | None
    earlier: list[CordPast]
    """Newest first, at most ten."""


class UpdateNow(_Part):
    """One line of metrics."""

    number: int
    stage: str
    round: int
    update: int
    at: float
    line: dict[str, float | int | None]


class SampleNow(_Part):
    """A response of the policy, drawn at random from its batch."""

    number: int
    round: int
    update: int
    prompt: str
    response: str
    score: float | None
    kl: float | None


class ShareNow(_Part):
    """A share with its 95 % interval."""

    value: float
    low: float
    high: float
    n: int
    how: str


class AlarmNow(_Part):
    """Something that concerns all labels at once."""

    level: str
    """`stop`: pull the cord until it is understood. `look`: see what it is."""
    told: str


class QualityNow(_Part):
    """How far labelers agree."""

    at: float
    """The time that the figures are of."""
    n_labels: int
    """The newest labels, which they rest on."""
    agreement: ShareNow | None
    told: str
    alarms: list[AlarmNow]


class MeasuredPoint(_Part):
    """How often the reward model was right on labels that it had not learned from yet."""

    labels: int
    accuracy: float


class CurveNow(_Part):
    """The fitted accuracy after so many labels, with its 95 % interval."""

    labels: int
    accuracy: float
    low: float
    high: float


class LearningNow(_Part):
    """Accuracy as labels grow, and what twice as many would buy."""

    status: str
    """`estimated`, or `not enough evidence`."""
    told: str
    n_labels: int
    round: int | None
    points: list[MeasuredPoint]
    curve: list[CurveNow]
    """Up to twice the labels; empty without enough evidence."""
    now: CurveNow | None
    doubled: CurveNow | None


class Dashboard(_Part):
    """Everything that the dashboard shows; lines of metrics only after the one you have."""

    server_time: float
    told: str
    """What the trainer does."""
    questions_told: str
    """How the newest questions are coming along; empty once their batch is closed."""
    trainer: TrainerNow | None
    batches: list[BatchNow]
    """Newest first."""
    tallies: WorkNow
    cord: CordsNow
    updates: list[UpdateNow]
    samples: list[SampleNow]
    last: int
    """Ask for what comes after this number next."""
    has_more: bool
    is_reset: bool
    """The run was rolled back: forget the lines you have, these are all of them."""
    quality: QualityNow | None
    """Null while it is being worked out for the first time."""
    forecast: LearningNow | None


def finite(line: dict[str, Any], names: tuple[str, ...]) -> dict[str, float | int | None]:
    """Return the numbers of a line that are wanted."""
    return {
        name: line[name]
        for name in names
        if name in line and (line[name] is None or isinstance(line[name], int | float))
    }
