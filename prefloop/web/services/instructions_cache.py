"""The instructions, cached: the version in force, who must read it, and its HTML."""

import threading
import time
from collections.abc import Callable, Sequence
from functools import lru_cache

from prefloop.store.labeling.instructions import InstructionsBook
from prefloop.teamwork import Instructions
from prefloop.web.services.markdown import inert_tokens, render

CACHE_SECONDS = 2.0
"""How long versions are cached: another process may publish a new one."""


class InstructionsCache:
    """All versions of the instructions, cached."""

    def __init__(self, book: InstructionsBook, clock: Callable[[], float] = time.monotonic) -> None:
        self._book = book
        self._clock = clock
        self._versions: list[Instructions] = []
        self._until = 0.0
        self._lock = threading.Lock()

    def versions(self) -> list[Instructions]:
        """Return all versions, the one in force last."""
        with self._lock:
            if self._clock() >= self._until:
                self._versions = self._book.all()
                self._until = self._clock() + CACHE_SECONDS
            return self._versions

    def current(self) -> Instructions | None:
        """Return the version in force; None before the first was published."""
        versions = self.versions()
        return versions[-1] if versions else None

    def invalidate(self) -> None:
        """Query the store at the next call: a version was published."""
        with self._lock:
            self._until = 0.0

    def remembered(self) -> list[Instructions]:
        """Return all versions without a look at the store; none if they may have changed."""
        return self._versions if self._clock() < self._until else []

    def must_read(self, acknowledged: str | None) -> bool:
        """Whether a major version was published after the one that a labeler acknowledged."""
        versions = self.versions()
        return bool(versions) and must_read(versions, acknowledged)


def must_read(versions: Sequence[Instructions], acknowledged: str | None) -> bool:
    """Whether one of these versions, the newest last, must be read; yes where there are none."""
    known = [n for n, version in enumerate(versions) if version.version == acknowledged]
    newer = versions[known[0] + 1 :] if known else versions
    return not known or any(version.is_major for version in newer)


@lru_cache(maxsize=64)
def html(text: str) -> str:
    """Return Markdown as inert HTML; see `markdown.py`."""
    return render(inert_tokens(text))
