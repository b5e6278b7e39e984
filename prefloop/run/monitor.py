"""The trainer's connection to the people around it: it reports progress and looks for stops.

Reports return at once and never fail a run: a thread of its own sends them, and what the store does
not take now is sent later. Stops are looked for at safe points only, by `check_stop`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from prefloop.progress import BeforeMaking, Progress, StopPoint, StopRequested, make_freely
from prefloop.run.best_effort import BestEffortStore
from prefloop.run.heartbeat import REPEAT_SECONDS, Heartbeat
from prefloop.run.outbox import MetricsOutbox
from prefloop.run.stops import AnswersItself, Pausable, StopRequestWatch, leave_to_owner
from prefloop.run.update_calls import OnUpdate, UpdateCalls
from prefloop.store.patience import patient
from prefloop.store.store import Store

WAITING = "waiting for labels"
WAITING_FOR_VERDICTS = "waiting for verdicts"
WAITING_FOR_JUDGMENT = "waiting for people to judge the policy"
STOPPED = "stopped by the cord"
FINISHED = "finished"
"""Phases that the dashboard knows by name."""


class RunMonitor:
    """The run's progress: to the terminal at once, to those who watch soon after."""

    def __init__(
        self,
        store: Store,
        progress: Progress,
        *,
        before_making: BeforeMaking = make_freely,
        on_update: OnUpdate | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`on_update` is called after every update, at the next safe point, and may end the run."""
        self.store = patient(store, progress.say)
        """The store, which waits while it cannot be reached."""
        self.round = 0
        self.note = ""
        """Added to every count, such as how far labelers are."""
        self.outbox = MetricsOutbox(best_effort := BestEffortStore(store, progress.say))
        self.update_calls = UpdateCalls(on_update)
        self.has_made = False
        """Whether this process made anything, or is about to."""
        self._before_making = before_making
        self._progress = progress
        self._best_effort = best_effort
        self._heartbeat = Heartbeat(best_effort)
        self._has_news = Event()
        self._policy: Pausable | None = None
        self._at_end: list[Callable[[], object]] = []
        self._stops = StopRequestWatch(
            self.store,
            best_effort,
            say=progress.say,
            report_stopped=self._report_stopped,
            sleep=sleep,
        )

    def attach(self, policy: Pausable, answer: AnswersItself = leave_to_owner) -> None:
        """From now on stop requests pause this policy; `answer` may answer some of them."""
        self._policy = policy
        self._stops.attach(policy, answer)

    def call_at_end(self, function: Callable[[], object]) -> None:
        """Call a function when `keepalive` ends, however the run ends."""
        self._at_end.append(function)

    def before_making(self) -> None:
        """Note that something is made, with the settings of this process."""
        self.has_made = True
        self._before_making()

    def say(self, text: str) -> None:
        """Print a sentence at the trainer's terminal."""
        self._progress.say(text)

    def count(self, what: str, done: int, total: int, detail: str = "") -> None:
        """Report how much of `what` is done, to the terminal and to those who watch."""
        detail = "; ".join(part for part in (detail, self.note) if part)
        self._progress.count(what, done, total, detail)
        self.report(what, done, total, detail)

    def report(self, phase: str, done: int = 0, total: int = 0, detail: str = "") -> None:
        """Report what the trainer is doing to those who watch, at most once per second."""
        self._heartbeat.report(
            phase=phase,
            round=self.round,
            done=done,
            total=total,
            detail=detail,
            checkpoints=lambda: () if self._policy is None else self._policy.checkpoints,
        )
        self._has_news.set()

    def check_stop(self, point: StopPoint) -> None:
        """Pause here if somebody asked the run to stop; RollBack if the owner wants one.

        Where the caller's function asks for an end, StopRequested, after a checkpoint was written.
        """
        try:
            self.update_calls.make()
        except StopRequested:
            if self._policy is not None:
                self._policy.ensure_checkpoint()
            raise
        self._stops.check(point)

    def try_query(self, query: Callable[[Store], object]) -> bool:
        """Return whether the store answered the query at once; training does not wait for it."""
        return self._best_effort.try_query(query)

    @contextmanager
    def keepalive(self) -> Iterator[None]:
        """Send reports, and heartbeats through steps that take minutes, while the block runs."""
        is_over = Event()

        def send_repeatedly() -> None:
            is_last = False
            while not is_last:
                self._has_news.wait(REPEAT_SECONDS)
                self._has_news.clear()
                is_last = is_over.is_set()
                self.send()

        sender = Thread(target=send_repeatedly, name="run monitor", daemon=True)
        sender.start()
        try:
            yield
        finally:
            is_over.set()
            self._has_news.set()
            sender.join()
            for function in self._at_end:
                function()

    def send(self) -> None:
        """Send what was reported and not sent yet, as far as the store takes it at once."""
        self.outbox.send()
        self._heartbeat.send()

    def finish(self) -> None:
        """Send everything, waiting for the store if need be, and report the run as finished."""
        self.outbox.drain(self.store)
        self.report(FINISHED)
        self._heartbeat.send()

    def _report_stopped(self, detail: str) -> None:
        """Report the stop before the owner chooses: the report lists the checkpoints."""
        self.report(STOPPED, detail=detail)
        self.send()
