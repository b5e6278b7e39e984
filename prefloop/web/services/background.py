"""Figures that take a second to work out: in the background, now and then, while somebody looks."""

import logging
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Generic, TypeVar

from prefloop.web.http.errors import places

log = logging.getLogger("prefloop.web")

EVERY_SECONDS = 60.0
TURN_SECONDS = 0.0005
"""Python's threads take turns this often during a measurement, ten times as often as usual: who
answers a labeler waits for many turns, one after the other."""
REST = 19
"""So many times as long as a measurement took, the next one waits: labelers go first."""


Found = TypeVar("Found")


class Background(Generic[Found]):
    """The newest result of a measurement that is too slow for a request.

    Nothing is measured while nobody asks. A measurement that fails is logged, and the one before it
    stays: it says itself which time it is of.
    """

    def __init__(
        self,
        measure: Callable[[], Found],
        *,
        every_seconds: float = EVERY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._measure = measure
        self._every = every_seconds
        self._clock = clock
        self._turn = threading.Lock()
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="quality")
        self._running: Future[Found] | None = None
        self._latest: Found | None = None
        self._due = float("-inf")
        self._is_closed = False

    def latest(self) -> Found | None:
        """Return the newest result at once; None before the first. Begin a new one if it is old."""
        with self._turn:
            self._collect()
            is_due = self._clock() >= self._due
            if self._running is None and is_due and not self._is_closed:
                self._begin()
            return self._latest

    def soon(self, seconds: float) -> Found | None:
        """Return a result, and wait for it so long if there is none yet."""
        found = self.latest()
        running = self._running
        if found is not None or running is None:
            return found
        wait([running], timeout=seconds)
        return self.latest()

    def renew(self) -> None:
        """Measure anew when asked next: something was changed here."""
        with self._turn:
            self._due = float("-inf")

    def close(self) -> None:
        """Let a measurement that is under way come to its end, and begin no other."""
        with self._turn:
            self._is_closed = True
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _begin(self) -> None:
        self._due = self._clock() + self._every
        self._running = self._threads.submit(self._timed)

    def _timed(self) -> Found:
        begun, usual = time.thread_time(), sys.getswitchinterval()
        sys.setswitchinterval(TURN_SECONDS)
        try:
            return self._measure()
        finally:
            sys.setswitchinterval(usual)
            rest = REST * (time.thread_time() - begun)
            with self._turn:
                self._due = max(self._due, self._clock() + rest)

    def _collect(self) -> None:
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
            log.error("the figures could not be worked out: %s", " <- ".join(places(problem)))
