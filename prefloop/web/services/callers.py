"""Callers by their cookie or token, cached for a few seconds."""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool

from prefloop.store.people.access import Access
from prefloop.teamwork import Person, Role

CACHE_SECONDS = 5.0
"""How long a caller is cached. An account disabled by another process is admitted for at most this
long; one disabled by this process is refused at once."""

MOST_CALLERS = 4096


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The person or program that sent a request."""

    person: Person
    secret: str = field(repr=False)
    csrf: str | None = field(default=None, repr=False)
    """None for a program: browsers do not send its token by themselves, so it cannot be forged."""

    @property
    def name(self) -> str:
        """The name with which their labels are signed."""
        return self.person.name

    @property
    def is_program(self) -> bool:
        """Whether the request has a token, not a cookie."""
        return self.csrf is None

    @property
    def role(self) -> Role:
        """Their role; a program is a labeler, whatever the role of its owner."""
        return "labeler" if self.is_program else self.person.role


class Callers:
    """Looks up callers in the store, with a cache."""

    def __init__(self, access: Access, clock: Callable[[], float] = time.monotonic) -> None:
        self._access = access
        self._clock = clock
        self._cache: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()
        self._lock = threading.Lock()
        self._n_forgotten = 0

    async def by_cookie(self, secret: str) -> Caller | None:
        """Return the caller of a session; None if it has ended."""
        cached = self._cached(_key("cookie", secret))
        return cached or await run_in_threadpool(self._session, secret)

    async def by_token(self, secret: str) -> Caller | None:
        """Return the caller of a token; None if it is unknown or was revoked."""
        cached = self._cached(_key("token", secret))
        return cached or await run_in_threadpool(self._program, secret)

    def forget(self, secret: str) -> None:
        """Drop a session from the cache: it has ended."""
        with self._lock:
            self._n_forgotten += 1
            self._cache.pop(_key("cookie", secret), None)

    def forget_all(self) -> None:
        """Empty the cache: an account was disabled, or a token revoked."""
        with self._lock:
            self._n_forgotten += 1
            self._cache.clear()

    def _cached(self, key: bytes) -> Caller | None:
        with self._lock:
            until, caller = self._cache.get(key, (0.0, None))
        return caller if self._clock() < until else None

    def _session(self, secret: str) -> Caller | None:
        n_forgotten = self._n_forgotten
        session = self._access.session(secret)
        if session is None:
            return None
        caller = Caller(person=session.person, secret=secret, csrf=session.csrf)
        return self._store(_key("cookie", secret), caller, n_forgotten)

    def _program(self, secret: str) -> Caller | None:
        n_forgotten = self._n_forgotten
        person = self._access.by_token(secret)
        if person is None:
            return None
        return self._store(_key("token", secret), Caller(person=person, secret=secret), n_forgotten)

    def _store(self, key: bytes, caller: Caller, n_forgotten: int) -> Caller:
        with self._lock:
            # A session that ended during the query must not enter the cache.
            if n_forgotten == self._n_forgotten:
                self._cache[key] = (self._clock() + CACHE_SECONDS, caller)
                while len(self._cache) > MOST_CALLERS:
                    self._cache.popitem(last=False)
        return caller


def _key(kind: str, secret: str) -> bytes:
    # The secret of a cookie must not work as a token, nor the other way round.
    return hashlib.sha256(f"{kind} {secret}".encode()).digest()
