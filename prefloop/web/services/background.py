"""Measurements that are too slow for a request: in the background, while somebody asks for them."""

import logging
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Generic, TypeVar

from prefloop.web.services.tracebacks import error_places

log = logging.getLogger("prefloop.web")

EVERY_SECONDS = 60.0
SWITCH_SECONDS = 0.0005
"""Python's thread switch interval during a measurement, a tenth of the default: a request of a
labeler needs many switches in sequence."""
REST_FACTOR = 19
"""The next measurement waits this many times as long as the last one took: labelers come first."""

T = TypeVar("T")


class Background(Generic[T]):
    """The newest result of a slow measurement.

    Nothing is measured while nobody asks. If a measurement fails, the error is logged and the
    result before it stays; a result should hold the time of its measurement.
    """

    def __init__(
        self,
        measure: Callable[[], T],
        *,
        every_seconds: float = EVERY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._measure = measure
        self._every = every_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="quality")
        self._running: Future[T] | None = None
        self._latest: T | None = None
        self._due = float("-inf")
        self._is_closed = False

    def latest(self) -> T | None:
        """Return the newest result at once; None before the first. Start a measurement if due."""
        with self._lock:
            self._take_result()
            is_due = self._clock() >= self._due
            if self._running is None and is_due and not self._is_closed:
                self._begin()
            return self._latest

    def latest_within(self, seconds: float) -> T | None:
        """Return the newest result; wait up to this long for the first one."""
        found = self.latest()
        running = self._running
        if found is not None or running is None:
            return found
        wait([running], timeout=seconds)
        return self.latest()

    def invalidate(self) -> None:
        """Start a measurement at the next call."""
        with self._lock:
            self._due = float("-inf")

    def close(self) -> None:
        """Wait for a running measurement, and start no other."""
        with self._lock:
            self._is_closed = True
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _begin(self) -> None:
        self._due = self._clock() + self._every
        self._running = self._threads.submit(self._timed)

    def _timed(self) -> T:
        begun, usual = time.thread_time(), sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_SECONDS)
        try:
            return self._measure()
        finally:
            sys.setswitchinterval(usual)
            rest = REST_FACTOR * (time.thread_time() - begun)
            with self._lock:
                self._due = max(self._due, self._clock() + rest)

    def _take_result(self) -> None:
        running = self._running
        if running is None or not running.done():
            return
        self._running = None
        if running.cancelled():
            return
        problem = running.exception()
        if problem is None:
            self._latest = running.result()
        else:
            log.error("a measurement failed: %s", " <- ".join(error_places(problem)))
