"""The status of a run in words: the trainer, the queue, stop requests, the cost of labeling."""

from prefloop.figures.text import count, duration, fixed, money, plain
from prefloop.teamwork import Batch, StopRequest, TrainerState

SILENT_SECONDS = 10.0
"""A trainer sends a heartbeat every two seconds. One that sent none for this long has ended, or is
in a long step; the two look the same."""

FINISHED = "finished"
WAITING = (
    "waiting for labels",
    "waiting for verdicts",
    "waiting for people to judge the policy",
)

COUNTED = {
    "training the policy": "update ",
    "training the reward model": "step ",
    "warm start": "step ",
}
"""The unit of the counts in a phase, where its name does not say so."""


def trainer_text(trainer: TrainerState | None) -> str:
    """Return the trainer's last heartbeat in words."""
    if trainer is None:
        return "No trainer has used this store yet."
    if trainer.phase == FINISHED:
        return "The run has finished."
    words = f"Round {trainer.round}, {trainer.phase}"
    # The number of answers is in the text of the batch, which is more recent.
    if not trainer.total or trainer.phase in WAITING:
        return f"{words}."
    return (
        f"{words}: {COUNTED.get(trainer.phase, '')}{count(trainer.done)} of {count(trainer.total)}."
    )


def batch_text(batch: Batch | None) -> str:
    """Return the progress of the newest batch; an empty text once it is closed."""
    if batch is None or batch.frozen_at is not None:
        return ""
    left = minutes_left(batch)
    if batch.answered >= batch.wanted:
        return f"All {count(batch.wanted)} answers of {batch.title} are in."
    rest = "nobody is answering right now" if left is None else f"about {duration(60 * left)} to go"
    return f"{count(batch.answered)} of {count(batch.wanted)} answers are in; {rest}."


def pace_text(batch: Batch) -> str:
    """Return the pace of a batch and the time left."""
    if batch.frozen_at is not None:
        return f"{batch.title}, closed"
    if batch.answered >= batch.wanted:
        return "all there"
    left = minutes_left(batch)
    if left is None:
        return "nobody is answering right now"
    return f"{fixed(batch.per_minute, 1)} a minute, {duration(60 * left)} left"


def minutes_left(batch: Batch) -> float | None:
    """Return the time left at the pace of the last minutes; None without a pace."""
    if not batch.per_minute or batch.frozen_at is not None:
        return None
    return max(0, batch.wanted - batch.answered) / batch.per_minute


def is_missing(trainer: TrainerState, now: float) -> bool:
    """Whether a trainer that has not finished sent no heartbeat for too long."""
    return trainer.phase != FINISHED and now - trainer.heartbeat_at > SILENT_SECONDS


def missing_text(trainer: TrainerState, now: float) -> str:
    """Return what a missing heartbeat means and what to do; empty if there is one."""
    if not is_missing(trainer, now):
        return ""
    return (
        f"Nothing heard from the trainer for {duration(now - trainer.heartbeat_at)}: it is in a "
        "long step, or it has stopped. No answer is lost. If its terminal is quiet too, the same "
        "`prefloop run` continues where it was."
    )


def pulled_text(request: StopRequest, now: float) -> str:
    """Return who stopped the run, and when."""
    return f"{request.pulled_by} stopped it {duration(now - request.pulled_at)} ago."


def stopped_text(request: StopRequest, trainer: TrainerState | None, now: float) -> str:
    """Return whether the trainer has stopped."""
    if request.stopped_at is not None:
        return f"The trainer wrote a checkpoint and waits at update {request.update}."
    if trainer is None or is_missing(trainer, now):
        return "The trainer is not running. When it does, it stops before its next update."
    return "The trainer has not stopped yet: it finishes the update it is in."


def action_text(request: StopRequest) -> str:
    """Return how the run continued after a stop."""
    if request.action == "roll_back":
        return f"rolled back to update {request.roll_back_to}"
    return "resumed" if request.action == "resume" else "still stopped"


def work_text(seconds: float, n: int, wage: float, currency: str) -> str:
    """Return the time and cost of `n` answers with a preference."""
    hours = seconds / 3600
    cost = hours * wage
    said = f"{fixed(hours, 1)} hours of labeling, {money(cost, currency)} at {plain(wage)} an hour"
    return f"{said}: {money(cost / n, currency)} an answer." if n else f"{said}."
