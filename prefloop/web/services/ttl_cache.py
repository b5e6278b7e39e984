"""What several watchers ask for in the same second is read once."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Found = TypeVar("Found")


class TTLCache(Generic[Found]):
    """The result of a read, believed for a moment."""

    def __init__(
        self,
        read: Callable[[], Found],
        *,
        seconds: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._seconds = seconds
        self._clock = clock
        self._turn = threading.Lock()
        self._kept: tuple[float, Found] | None = None

    def get(self) -> Found:
        """Return the result; whoever comes while it is being read waits for that one."""
        with self._turn:
            if self._kept is None or self._clock() >= self._kept[0]:
                found = self._read()
                self._kept = (self._clock() + self._seconds, found)
            return self._kept[1]
