"""The database's clock, without asking the database each time."""

import time
from collections.abc import Callable

KEPT_SECONDS = 10.0


class DatabaseClock:
    """The store's own time: read now and then, and carried on by this machine's stopwatch."""

    def __init__(
        self, read: Callable[[], float], stopwatch: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._stopwatch = stopwatch
        self._known = (-KEPT_SECONDS, 0.0)
        """(stopwatch, database) at the last reading."""

    def now(self) -> float:
        """Return the seconds since 1970, UTC, by the database's clock."""
        here = self._stopwatch()
        # One tuple, so that another thread's reading is taken whole or not at all.
        read_at, known = self._known
        if not read_at <= here < read_at + KEPT_SECONDS:
            read_at, known = self._known = (here, self._read())
        return known + here - read_at
