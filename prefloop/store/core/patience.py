"""A store that waits while its database cannot be reached, and then does what it was asked."""

import time
from collections.abc import Callable
from typing import Any, cast

from prefloop.errors import StoreAwayError
from prefloop.store.store import Store

POLL_SECONDS = 1.0
"""Between two attempts to reach a database that is away."""
SAY_SECONDS = 60.0
"""Between two reminders that it is still away."""


def patient(store: Store, say: Callable[[str], None]) -> Store:
    """Return the store in a form whose every method waits until the database answers.

    Every method is one transaction, and doing it again changes nothing: records have ids. So it
    does not matter whether the database went away before or after it had written.
    """
    return cast(Store, _Patient(store, say))


class _Patient:
    """Stands before a store, or before a part of it."""

    def __init__(self, inner: Any, say: Callable[[str], None]) -> None:
        self._inner = inner
        self._say = say

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return _Patient(found, self._say)

        def asked(*arguments: Any, **named: Any) -> Any:
            return _insist(lambda: found(*arguments, **named), self._say)

        return asked


def _insist(question: Callable[[], Any], say: Callable[[str], None]) -> Any:
    """Return what `question` returns, asking again until it does."""
    began = time.monotonic()
    told_at = None
    while True:
        try:
            answer = question()
        except StoreAwayError as error:
            now = time.monotonic()
            if told_at is None or now - told_at >= SAY_SECONDS:
                say(f"{error}\nThe run waits for it; nothing is lost.")
                told_at = now
            time.sleep(POLL_SECONDS)
        else:
            if told_at is not None:
                say(f"The store is back after {time.monotonic() - began:.0f} s.")
            return answer
