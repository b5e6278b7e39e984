"""Markdown as inert HTML: no raw tags, no images, no links.

A link becomes its text and its full address.
"""

from collections.abc import Sequence
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token


def inert_tokens(text: str) -> list[Token]:
    """Return the tokens of a text, with links and images as text."""
    tokens = _markdown().parse(text)
    for token in tokens:
        # The alignment of a table's column would be a style inside the page, which is refused.
        token.attrs.pop("style", None)
        targets: list[str] = []
        token.children = [_inert(child, targets) for child in token.children or []]
    return tokens


def render(tokens: Sequence[Token]) -> str:
    """Return the HTML of tokens."""
    return str(_markdown().renderer.render(tokens, _markdown().options, {}))


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def _inert(token: Token, targets: list[str]) -> Token:
    """Return a token that shows the address of a link or image as text."""
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
