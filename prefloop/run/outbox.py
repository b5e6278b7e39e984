"""Lines of metrics on their way from the training loop to the store, in order and never lost.

`metrics.jsonl` in the run folder is what counts; the store's copy feeds the dashboard.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

from prefloop.run.best_effort import BestEffortStore
from prefloop.store.store import Store

_Change = Callable[[Store], None]


class MetricsOutbox:
    """Queues what the metrics log writes and drops, and sends it when the store takes it."""

    def __init__(self, store: BestEffortStore) -> None:
        self._store = store
        self._queue: deque[_Change] = deque()
        self._sending = Lock()

    def write(
        self, line: Mapping[str, Any], logged_samples: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        """Queue a line with some responses of its batch; return at once."""
        place = (line["stage"], line["round"], line["update"])
        self._queue.append(lambda store: store.updates.write(*place, line, logged_samples))

    def forget_after(self, stage: str, update: int, round_number: int | None) -> None:
        """Queue the removal of the stage's lines after `update` (of one round, or of all)."""
        self._queue.append(lambda store: store.updates.forget_after(stage, update, round_number))

    def catch_up(self, store: Store, lines: Sequence[Mapping[str, Any]]) -> None:
        """Queue those lines of the metrics log that an earlier process died before sending."""
        known: set[tuple[str, int, int]] = set()
        number = 0
        while page := store.updates.after(number):
            known |= {(u.stage, u.round, u.update) for u in page}
            number = page[-1].number
        for line in lines:
            if (line["stage"], line["round"], line["update"]) not in known:
                self.write(line)

    def send(self) -> None:
        """Send what is queued, as far as the store takes it at once."""
        with self._sending:
            while self._queue and self._store.try_query(self._queue[0]):
                self._queue.popleft()

    def drain(self, store: Store) -> None:
        """Send all that is queued to a store that waits while it is away."""
        with self._sending:
            while self._queue:
                self._queue[0](store)
                self._queue.popleft()
