"""Prompts and samples as labelers may read them: Markdown, code and turns of a chat.

A model wrote them, so two locks hold: the parser emits no tag of theirs (`markdown.py`), and the
sanitizer nh3 lets through a few tags without attributes. The page shows the raw text at a click.
"""

import re
from functools import lru_cache

import nh3

from prefloop.text.decoding import text_fault
from prefloop.web.services.markdown import inert_tokens, render

MOST_CHARACTERS = 20_000
"""Longer texts are shown raw. The slowest text of this length that we know takes 0.2 s."""

TAGS = {
    *("p", "br", "hr", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "em"),
    *("strong", "table", "thead", "tbody", "tr", "th", "td"),
}

FIRST_HEADING = 4
"""Level of a text's own first headings: that of a sample on the page is 3."""

TURN = re.compile(r"(?:\A|\n\n)(Human|User|Assistant|System):[ \n]?")
"""How a turn of a dialogue begins, as in Anthropic's HH files."""


@lru_cache(maxsize=512)
def rendered(text: str) -> str | None:
    """Return a text as inert HTML; None where it is too long, empty or no text."""
    if len(text) > MOST_CHARACTERS or not text.strip() or text_fault(text) is not None:
        return None
    before, *turns = TURN.split(text)
    parts = [_html(before)] if before.strip() else []
    for who, said in zip(turns[::2], turns[1::2], strict=True):
        heading = f'<p class="turn-who">{who}</p>'
        parts.append(f'<section class="turn">{heading}{_html(said)}</section>')
    return "".join(parts)


def _html(text: str) -> str:
    tokens = inert_tokens(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1:]) + FIRST_HEADING - 1)}"
    return nh3.clean(render(tokens), tags=TAGS, attributes={})
