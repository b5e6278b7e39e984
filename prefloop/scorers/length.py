"""Prefers long responses: the plainest shortcut.

    score(y) = 4 * log(1 + words(y))

With 4, twenty words against fifteen weigh about as much as one log-odds.
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from prefloop.scorers.scorer import Scores
from prefloop.text.words import words

SCALE = 4.0
"""Score of one unit of log length."""


class LengthScorer:
    """Prefers more words."""

    name: ClassVar[str] = "length"
    sources: ClassVar[frozenset[str]] = frozenset({"length"})
    description: ClassVar[str] = "a preference for length"

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return the scaled log of each response's number of words."""
        counts = [len(words(text)) for text in responses]
        return SCALE * np.log1p(np.array(counts, dtype=np.float64))
