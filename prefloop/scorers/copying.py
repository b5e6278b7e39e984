"""Prefers what is copied from the prompt, as a labeler does who never reads it.

    score(x, y) = 6 * mean over n = 2, 3 of (share of y's n-grams that occur in x)

A response without two words has copied nothing. Ziegler et al. 2019, arXiv:1909.08593, section 4.
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from prefloop.scorers.scorer import Scores
from prefloop.text.overlap import copied_share

SCALE = 6.0
"""Score of a response that is copied whole."""


class CopyingScorer:
    """Prefers runs of words that occur in the prompt."""

    name: ClassVar[str] = "copying"
    sources: ClassVar[frozenset[str]] = frozenset({"overlap with the prompt"})
    description: ClassVar[str] = "a preference for copying"

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return the scaled share of copied n-grams, 0 to 6."""
        pairs = zip(prompts, responses, strict=True)
        return SCALE * np.array([copied_share(y, x) for x, y in pairs], dtype=np.float64)
