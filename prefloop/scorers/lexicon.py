"""Log-odds-like sentiment from VADER's word list and rules; the usual held-out judge of sentiment.

    score(y) = log((1 + c) / (1 - c)),   c = 0.99 * compound(y)

`compound` lies in [-1, 1]; the map stretches its ends to about -5.3 and 5.3.
It shares no parameter with the classifier in `sentiment.py`: its word values come from ten
raters of single words, its rules from the authors. Hutto & Gilbert 2014.
"""

from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import ClassVar

import numpy as np
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from prefloop.scorers.scorer import Scores

SHRINK = 0.99
"""Keeps a compound of 1 finite."""


@cache
def _analyzer() -> SentimentIntensityAnalyzer:
    """Return VADER, which reads its word list in a twentieth of a second and keeps no state."""
    return SentimentIntensityAnalyzer()


class LexiconScorer:
    """Prefers positive words, as VADER counts them."""

    name: ClassVar[str] = "lexicon"
    sources: ClassVar[frozenset[str]] = frozenset({"rated words"})
    description: ClassVar[str] = "a list of rated words"
    calibrated_on: ClassVar[str] = (
        "words with ratings of ten people each (Hutto and Gilbert 2014); its scale was chosen"
    )
    content_hash: ClassVar[str] = f"vaderSentiment {version('vaderSentiment')}"

    def __init__(self) -> None:
        self._analyzer = _analyzer()

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return the compound of each response on a log-odds scale."""
        compounds = [self._analyzer.polarity_scores(text)["compound"] for text in responses]
        return 2.0 * np.arctanh(SHRINK * np.array(compounds, dtype=np.float64))
