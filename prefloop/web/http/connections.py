"""How many connections a server keeps, and how long one may let it wait for a request.

Clients send a request within milliseconds. Whoever opens connections and sends nothing, or half a
request, or does not read the answer, would otherwise hold a file handle each until none is left for
the page and the database (slowloris).
"""

import asyncio
import logging
import resource
from collections.abc import Callable
from typing import Protocol

from uvicorn.server import ServerState

log = logging.getLogger("prefloop.web")

WAIT_SECONDS = 30.0
"""Longest time from opening a connection, or from the last answer, to the end of a request."""

MOST_CONNECTIONS = 2048
FEWEST_CONNECTIONS = 16


class Closable(Protocol):
    """A connection."""

    def abort(self) -> None:
        """Close it at once."""


class Timers(Protocol):
    """What is needed of an event loop."""

    def time(self) -> float:
        """Return the seconds of its clock."""

    def call_later(self, delay: float, callback: Callable[[], None], /) -> object:
        """Call back after so many seconds."""


class Connections:
    """The open connections of a server; those that wait for their client, the longest first."""

    def __init__(
        self,
        most: int,
        *,
        wait_seconds: float = WAIT_SECONDS,
        loop: Callable[[], Timers] = asyncio.get_running_loop,
    ) -> None:
        self.most = most
        self._wait_seconds = wait_seconds
        self._loop = loop
        self._n_open = 0
        self._waiting: dict[Closable, float] = {}
        self._timer: object = None

    def opened(self, connection: Closable) -> None:
        """Count a connection; at the limit close the one that has waited longest for its client."""
        self._n_open += 1
        self.wait_for(connection)
        if self._n_open > self.most:
            log.warning(
                "closed the connection that was idle longest: only %d may be open", self.most
            )
            self._close(next(iter(self._waiting)))

    def closed(self, connection: Closable) -> None:
        """Forget a connection."""
        self._n_open -= 1
        self._waiting.pop(connection, None)

    def wait_for(self, connection: Closable) -> None:
        """Start the time that its client has."""
        if connection not in self._waiting:
            self._waiting[connection] = self._loop().time()
            if self._timer is None:
                self._set_timer(self._wait_seconds)

    def work_for(self, connection: Closable) -> None:
        """Stop that time: the next move is the server's."""
        self._waiting.pop(connection, None)

    def _close_late(self) -> None:
        """Close those whose time is over; look again when that of the next one is."""
        self._timer = None
        now = self._loop().time()
        while self._waiting:
            first, since = next(iter(self._waiting.items()))
            left = since + self._wait_seconds - now
            if left > 0:
                self._set_timer(left)
                return
            self._close(first)

    def _set_timer(self, seconds: float) -> None:
        self._timer = self._loop().call_later(seconds, self._close_late)

    def _close(self, connection: Closable) -> None:
        del self._waiting[connection]
        connection.abort()


class LimitedState(ServerState):
    """What the connections of a server share, with its limits."""

    def __init__(self, limits: Connections) -> None:
        super().__init__()
        self.limits = limits


def most_connections() -> int:
    """Return how many connections this process can keep: half of its file handles.

    The other half is for the database, the page's own files, and what is accepted at once.
    """
    handles, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if handles == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(FEWEST_CONNECTIONS, min(MOST_CONNECTIONS, handles // 2))
