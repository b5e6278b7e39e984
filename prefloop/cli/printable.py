"""Texts of others made safe to print: names, files and answers may hold what a terminal obeys."""

import unicodedata

TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Characters that turn the direction of what is read."""


def printable(text: str) -> str:
    """Return a text without what a terminal obeys: it may quote a stranger's file or name.

    >>> printable("line 3: \\x1b[2J is no answer")
    'line 3: \ufffd[2J is no answer'
    """
    return "".join(
        c if c in "\n\t" or (unicodedata.category(c) != "Cc" and c not in TURNING) else "\ufffd"
        for c in text
    )
