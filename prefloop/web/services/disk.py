"""Whether what people answer can be stored: for the owner, who alone can make room."""

import threading
import time
from collections.abc import Callable

from prefloop.figures.text import count, duration
from prefloop.web.strings import InterfaceStrings

LEAST_FREE_BYTES = 200 * 2**20
"""Below this the owner is warned. A checkpoint of the trainer may take more at once; an answer
takes less than a kilobyte."""

TOLD_SECONDS = 120.0
"""How long a write that failed is shown: pages send what was not saved again every few seconds."""

CHECK_SECONDS = 5.0


class DiskWatch:
    """The newest write that failed, and the room that is left."""

    def __init__(
        self, free_bytes: Callable[[], int | None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._free_bytes = free_bytes
        self._clock = clock
        self._failed_at = float("-inf")
        self._free: tuple[float, int | None] = (float("-inf"), None)
        self._lock = threading.Lock()

    def failed(self) -> None:
        """Remember that a write failed just now."""
        with self._lock:
            self._failed_at = self._clock()

    def text(self, strings: InterfaceStrings) -> str:
        """Return what the owner must know; empty while all is well."""
        now = self._clock()
        with self._lock:
            if now - self._free[0] >= CHECK_SECONDS:
                self._free = (now, self._free_bytes())
            ago, free = now - self._failed_at, self._free[1]
        if ago < TOLD_SECONDS:
            return strings.text("status.disk_failed", time=duration(ago))
        if free is not None and free < LEAST_FREE_BYTES:
            return strings.text("status.disk_low", mebibytes=count(free // 2**20))
        return ""
