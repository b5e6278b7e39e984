"""A store whose methods wait while the database cannot be reached, and then run."""

import time
from collections.abc import Callable
from typing import Any, cast

from prefloop.errors import StoreAwayError
from prefloop.store.store import Store

POLL_SECONDS = 1.0
"""Between two attempts to reach the database."""
SAY_SECONDS = 60.0
"""Between two messages that it still cannot be reached."""


def patient(store: Store, say: Callable[[str], None]) -> Store:
    """Return a proxy of the store whose every method is retried until the database answers.

    Every method is one idempotent transaction, because records have ids. So it does not matter
    whether the connection was lost before or after the commit.
    """
    return cast(Store, _Patient(store, say))


class _Patient:
    """A proxy of a store or of a part of it."""

    def __init__(self, inner: Any, say: Callable[[str], None]) -> None:
        self._inner = inner
        self._say = say

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return _Patient(found, self._say)

        def retried(*arguments: Any, **named: Any) -> Any:
            return _retry(lambda: found(*arguments, **named), self._say)

        return retried


def _retry(method: Callable[[], Any], say: Callable[[str], None]) -> Any:
    """Return what `method` returns, called again while the database cannot be reached."""
    began = time.monotonic()
    said_at = None
    while True:
        try:
            result = method()
        except StoreAwayError as error:
            now = time.monotonic()
            if said_at is None or now - said_at >= SAY_SECONDS:
                say(f"{error}\nThe run waits for it; nothing is lost.")
                said_at = now
            time.sleep(POLL_SECONDS)
        else:
            if said_at is not None:
                say(f"The store is back after {time.monotonic() - began:.0f} s.")
            return result
