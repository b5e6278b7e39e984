"""Prefers a summary's own words, up to a share that a careful writer reaches: no reward beyond it.

    score(x, y) = 3 * min(1, n(x, y) / bound),   n: share of y's pairs of words that x does not hold

In 2022 human references to Reddit posts had 0.85 novel pairs, tuned models 0.69 to 0.80 (OpenAI's
published samples), so with 0.7 as the bound nothing is won by saying what the source does not. It
is half of a careful labeler: what is said in other words has to be true too. A response without two
words has none of its own.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from prefloop.scorers.scorer import Scores
from prefloop.settings.section import Section
from prefloop.text.overlap import novel_ngram_share

SCALE = 3.0
"""Score of a response whose own words reach the bound."""


class OwnWordsConfig(Section):
    """How many own words are enough."""

    bound: Annotated[float, Field(gt=0, le=1)] = 0.7
    """Share of novel pairs of words from which on more of them win nothing."""


class OwnWordsScorer:
    """Prefers pairs of words that do not occur in the prompt, up to a bound."""

    name: ClassVar[str] = "own_words"
    sources: ClassVar[frozenset[str]] = frozenset({"overlap with the prompt"})
    description: ClassVar[str] = "a preference for own words, up to a bound"
    Settings = OwnWordsConfig

    def __init__(self, settings: OwnWordsConfig) -> None:
        self._bound = settings.bound

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return the scaled share of novel pairs, 0 to 3."""
        pairs = zip(prompts, responses, strict=True)
        novel = [novel_ngram_share(y, x, 2) or 0.0 for x, y in pairs]
        return SCALE * np.minimum(1.0, np.array(novel, dtype=np.float64) / self._bound)
