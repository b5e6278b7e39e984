"""People's labels of a round: asked for, waited for, and frozen.

Trainer and labeling page meet in the store alone. Here is the trainer's side: it puts questions
into the queue, looks once a second how many answers are there, and closes the batch when the reward
model is to learn from it. It may be killed and started again at any point.
"""

import time
from collections.abc import Callable, Sequence

from prefloop.records import Comparison
from prefloop.run.monitor import POLL_SECONDS, WAITING, Line
from prefloop.settings.task import TaskConfig
from prefloop.store.store import Store
from prefloop.teamwork import Batch

TELL_SECONDS = 60.0
"""While no answer comes, the count is told again so often."""
STALL_SECONDS = 600.0
"""When no answer has come for so long, those who are waited for are named."""
MINUTES_PER_HOUR = 60
MINUTES_PER_DAY = 24 * 60

Question = tuple[Comparison, int]
"""A comparison, and how many people shall answer it."""


class People:
    """Asks people for labels, and waits for them."""

    def __init__(
        self, task: TaskConfig, line: Line, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.task = task
        self.line = line
        self._sleep = sleep

    def is_settled(self, round_number: int, *, is_moved: bool) -> bool:
        """Whether the round's questions stay as they are: frozen, or of a policy that moved on."""
        batch = self.line.store.queue.batch(round_number)
        return batch is not None and (is_moved or batch.frozen_at is not None)

    def ask(self, round_number: int, questions: Sequence[Question]) -> None:
        """Put the round's questions into the queue; those of an abandoned policy leave it."""
        store = self.line.store
        publish(store, self.task)
        store.queue.open_batch(round_number, [(c.id, wanted) for c, wanted in questions])
        store.queue.ask_only(round_number, [c.id for c, _ in questions])

    def is_answered(self, round_number: int) -> bool:
        """Whether enough answers are in, as far as the store says so at once: PPO does not wait."""

        def look(store: Store) -> bool:
            batch = store.queue.batch(round_number)
            if batch is not None:
                self.line.note = f"labels {batch.answered} of {batch.wanted}"
            return is_answered(store, round_number)

        return self.line.glance(look)

    def wait(self, round_number: int) -> None:
        """Come back when enough answers are in, or no more can come."""
        told: tuple[int, float] | None = None
        came_at = time.monotonic()
        while not is_answered(self.line.store, round_number):
            batch = self._batch(round_number)
            now = time.monotonic()
            if told is None:
                self._tell_beginning(batch)
            if told is None or told[0] != batch.answered:
                came_at = now
            elif now - came_at >= STALL_SECONDS:
                self._tell_stall(batch)
                came_at = now
            if told is None or told[0] != batch.answered or now - told[1] >= TELL_SECONDS:
                self.line.count(WAITING, batch.answered, batch.wanted, forecast(batch))
                told = (batch.answered, now)
            self.line.beat(WAITING, batch.answered, batch.wanted, forecast(batch))
            self.line.look()
            self._sleep(POLL_SECONDS)
        if told is not None:
            self._tell_end(self._batch(round_number))

    def freeze(self, round_number: int, *, label_cutoff: int = 0) -> int:
        """Close the round's batch; return the last event that its reward model may know.

        After a roll back that is all until then, answers to later rounds included.
        """
        if self.line.store.queue.batch(round_number) is None:
            # Nobody was asked: labels were imported, or others labeled before people did.
            self.line.store.queue.open_batch(round_number, [])
        return max(self.line.store.queue.freeze(round_number), label_cutoff)

    def _batch(self, round_number: int) -> Batch:
        batch = self.line.store.queue.batch(round_number)
        assert batch is not None, "a round is asked before it is waited for"
        return batch

    def _tell_beginning(self, batch: Batch) -> None:
        missing = batch.wanted - batch.answered
        self.line.say(f"Round {batch.round} wants {missing} more answers. It goes on by itself.")
        self._tell_nobody()

    def _tell_nobody(self) -> bool:
        """Say so, and return True, if there is nobody whose answers would count."""
        excluded = self.line.store.rules.excluded()
        for person in self.line.store.people.all():
            is_in = person.disabled_at is None and person.role != "viewer"
            if is_in and person.introduction != "failed" and person.name not in excluded:
                return False
        self.line.say(
            "Nobody whose answers count may log in. Let somebody in: prefloop team add --help"
        )
        return True

    def _tell_stall(self, batch: Batch) -> None:
        names = self.line.store.queue.waited_for(batch.round)
        if self._tell_nobody() or not names:
            return
        self.line.say(
            f"No answer that counts for {STALL_SECONDS / 60:.0f} min. Questions are left for "
            f"{', '.join(names)}. Whoever will not come need not be waited for: "
            "prefloop team disable --help"
        )

    def _tell_end(self, batch: Batch) -> None:
        self.line.count(WAITING, batch.answered, batch.answered)
        missing = batch.wanted - batch.answered
        if missing:
            self.line.say(
                f"{missing} of {batch.wanted} answers stay missing: nobody who may log in has a "
                "question left. The run goes on without them. More people, or a lower "
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
    """Return how fast answers come, and how long the others will take."""
    if not batch.per_minute:
        return ""
    minutes = (batch.wanted - batch.answered) / batch.per_minute
    return f"{batch.per_minute:.1f} a minute, {_duration(minutes)} left"


def _duration(minutes: float) -> str:
    if minutes < 1:
        return "under a minute"
    if minutes < MINUTES_PER_HOUR:
        return f"{minutes:.0f} min"
    if minutes < MINUTES_PER_DAY:
        hours, rest = divmod(round(minutes), MINUTES_PER_HOUR)
        return f"{hours} h {rest} min"
    return f"{minutes / MINUTES_PER_DAY:.1f} days"
