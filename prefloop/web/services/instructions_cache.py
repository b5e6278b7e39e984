"""The instructions: which are in force, who must read them first, and how they look on a page."""

import threading
import time
from collections.abc import Callable
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from prefloop.store.labeling.instructions import InstructionsBook
from prefloop.teamwork import Instructions

KEPT_SECONDS = 2.0
"""Another process may publish a new version; so often the store is asked."""


class InstructionsCache:
    """All versions of the instructions, remembered for a moment."""

    def __init__(self, book: InstructionsBook, clock: Callable[[], float] = time.monotonic) -> None:
        self._book = book
        self._clock = clock
        self._versions: list[Instructions] = []
        self._until = 0.0
        self._turn = threading.Lock()

    def versions(self) -> list[Instructions]:
        """Return all versions, the one in force last."""
        with self._turn:
            if self._clock() >= self._until:
                self._versions = self._book.all()
                self._until = self._clock() + KEPT_SECONDS
            return self._versions

    def current(self) -> Instructions | None:
        """Return the version in force; None before the first was published."""
        versions = self.versions()
        return versions[-1] if versions else None

    def forget(self) -> None:
        """Ask the store the next time: a version was published here."""
        with self._turn:
            self._until = 0.0

    def must_read(self, acknowledged: str | None) -> bool:
        """Say whether a major version came after the one that somebody acknowledged."""
        versions = self.versions()
        known = [n for n, version in enumerate(versions) if version.version == acknowledged]
        news = versions[known[0] + 1 :] if known else versions
        return any(version.is_major for version in news) or (not known and bool(versions))


@lru_cache(maxsize=64)
def html(text: str) -> str:
    """Return Markdown as HTML that cannot do anything: no tags of its own, no images, no links.

    A link becomes its text and its address in full; whoever wants to go there can see where.
    """
    tokens = _markdown().parse(text)
    for token in tokens:
        # The alignment of a table's column would be a style inside the page, which is refused.
        token.attrs.pop("style", None)
        targets: list[str] = []
        token.children = [_inert(child, targets) for child in token.children or []]
    return str(_markdown().renderer.render(tokens, _markdown().options, {}))


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def _inert(token: Token, targets: list[str]) -> Token:
    """Return a token that shows what it would have fetched or opened."""
    if token.type == "link_open":
        targets.append(str(token.attrs.get("href", "")))
        return _text("")
    if token.type == "link_close":
        return _text(f" ({targets.pop()})")
    if token.type == "image":
        return _text(f"{token.content} ({token.attrs.get('src', '')})")
    return token


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)
