"""Texts of others made safe to store and print: they may hold what a terminal obeys."""

import unicodedata

TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Characters that turn the direction of what is read."""

UNSEEN = frozenset(["Zs", "Zl", "Zp", "Cc", "Cf"])
"""Categories of characters that show nothing by themselves: spaces, separators, controls, marks of
direction and of joining."""

REPLACEMENT = "\ufffd"

KEPT = "\n\t"


BLANK = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and signs that show nothing: fillers of Hangul, and Braille without a dot."""


def is_blank(text: str) -> bool:
    """Return whether a text shows nothing: no character, or such as have no width or no ink.

    >>> is_blank(" \\u200b\\n"), is_blank("\\u200b."), is_blank("")
    (True, False, True)
    """
    return all(c in BLANK or unicodedata.category(c) in UNSEEN for c in text)


def without_controls(text: str) -> str:
    """Return a text without control characters, and with LF at the ends of lines.

    >>> without_controls("fine\\r\\nuntil \\x1b[2J")
    'fine\\nuntil \ufffd[2J'
    """
    if text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(REPLACEMENT if _is_control(c) else c for c in text)


def printable(text: str) -> str:
    """Return a text without what a terminal obeys: it may quote a stranger's file or name.

    Also without what changes the direction of reading, and halves of characters, which no terminal
    takes.

    >>> printable("line 3: \\x1b[2J is no answer")
    'line 3: \ufffd[2J is no answer'
    """
    if text.isprintable():
        return text
    return "".join(
        REPLACEMENT if _is_control(c) or c in TURNING or unicodedata.category(c) == "Cs" else c
        for c in text
    )


def on_one_line(text: str) -> str:
    """Return a text as `printable` does, its lines joined: for lists and logs.

    >>> on_one_line("ann\\nerror: forged")
    'ann error: forged'
    """
    return " ".join(printable(text).split())


def _is_control(character: str) -> bool:
    return character not in KEPT and unicodedata.category(character) == "Cc"
