"""Responses of the dashboard's API."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class TrainerOut(_Part):
    """The trainer's last heartbeat."""

    phase: str
    round: int
    done: int
    total: int
    detail: str
    checkpoints: list[int]
    """Updates that the policy can be rolled back to."""
    silent_seconds: float
    """Its age."""
    is_missing: bool
    """Whether it is too old."""
    missing_text: str


class BatchOut(_Part):
    """Comparisons for people: those of one round, or those of verdicts on one model."""

    round: int
    """Negative for verdicts."""
    title: str
    opened_at: float
    frozen_at: float | None
    """When it was closed; null: it is open."""
    wanted: int
    answered: int
    per_minute: float | None
    minutes_left: float | None
    message: str


class HourOut(_Part):
    """Answers given in one hour."""

    hour: int
    """Hours since 1970, UTC."""
    best: int
    tie: int
    all_bad: int
    skip: int
    flag: int


class ActiveLabelerOut(_Part):
    """A labeler who holds an assignment, or answered one in this hour."""

    name: str
    this_hour: int
    last_hour: int
    minutes: float
    """Time that the answers of both hours took."""


class WorkOut(_Part):
    """The work of labelers over the whole run."""

    labels: int
    """Answers with a preference, over the whole run."""
    hours: float
    cost: float
    currency: str
    message: str
    by_hour: list[HourOut]
    """The last two days, including hours without answers."""
    at_work: list[ActiveLabelerOut]


class StopSampleOut(_Part):
    """A sample that was on the page when the cord was pulled."""

    id: str
    model_text: str
    prompt: str
    text: str


class ActiveStopOut(_Part):
    """A stop request that waits for an owner."""

    id: str
    pulled_by: str
    pulled_at: float
    reason: str
    samples: list[StopSampleOut]
    stopped_at: float | None
    update: int | None
    message: str
    stopped_text: str


class PastStopOut(_Part):
    """A stop request that was released."""

    id: str
    pulled_by: str
    pulled_at: float
    reason: str
    released_at: float | None
    released_by: str | None
    checked: str
    action_text: str


class StopsOut(_Part):
    """The active stop request and earlier ones."""

    active: ActiveStopOut | None
    earlier: list[PastStopOut]
    """Newest first, at most ten."""


class UpdateOut(_Part):
    """One line of metrics."""

    number: int
    stage: str
    round: int
    update: int
    at: float
    line: dict[str, float | int | None]


class SampleOut(_Part):
    """A response of the policy, drawn at random from its batch."""

    number: int
    round: int
    update: int
    prompt: str
    response: str
    score: float | None
    kl: float | None


class ShareOut(_Part):
    """A share with its 95 % interval."""

    value: float
    low: float
    high: float
    n: int
    how: str


class AlarmOut(_Part):
    """A problem of all labels together."""

    level: str
    """`stop`: stop the run until it is understood. `look`: inspect it."""
    message: str


class QualityOut(_Part):
    """Agreement among labelers."""

    at: float
    """The time of the measurement."""
    n_labels: int
    """The newest labels, which the figures are computed from."""
    agreement: ShareOut | None
    message: str
    alarms: list[AlarmOut]


class AccuracyPointOut(_Part):
    """The reward model's accuracy on labels that it was not trained on yet."""

    labels: int
    accuracy: float


class CurvePointOut(_Part):
    """The fitted accuracy after so many labels, with its 95 % interval."""

    labels: int
    accuracy: float
    low: float
    high: float


class ForecastOut(_Part):
    """Accuracy as labels grow, and the expected accuracy with twice as many."""

    status: str
    """`estimated`, or `not enough evidence`."""
    message: str
    n_labels: int
    round: int | None
    points: list[AccuracyPointOut]
    curve: list[CurvePointOut]
    """Up to twice the labels; empty without enough evidence."""
    now: CurvePointOut | None
    doubled: CurvePointOut | None


class DashboardOut(_Part):
    """Everything that the dashboard shows; of the metrics only the lines after a given one."""

    server_time: float
    message: str
    """The status of the trainer."""
    questions_text: str
    """The progress of the newest batch; empty once it is closed."""
    trainer: TrainerOut | None
    batches: list[BatchOut]
    """Newest first."""
    tallies: WorkOut
    cord: StopsOut
    updates: list[UpdateOut]
    samples: list[SampleOut]
    last: int
    """Ask for what comes after this number next."""
    has_more: bool
    is_reset: bool
    """The run was rolled back: these lines replace all earlier ones."""
    quality: QualityOut | None
    """Null before the first measurement."""
    forecast: ForecastOut | None
    disk_text: str = ""
    """Why nothing can be saved, or soon; empty while all is well."""


def finite(line: dict[str, Any], names: tuple[str, ...]) -> dict[str, float | int | None]:
    """Return the metrics of these names in a line."""
    return {
        name: line[name]
        for name in names
        if name in line and (line[name] is None or isinstance(line[name], int | float))
    }
