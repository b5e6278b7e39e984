"""Which articles of the news package train accuracy scorers, and which they judge."""

import re
from typing import Literal

from prefloop.seeding import stable_fraction
from prefloop.text.words import words

ScorerShare = Literal["accuracy", "accuracy_careful"]

_NO_LETTER = re.compile(r"[^a-z0-9]+")


def scorer_share(title: str, subtitle: str) -> ScorerShare | None:
    """Return the scorer that an article trains; None for those that prompts are made of.

    Prompts need a subtitle, to learn from and to compare with; so the articles without one train
    scorers and nothing else. Half of them, by the letters of the title, train each of the two:
    what labels and what judges have no article in common.

    >>> scorer_share("Rutte routs Wilders", "A win in the Netherlands.") is None
    True
    >>> scorer_share("Rutte routs Wilders", " ") == scorer_share("RUTTE routs -- Wilders", "")
    True
    """
    if words(subtitle):
        return None
    letters = _NO_LETTER.sub("", title.lower())
    return "accuracy" if stable_fraction(f"scorer {letters}") < 0.5 else "accuracy_careful"
