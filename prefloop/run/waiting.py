"""Labels that people give: a round's comparisons are put into their queue, and waited for.

Trainer and labeling page share nothing but the store. This is the trainer's side: it opens a batch
of comparisons, counts the answers once a second, and closes the batch when the reward model trains
on it. It may be killed and started again at any point.
"""

import time
from collections.abc import Callable, Sequence

from prefloop.figures.text import duration, fixed
from prefloop.records import Comparison
from prefloop.run.monitor import WAITING, WAITING_FOR_VERDICTS, RunMonitor
from prefloop.settings.task import TaskConfig
from prefloop.store.store import Store
from prefloop.teamwork import Batch

POLL_SECONDS = 1.0
"""Time between two queries for the number of answers."""
REPORT_SECONDS = 60.0
"""While no answer comes, the count is reported again this often."""
STALL_SECONDS = 600.0
"""When no answer has come for this long, those with questions left are named."""

AskedComparison = tuple[Comparison, int]
"""A comparison, and how many people are to answer it."""


class PeopleLabeling:
    """Asks people for labels, and waits for them."""

    def __init__(
        self, task: TaskConfig, monitor: RunMonitor, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.task = task
        self.monitor = monitor
        self._sleep = sleep

    def is_settled(self, round_number: int, *, is_moved: bool) -> bool:
        """Whether the round's comparisons stay as they are.

        They do once the batch is closed, or once the policy that they are about was trained on.
        """
        batch = self.monitor.store.queue.batch(round_number)
        return batch is not None and (is_moved or batch.frozen_at is not None)

    def ask(self, round_number: int, questions: Sequence[AskedComparison]) -> None:
        """Put the round's comparisons into the queue, and take those of a dropped policy out."""
        store = self.monitor.store
        publish(store, self.task)
        store.queue.open_batch(round_number, [(c.id, wanted) for c, wanted in questions])
        store.queue.ask_only(round_number, [c.id for c, _ in questions])

    def ask_for_verdicts(self, comparison_ids: Sequence[str], *, answers: int, looks: int) -> int:
        """Put comparisons into the queue, each for so many people; return their batch."""
        publish(self.monitor.store, self.task)
        judging = self.monitor.store.judging
        return judging.open(comparison_ids, answers=answers, looks=looks)

    def is_answered(self, round_number: int) -> bool:
        """Whether the store says at once that enough answers are in; training does not wait."""
        answers: list[bool] = []

        def look(store: Store) -> None:
            batch = store.queue.batch(round_number)
            if batch is not None:
                self.monitor.note = f"labels {batch.answered} of {batch.wanted}"
            answers.append(is_answered(store, round_number))

        return self.monitor.try_query(look) and answers[0]

    def wait(
        self, round_number: int, *, is_clear: Callable[[Batch], bool] = lambda batch: False
    ) -> None:
        """Return when enough answers are in, or no more can come.

        The batch may be one of verdicts, which is over as soon as `is_clear` says so.
        """
        monitor = self.monitor
        phase = WAITING if round_number >= 0 else WAITING_FOR_VERDICTS
        counted: int | None = None
        counted_at = came_at = time.monotonic()
        while not is_answered(monitor.store, round_number):
            batch, now = self._batch(round_number), time.monotonic()
            if is_clear(batch):
                self._say_clear(batch)
                return
            if counted is None:
                self._say_beginning(batch)
            if counted != batch.answered:
                came_at = now
            elif now - came_at >= STALL_SECONDS:
                self.say_stall(batch)
                came_at = now
            if counted != batch.answered or now - counted_at >= REPORT_SECONDS:
                monitor.count(phase, batch.answered, batch.wanted, forecast(batch))
                counted, counted_at = batch.answered, now
            monitor.report(phase, batch.answered, batch.wanted, forecast(batch))
            monitor.check_stop("while waiting for labels")
            self._sleep(POLL_SECONDS)
        if counted is not None:
            self._say_end(self._batch(round_number))

    def freeze(self, round_number: int, *, label_cutoff: int = 0) -> int:
        """Close the round's batch; return the last event that its reward model may know.

        After a roll back that is at least `label_cutoff`, so answers to later rounds count, too.
        """
        if self.monitor.store.queue.batch(round_number) is None:
            # Nobody was asked: labels were imported, or others labeled before people did.
            self.monitor.store.queue.open_batch(round_number, [])
        return max(self.monitor.store.queue.freeze(round_number), label_cutoff)

    def _batch(self, round_number: int) -> Batch:
        batch = self.monitor.store.queue.batch(round_number)
        assert batch is not None, "a round is asked before it is waited for"
        return batch

    def _say_beginning(self, batch: Batch) -> None:
        missing = batch.wanted - batch.answered
        self.monitor.say(
            f"The verdict needs at most {missing} more answers. They may be fewer: the result is "
            "looked at on the way."
            if batch.is_for_verdicts
            else f"Round {batch.round} needs {missing} more answers. It continues when they are in."
        )
        self.say_if_nobody()

    def _say_clear(self, batch: Batch) -> None:
        self.monitor.count(WAITING_FOR_VERDICTS, batch.answered, batch.answered)
        self.monitor.say(f"The verdict is clear after {batch.answered} of {batch.wanted} answers.")

    def say_if_nobody(self) -> bool:
        """Say so, and return True, if there is nobody whose answers would count."""
        excluded = self.monitor.store.exclusions.excluded()
        for person in self.monitor.store.people.all():
            is_in = person.disabled_at is None and person.role != "viewer"
            if is_in and person.qualification != "failed" and person.name not in excluded:
                return False
        self.monitor.say(
            "Nobody whose answers count has an account. Add somebody: prefloop team add --help"
        )
        return True

    def say_stall(self, batch: Batch) -> None:
        """Say whose answers a batch waits for, and what waits for an owner."""
        if self.say_if_nobody():
            return
        if n_held := self.monitor.store.queue.n_on_hold(batch.round):
            held = "1 question is" if n_held == 1 else f"{n_held} questions are"
            self.monitor.say(f"{held} on hold: look at the page Answers, and release or decide.")
        names = self.monitor.store.queue.waited_for(batch.round)
        if not names:
            return
        self.monitor.say(
            f"No answer that counts for {duration(STALL_SECONDS)}. Questions are left for "
            f"{', '.join(names)}. If one of them will not answer, disable the account: "
            "prefloop team disable --help"
        )

    def _say_end(self, batch: Batch) -> None:
        phase = WAITING_FOR_VERDICTS if batch.is_for_verdicts else WAITING
        self.monitor.count(phase, batch.answered, batch.answered)
        missing = batch.wanted - batch.answered
        if missing and batch.is_for_verdicts:
            self.monitor.say(
                f"{missing} of {batch.wanted} answers stay missing: nobody with an account has a "
                "question left. The verdict rests on the others."
            )
        elif missing:
            self.monitor.say(
                f"{missing} of {batch.wanted} answers stay missing: nobody with an account has a "
                "question left. The run continues without them. More people, or a lower "
                "comparisons.overlap or validation_overlap, would help."
            )


def is_answered(store: Store, round_number: int) -> bool:
    """Whether a round has all answers that were wanted, or all that people can give."""
    batch = store.queue.batch(round_number)
    if batch is None:
        return False
    is_enough = batch.answered >= batch.wanted or batch.frozen_at is not None
    return is_enough or store.queue.is_exhausted(round_number)


def publish(store: Store, task: TaskConfig) -> None:
    """Let labelers read the task's instructions; a version such as 1.1 is a minor one."""
    store.instructions.publish(
        task.instructions_version,
        task.question,
        task.instructions,
        "." not in task.instructions_version,
        "run.yaml",
    )


def forecast(batch: Batch) -> str:
    """Return how fast answers come, and how long the missing ones will take."""
    if not batch.per_minute:
        return ""
    minutes = (batch.wanted - batch.answered) / batch.per_minute
    return f"{fixed(batch.per_minute, 1)} a minute, {duration(60 * minutes)} left"
