"""Rate limits for logins and stop requests."""

import threading
import time
from collections import deque
from collections.abc import Callable

from prefloop.text.normal_form import normal_form, typed_form

MOST_KEYS = 10_000
"""Most keys in memory: a flood of requests must not fill it."""


class RateLimit:
    """At most `most` tries per key within a sliding window of `seconds`."""

    def __init__(
        self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.most = most
        self.seconds = seconds
        self._clock = clock
        self._taken: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def take(self, key: str) -> float | None:
        """Count one try; return None, or the seconds to wait if there were too many."""
        now = self._clock()
        with self._lock:
            tries = self._recent(key, now)
            if len(tries) >= self.most:
                return tries[0] + self.seconds - now
            tries.append(now)
            # In the order of their last tries, so that the least recent key is dropped.
            self._taken.pop(key, None)
            self._taken[key] = tries
            if len(self._taken) > MOST_KEYS:
                del self._taken[next(iter(self._taken))]
            return None

    def give_back(self, key: str) -> None:
        """Undo the last count: the try was legitimate."""
        with self._lock:
            tries = self._taken.get(key)
            if tries:
                tries.pop()
                if not tries:
                    del self._taken[key]

    def _recent(self, key: str, now: float) -> deque[float]:
        tries = self._taken.get(key, deque())
        while tries and tries[0] <= now - self.seconds:
            tries.popleft()
        return tries


class LoginLimits:
    """Limits on failed logins per address, per name and in total."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = {
            "address": RateLimit(5, 60, clock),
            "name": RateLimit(5, 60, clock),
            "everybody": RateLimit(60, 60, clock),
        }

    def take(self, address: str, name: str) -> float | None:
        """Count a try before it is checked; return the seconds to wait if it is not allowed.

        Counting first also limits many concurrent guesses.
        """
        taken: list[tuple[str, str]] = []
        for kind, key in self._keys(address, name):
            wait = self._limits[kind].take(key)
            if wait is not None:
                for done, done_key in taken:
                    self._limits[done].give_back(done_key)
                return wait
            taken.append((kind, key))
        return None

    def give_back(self, address: str, name: str) -> None:
        """Undo the count of a login that succeeded."""
        for kind, key in self._keys(address, name):
            self._limits[kind].give_back(key)

    @staticmethod
    def _keys(address: str, name: str) -> list[tuple[str, str]]:
        named = [("name", normal_form(typed_form(name)))] if name else []
        return [("address", address), *named, ("everybody", "")]
