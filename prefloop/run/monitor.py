"""The line between the trainer and the people: it tells them how far it is, and hears the cord.

Whatever counts its progress is heard here: each count is a heartbeat for those who watch, and the
moment at which somebody who pulled the cord is obeyed. The trainer then writes a checkpoint, stands
still, and goes on as the run's owner decides: from there, or from an earlier checkpoint.

Telling never fails a run: what the store does not take now is kept and told later.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any, Protocol

from prefloop.errors import CheckpointError, DiskError, StoreError
from prefloop.progress import Progress
from prefloop.store.core.patience import patient
from prefloop.store.store import Store
from prefloop.teamwork import StopRequest

BEAT_SECONDS = 1.0
"""Heartbeats of one kind of work are at least so far apart."""
HEART_SECONDS = 2.0
"""A step that takes longer than this beats in between: it is no standstill."""
POLL_SECONDS = 1.0
"""Between two looks at a store that is waited for."""
AGAIN_SECONDS = 5.0
"""After the store did not answer, it is left alone for so long."""

WAITING = "waiting for labels"
STOPPED = "stopped by the cord"
FINISHED = "finished"
TRAINER = "the trainer"
"""Who pulls the cord when a checkpoint that the owner chose cannot be read."""


class RolledBack(Exception):
    """The run goes on from an earlier checkpoint; whoever drives it begins that round again."""


class Pausable(Protocol):
    """What stands still while the cord is taut: the policy in training."""

    @property
    def update(self) -> int:
        """Updates that were made."""

    @property
    def checkpoints(self) -> Sequence[int]:
        """Updates that the policy can go back to."""

    @property
    def rolled_back_by(self) -> str:
        """The id of the cord after which it last went back; empty if it never did."""

    def keep(self) -> None:
        """Write a checkpoint of where it stands, unless there is one."""


GoBack = Callable[[StopRequest], None]
"""Goes on from the checkpoint that a cord's release names; CheckpointError if it is damaged."""


class Line:
    """The trainer's end of the line. It is the run's progress and the mirror of its metrics."""

    def __init__(
        self, store: Store, progress: Progress, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.store = patient(store, progress.say)
        self.progress = progress
        self.round = 0
        self.note = ""
        """Told with every count, such as how far labelers are."""
        self._hurried = store
        self._sleep = sleep
        self._held: tuple[Pausable, GoBack] | None = None
        self._settled: set[str] = set()
        self._untold: list[tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]] = []
        self._last_beat: dict[str, Any] = {"phase": ""}
        self._beat_at = 0.0
        self._away_since: float | None = None
        self._again_at = 0.0

    def hold(self, policy: Pausable, go_back: GoBack) -> None:
        """From now on the cord stops this policy; one that was pulled before does so at once."""
        self._held = (policy, go_back)
        cords = self.store.cord.all()
        self._settled = {c.id for c in cords if c.released_at is not None}
        # A process that died before it went back has not gone back, whatever was pulled since.
        for number, cord in enumerate(cords):
            later = cords[number + 1 :]
            is_last = not any(c.action == "roll_back" or c.pulled_by == TRAINER for c in later)
            if is_last and _is_owed(cord, policy):
                self._settled.discard(cord.id)
        self.look()

    # progress

    def say(self, text: str) -> None:
        """Say a sentence at the trainer's terminal."""
        self.progress.say(text)

    def count(self, what: str, done: int, total: int, detail: str = "") -> None:
        """Take how much of `what` is done, tell it, and obey the cord."""
        told = "; ".join(part for part in (detail, self.note) if part)
        self.progress.count(what, done, total, told)
        self.beat(what, done, total, told)
        self.look()

    def beat(self, phase: str, done: int = 0, total: int = 0, detail: str = "") -> None:
        """Tell what the trainer is doing, unless that was told just now."""
        now = time.monotonic()
        if phase == self._last_beat["phase"] and now - self._beat_at < BEAT_SECONDS:
            return
        beat: dict[str, Any] = {
            "phase": phase,
            "round": self.round,
            "done": done,
            "total": total,
            "detail": detail,
            "checkpoints": self._held[0].checkpoints if self._held else (),
        }
        if self._try(lambda: self._hurried.updates.beat(**beat)):
            self._last_beat, self._beat_at = beat, now
            self._tell()

    @contextmanager
    def alive(self) -> Iterator[None]:
        """Repeat the last heartbeat while the block runs, through steps that take minutes."""
        is_over = Event()

        def repeat() -> None:
            while not is_over.wait(HEART_SECONDS):
                is_due = time.monotonic() - self._beat_at >= HEART_SECONDS
                if is_due and self._last_beat["phase"]:
                    with suppress(StoreError, DiskError):
                        self._hurried.updates.beat(**self._last_beat)

        heart = Thread(target=repeat, name="heartbeat", daemon=True)
        heart.start()
        try:
            yield
        finally:
            is_over.set()
            heart.join()

    def glance(self, question: Callable[[Store], bool]) -> bool:
        """Whether the store says yes; if it does not answer at once, that is no yes."""
        answers: list[bool] = []
        return self._try(lambda: answers.append(question(self._hurried))) and answers[0]

    # the mirror of the metrics

    def write(self, line: Mapping[str, Any], logged_samples: Sequence[Mapping[str, Any]]) -> None:
        """Tell a line of metrics, now or as soon as the store takes it."""
        self._untold.append((line, logged_samples))
        self._tell()

    def forget_after(self, stage: str, update: int, round_number: int | None) -> None:
        """Have the stage's lines forgotten that come again."""
        self._untold = [
            (line, logged_samples)
            for line, logged_samples in self._untold
            if line["stage"] != stage
            or line["update"] <= update
            or round_number not in (None, line["round"])
        ]
        self.store.updates.forget_after(stage, update, round_number)

    def catch_up(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Tell those of the lines that an earlier process died without telling."""
        known: set[tuple[str, int, int]] = set()
        number = 0
        while page := self.store.updates.after(number):
            known |= {(u.stage, u.round, u.update) for u in page}
            number = page[-1].number
        for line in lines:
            if (line["stage"], line["round"], line["update"]) not in known:
                self.write(line, ())

    def close(self) -> None:
        """Tell what is still untold, waiting for the store if need be."""
        while self._untold:
            self._write(self.store, *self._untold[0])
            del self._untold[0]

    def _tell(self) -> None:
        while self._untold and self._try(lambda: self._write(self._hurried, *self._untold[0])):
            del self._untold[0]

    @staticmethod
    def _write(
        store: Store, line: Mapping[str, Any], logged_samples: Sequence[Mapping[str, Any]]
    ) -> None:
        store.updates.write(line["stage"], line["round"], line["update"], line, logged_samples)

    def _try(self, telling: Callable[[], None]) -> bool:
        """Whether the store took it. If not it is left alone for a while: PPO must not wait."""
        now = time.monotonic()
        if now < self._again_at:
            return False
        try:
            telling()
        except (StoreError, DiskError) as error:
            if self._away_since is None:
                self._away_since = now
                self.say(f"{error}\nTraining goes on; what is to be told is kept.")
            self._again_at = time.monotonic() + AGAIN_SECONDS
            return False
        if self._away_since is not None:
            self.say(f"The store takes things again, after {now - self._away_since:.0f} s.")
            self._away_since = None
        return True

    # the cord

    def look(self) -> None:
        """Come back at once, or, if somebody holds the cord, when the run's owner lets it go.

        Raises RolledBack when the policy went back to an earlier checkpoint.
        """
        cords: list[StopRequest] = []
        if self._held is None or not self._try(lambda: cords.extend(self._hurried.cord.all())):
            return
        for cord in cords:
            if cord.id not in self._settled:
                self._obey(cord, *self._held)

    def _obey(self, cord: StopRequest, policy: Pausable, go_back: GoBack) -> None:
        """Stand still until the cord is released, then do what its release says."""
        if cord.released_at is None:
            policy.keep()
            self.store.cord.stopped(cord.id, policy.update)
            self.say(
                f"{cord.pulled_by} stopped the line: {cord.reason}\n"
                f"A checkpoint of update {policy.update} is written. The run goes on when its "
                "owner releases the cord on the dashboard."
            )
            cord = self._released(cord)
        self._settled.add(cord.id)
        self.say(f"{cord.released_by} released the cord, having checked: {cord.checked}")
        if cord.action == "roll_back":
            self._go_back(cord, policy, go_back)

    def _released(self, cord: StopRequest) -> StopRequest:
        while True:
            for found in self.store.cord.all():
                if found.id == cord.id and found.released_at is not None:
                    return found
            self.beat(STOPPED, detail=f"{cord.pulled_by}: {cord.reason}")
            self._sleep(POLL_SECONDS)

    def _go_back(self, cord: StopRequest, policy: Pausable, go_back: GoBack) -> None:
        try:
            go_back(cord)
        except CheckpointError as error:
            # Going on as if nothing had been said would be the opposite of what the owner wants.
            self.store.cord.pull(TRAINER, f"{error} Choose another checkpoint.")
            self.look()
            return
        self.note = ""
        self.say(f"The policy goes on from update {policy.update}.")
        raise RolledBack


def _is_owed(cord: StopRequest, policy: Pausable) -> bool:
    """Whether an earlier process was told to go back, and died before it had."""
    target = cord.roll_back_to
    if cord.released_at is None or cord.action != "roll_back" or target is None:
        return False
    is_beyond = policy.update > target or target in policy.checkpoints
    return is_beyond and policy.update >= target and policy.rolled_back_by != cord.id
