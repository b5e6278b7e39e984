"""A cache for one value, so that several requests in the same second read it once."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class TTLCache(Generic[T]):
    """The result of a read, kept for some seconds."""

    def __init__(
        self,
        read: Callable[[], T],
        *,
        seconds: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._cached: tuple[float, T] | None = None
        """(end of its life, value)"""

    def get(self) -> T:
        """Return the value; concurrent callers wait for a single read."""
        with self._lock:
            if self._cached is None or self._clock() >= self._cached[0]:
                value = self._read()
                self._cached = (self._clock() + self._seconds, value)
            return self._cached[1]
