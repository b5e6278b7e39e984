"""Where a run stands, in words: what the trainer does, how the queue is, who stopped the line."""

from prefloop.figures.text import count, duration, fixed, money, plain
from prefloop.teamwork import Batch, StopRequest, TrainerState

SILENT_SECONDS = 10.0
"""A trainer that waits says so every two seconds. One that said nothing for so long is missing,
or is in a long step; nobody can tell the two apart from here."""

FINISHED = "finished"
WAITING = "waiting for labels"

COUNTED = {
    "improving the policy": "update ",
    "training the reward model": "step ",
    "warm start": "step ",
}
"""What is counted in a phase, where its name does not say so."""


def trainer_told(trainer: TrainerState | None) -> str:
    """Return what the trainer is doing, as it last said."""
    if trainer is None:
        return "No trainer has used this store yet."
    if trainer.phase == FINISHED:
        return "The run has finished."
    words = f"Round {trainer.round}, {trainer.phase}"
    # How many answers are in is told of the batch itself, which is up to date.
    if not trainer.total or trainer.phase == WAITING:
        return f"{words}."
    return (
        f"{words}: {COUNTED.get(trainer.phase, '')}{count(trainer.done)} of {count(trainer.total)}."
    )


def batch_told(batch: Batch | None) -> str:
    """Return how the newest batch of questions is coming along; nothing once it is closed."""
    if batch is None or batch.frozen_at is not None:
        return ""
    left = minutes_left(batch)
    if batch.answered >= batch.wanted:
        return f"All {count(batch.wanted)} answers of round {batch.round} are in."
    rest = "nobody is answering right now" if left is None else f"about {duration(60 * left)} to go"
    return f"{count(batch.answered)} of {count(batch.wanted)} answers are in; {rest}."


def pace_told(batch: Batch) -> str:
    """Return how fast a batch is answered and when it will be done."""
    if batch.frozen_at is not None:
        return f"round {batch.round}, closed"
    if batch.answered >= batch.wanted:
        return "all there"
    left = minutes_left(batch)
    if left is None:
        return "nobody is answering right now"
    return f"{fixed(batch.per_minute, 1)} a minute, {duration(60 * left)} left"


def minutes_left(batch: Batch) -> float | None:
    """Return how long the rest takes at the pace of the last minutes; None without a pace."""
    if not batch.per_minute or batch.frozen_at is not None:
        return None
    return max(0, batch.wanted - batch.answered) / batch.per_minute


def is_missing(trainer: TrainerState, now: float) -> bool:
    """Say whether a trainer that should be at work has not been heard of."""
    return trainer.phase != FINISHED and now - trainer.heartbeat_at > SILENT_SECONDS


def missing_told(trainer: TrainerState, now: float) -> str:
    """Return what an absent heartbeat means and what to do; nothing if all is well."""
    if not is_missing(trainer, now):
        return ""
    return (
        f"Nothing heard from the trainer for {duration(now - trainer.heartbeat_at)}: it is in a "
        "long step, or it has stopped. No answer is lost. If its terminal is quiet too, the same "
        "`prefloop run` goes on where it was."
    )


def pulled_told(cord: StopRequest, now: float) -> str:
    """Return who stopped the line, and when."""
    return f"{cord.pulled_by} stopped it {duration(now - cord.pulled_at)} ago."


def stopped_told(cord: StopRequest, trainer: TrainerState | None, now: float) -> str:
    """Return how far the trainer is with standing still."""
    if cord.stopped_at is not None:
        return f"The trainer wrote a checkpoint and stands still at update {cord.update}."
    if trainer is None or is_missing(trainer, now):
        return "The trainer is not running. When it does, it stops before its next update."
    return "The trainer has not stopped yet: it finishes the update it is in."


def action_told(cord: StopRequest) -> str:
    """Return how the run went on after a stop."""
    if cord.action == "roll_back":
        return f"rolled back to update {cord.roll_back_to}"
    return "resumed" if cord.action == "resume" else "still stopped"


def work_told(seconds: float, n: int, wage: float, currency: str) -> str:
    """Return what answers took and cost, for `n` answers with a preference."""
    hours = seconds / 3600
    cost = hours * wage
    said = f"{fixed(hours, 1)} hours of labeling, {money(cost, currency)} at {plain(wage)} an hour"
    return f"{said}: {money(cost / n, currency)} an answer." if n else f"{said}."
