"""What the trainer is doing, for those who watch: sent when it changes and while it lasts."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from prefloop.run.best_effort import BestEffortStore

REPORT_SECONDS = 1.0
"""Reports of one phase are at least this far apart."""
REPEAT_SECONDS = 2.0
"""A step that takes longer than this sends heartbeats in between: the trainer is alive."""


class Heartbeat:
    """The latest report of the trainer's phase, and when the store was last given one."""

    def __init__(self, store: BestEffortStore) -> None:
        self._store = store
        self._latest: dict[str, Any] | None = None
        self._reported_at = 0.0
        self._sent: dict[str, Any] | None = None
        self._sent_at = 0.0

    def report(
        self,
        *,
        phase: str,
        round: int,
        done: int,
        total: int,
        detail: str,
        checkpoints: Callable[[], Sequence[int]],
    ) -> None:
        """Take a report, at most one per second and phase; return at once.

        `checkpoints` lists the updates that can be rolled back to; it is only asked if the report
        is taken.
        """
        now = time.monotonic()
        is_same_phase = self._latest is not None and self._latest["phase"] == phase
        if is_same_phase and now - self._reported_at < REPORT_SECONDS:
            return
        self._reported_at = now
        self._latest = {
            "phase": phase,
            "round": round,
            "done": done,
            "total": total,
            "detail": detail,
            "checkpoints": checkpoints(),
        }

    def send(self) -> None:
        """Send the latest report if it is new, or if the last one was sent a while ago."""
        beat, now = self._latest, time.monotonic()
        if beat is None or (beat is self._sent and now - self._sent_at < REPEAT_SECONDS):
            return
        if self._store.try_query(lambda store: store.updates.heartbeat(**beat)):
            self._sent, self._sent_at = beat, now
