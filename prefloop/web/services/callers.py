"""Who is calling: a secret in, a person out, remembered for a few seconds."""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool

from prefloop.store.people.access import Access
from prefloop.teamwork import Person, Role

KEPT_SECONDS = 5.0
"""How long a caller is believed without asking the store. Somebody who was disabled by another
process gets in for as long at most; in this process at once not."""

KEPT_CALLERS = 4096


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Somebody whose secret was right."""

    person: Person
    secret: str = field(repr=False)
    csrf: str | None = field(default=None, repr=False)
    """None for a program: no browser sends its token by itself, so no page can forge with it."""

    @property
    def name(self) -> str:
        """What their labels are signed with."""
        return self.person.name

    @property
    def is_program(self) -> bool:
        """Whether a token was shown, not a cookie."""
        return self.csrf is None

    @property
    def role(self) -> Role:
        """What they may do: a program labels, whoever it belongs to."""
        return "labeler" if self.is_program else self.person.role


class Callers:
    """Finds callers in the store, and keeps those it found for a moment."""

    def __init__(self, access: Access, clock: Callable[[], float] = time.monotonic) -> None:
        self._access = access
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()
        self._turn = threading.Lock()
        self._forgotten = 0

    async def by_cookie(self, secret: str) -> Caller | None:
        """Return who has this session; None if it has ended."""
        kept = self._prefix_cache(_key("cookie", secret))
        return kept or await run_in_threadpool(self._session, secret)

    async def by_token(self, secret: str) -> Caller | None:
        """Return whose token this is; None if it is nobody's, or was revoked."""
        kept = self._prefix_cache(_key("token", secret))
        return kept or await run_in_threadpool(self._program, secret)

    def forget(self, secret: str) -> None:
        """Ask the store again at this secret's next call: its session has ended."""
        with self._turn:
            self._forgotten += 1
            self._kept.pop(_key("cookie", secret), None)

    def forget_all(self) -> None:
        """Ask the store again at everybody's next call: somebody was disabled, or a token ended."""
        with self._turn:
            self._forgotten += 1
            self._kept.clear()

    def _prefix_cache(self, key: bytes) -> Caller | None:
        with self._turn:
            until, caller = self._kept.get(key, (0.0, None))
        return caller if self._clock() < until else None

    def _session(self, secret: str) -> Caller | None:
        forgotten = self._forgotten
        session = self._access.session(secret)
        if session is None:
            return None
        caller = Caller(person=session.person, secret=secret, csrf=session.csrf)
        return self._keep(_key("cookie", secret), caller, forgotten)

    def _program(self, secret: str) -> Caller | None:
        forgotten = self._forgotten
        person = self._access.by_token(secret)
        if person is None:
            return None
        return self._keep(_key("token", secret), Caller(person=person, secret=secret), forgotten)

    def _keep(self, key: bytes, caller: Caller, forgotten: int) -> Caller:
        with self._turn:
            # Whoever logged out while the store was being asked must not come back from here.
            if forgotten == self._forgotten:
                self._kept[key] = (self._clock() + KEPT_SECONDS, caller)
                while len(self._kept) > KEPT_CALLERS:
                    self._kept.popitem(last=False)
        return caller


def _key(kind: str, secret: str) -> bytes:
    # A cookie's secret is no token and a token no cookie, also here.
    return hashlib.sha256(f"{kind} {secret}".encode()).digest()
