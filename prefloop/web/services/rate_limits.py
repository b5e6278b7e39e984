"""Rate limits for logins and stop requests."""

import ipaddress
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
    """Limits on wrong passwords: whoever mistypes locks out nobody else.

    The first limit counts one name from one address. A guesser who tries many names from one
    address, or one name from many addresses, meets wider ones. Those do not count for a person at
    an address from which that person has logged in before, so that a flood of guesses keeps nobody
    out (OWASP, device cookies).
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._of_person = RateLimit(5, 60, clock)
        self._of_name = RateLimit(30, 60, clock)
        self._of_address = RateLimit(30, 60, clock)
        self._known: dict[str, None] = {}
        self._lock = threading.Lock()

    def take(self, address: str, name: str) -> float | None:
        """Count a try before it is checked; return the seconds to wait if it is not allowed.

        Counting first also limits many concurrent guesses.
        """
        taken: list[tuple[RateLimit, str]] = []
        for limit, key in self._limits(address, name):
            wait = limit.take(key)
            if wait is not None:
                for done, done_key in taken:
                    done.give_back(done_key)
                return wait
            taken.append((limit, key))
        return None

    def succeed(self, address: str, name: str) -> None:
        """Undo the count of a login that succeeded, and remember the address as this person's."""
        for limit, key in self._limits(address, name):
            limit.give_back(key)
        with self._lock:
            pair = _pair(address, name)
            self._known.pop(pair, None)
            self._known[pair] = None
            if len(self._known) > MOST_KEYS:
                del self._known[next(iter(self._known))]

    def _limits(self, address: str, name: str) -> list[tuple[RateLimit, str]]:
        pair = _pair(address, name)
        own = [(self._of_person, pair)]
        with self._lock:
            is_known = pair in self._known
        if is_known:
            return own
        return [*own, (self._of_name, _typed(name)), (self._of_address, _network(address))]


def _typed(name: str) -> str:
    return normal_form(typed_form(name))


def _pair(address: str, name: str) -> str:
    return f"{_network(address)} {_typed(name)}"


def _network(address: str) -> str:
    """Return an address as it is counted: a network of IPv6 (/64) belongs to one customer."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), 64), strict=False))
