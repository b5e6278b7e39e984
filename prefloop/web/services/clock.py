"""The database's clock, without a query each time."""

import time
from collections.abc import Callable

QUERY_SECONDS = 10.0


class DatabaseClock:
    """The store's time: queried now and then, and advanced by a monotonic clock in between."""

    def __init__(
        self, read: Callable[[], float], stopwatch: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._stopwatch = stopwatch
        self._known = (-QUERY_SECONDS, 0.0)
        """(stopwatch, database) at the last query."""

    def now(self) -> float:
        """Return the seconds since 1970, UTC, by the database's clock."""
        now = self._stopwatch()
        # One tuple: another thread may replace it meanwhile.
        read_at, known = self._known
        if not read_at <= now < read_at + QUERY_SECONDS:
            read_at, known = self._known = (now, self._read())
        return known + now - read_at

    def is_known(self) -> bool:
        """Whether `now` can say so without a look at the database."""
        read_at, _ = self._known
        return read_at <= self._stopwatch() < read_at + QUERY_SECONDS
