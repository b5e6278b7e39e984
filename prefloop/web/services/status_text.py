"""The status of a run in words: the trainer, the queue, stop requests, the cost of labeling.

`strings` are those of the owners' pages.
"""

from collections.abc import Mapping

from prefloop.figures.text import count, duration, fixed, money, percent, plain
from prefloop.teamwork import LIVE, Batch, StopRequest, TrainerState
from prefloop.web.strings import InterfaceStrings

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
    "training the policy": "status.phase_updates",
    "training the reward model": "status.phase_steps",
    "warm start": "status.phase_steps",
}
"""What says the counts of a phase with their unit, where its name does not say it."""


def trainer_text(trainer: TrainerState | None, strings: InterfaceStrings) -> str:
    """Return the trainer's last heartbeat in words."""
    if trainer is None:
        return strings.text("status.no_trainer")
    if trainer.phase == FINISHED:
        return strings.text("status.finished")
    # The number of answers is in the text of the batch, which is more recent.
    if not trainer.total or trainer.phase in WAITING:
        return strings.text("status.phase", round=trainer.round, phase=trainer.phase)
    return strings.text(
        COUNTED.get(trainer.phase, "status.phase_part"),
        round=trainer.round,
        phase=trainer.phase,
        done=count(trainer.done),
        total=count(trainer.total),
    )


def batch_title(batch: Batch, strings: InterfaceStrings) -> str:
    """Return what people call a batch."""
    if batch.round == LIVE:
        return strings.text("batch.live")
    if batch.is_for_verdicts:
        return strings.text("batch.verdicts", number=-batch.round)
    return strings.text("batch.round", number=batch.round)


def batch_text(batch: Batch | None, strings: InterfaceStrings) -> str:
    """Return the progress of the newest batch; an empty text once it is closed."""
    if batch is None or batch.frozen_at is not None:
        return ""
    left = minutes_left(batch)
    if batch.answered >= batch.wanted:
        title = batch_title(batch, strings)
        return strings.text("status.all_in", wanted=count(batch.wanted), batch=title)
    numbers = {"answered": count(batch.answered), "wanted": count(batch.wanted)}
    if left is None:
        return strings.text("status.in_nobody", **numbers)
    return strings.text("status.in", **numbers, time=duration(60 * left))


def pace_text(batch: Batch, strings: InterfaceStrings) -> str:
    """Return the pace of a batch and the time left."""
    if batch.frozen_at is not None:
        return strings.text("status.closed", batch=batch_title(batch, strings))
    if batch.answered >= batch.wanted:
        return strings.text("status.all_there")
    left = minutes_left(batch)
    if left is None:
        return strings.text("status.nobody")
    pace = fixed(batch.per_minute, 1)
    return strings.text("status.pace", n=pace, time=duration(60 * left))


def minutes_left(batch: Batch) -> float | None:
    """Return the time left at the pace of the last minutes; None without a pace."""
    if not batch.per_minute or batch.frozen_at is not None:
        return None
    return max(0, batch.wanted - batch.answered) / batch.per_minute


def is_missing(trainer: TrainerState, now: float) -> bool:
    """Whether a trainer that has not finished sent no heartbeat for too long."""
    return trainer.phase != FINISHED and now - trainer.heartbeat_at > SILENT_SECONDS


def missing_text(trainer: TrainerState, now: float, strings: InterfaceStrings) -> str:
    """Return what a missing heartbeat means and what to do; empty if there is one."""
    if not is_missing(trainer, now):
        return ""
    return strings.text("status.missing", time=duration(now - trainer.heartbeat_at))


def pulled_text(request: StopRequest, now: float, strings: InterfaceStrings) -> str:
    """Return who stopped the run, and when."""
    time = duration(now - request.pulled_at)
    return strings.text("status.pulled", name=request.pulled_by, time=time)


def stopped_text(
    request: StopRequest, trainer: TrainerState | None, now: float, strings: InterfaceStrings
) -> str:
    """Return whether the trainer has stopped."""
    if request.stopped_at is not None:
        return strings.text("status.waits", update=request.update)
    if trainer is None or is_missing(trainer, now):
        return strings.text("status.not_running")
    return strings.text("status.not_yet")


def action_text(request: StopRequest, strings: InterfaceStrings) -> str:
    """Return how the run continued after a stop."""
    if request.action == "roll_back":
        return strings.text("status.rolled_back", update=request.roll_back_to)
    return strings.text("status.resumed" if request.action == "resume" else "status.still_stopped")


def work_text(seconds: float, n: int, wage: float, currency: str, strings: InterfaceStrings) -> str:
    """Return the time and cost of `n` answers with a preference."""
    hours = seconds / 3600
    cost = hours * wage
    numbers = {"hours": fixed(hours, 1), "cost": money(cost, currency), "wage": plain(wage)}
    if not n:
        return strings.text("status.work", **numbers)
    return strings.text("status.work_each", **numbers, each=money(cost / n, currency))


def for_whom_text(shares: Mapping[str, float | None], strings: InterfaceStrings) -> str:
    """Return for whom a batch is."""
    if not shares:
        return strings.text("batch.for_free")
    names = ", ".join(
        name if share is None else f"{name} ({percent(share)})" for name, share in shares.items()
    )
    given = [share for share in shares.values() if share is not None]
    has_rest = bool(given) and sum(given) < 1 - 1e-9
    return strings.text("batch.for_some" if has_rest else "batch.for_these", names=names)
