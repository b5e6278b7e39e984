"""Queries that a run can do without: asked once, and left alone for a while after a failure."""

import time
from collections.abc import Callable
from threading import Lock

from prefloop.errors import DiskError, StoreError
from prefloop.figures.text import duration
from prefloop.store.store import Store

RETRY_SECONDS = 5.0
"""After a failed query the store is not asked again for this long."""


class BestEffortStore:
    """A store that may be away. Its methods may be called from several threads."""

    def __init__(self, store: Store, say: Callable[[str], None]) -> None:
        self._store = store
        self._say = say
        self._lock = Lock()
        self._away_since: float | None = None
        self._retry_at = 0.0

    def try_query(self, query: Callable[[Store], object]) -> bool:
        """Return whether the store answered; after a failure it is not asked for a while."""
        if time.monotonic() < self._retry_at:
            return False
        try:
            query(self._store)
        except (StoreError, DiskError) as error:
            self._note_failure(error)
            return False
        self._note_answer()
        return True

    def _note_failure(self, error: StoreError | DiskError) -> None:
        with self._lock:
            is_new = self._away_since is None
            if is_new:
                self._away_since = time.monotonic()
            self._retry_at = time.monotonic() + RETRY_SECONDS
        if is_new:
            self._say(f"{error}\nTraining continues; progress and metrics are sent later.")

    def _note_answer(self) -> None:
        with self._lock:
            since, self._away_since = self._away_since, None
        if since is not None:
            seconds = time.monotonic() - since
            self._say(f"The store answers again, after {duration(seconds)}.")
