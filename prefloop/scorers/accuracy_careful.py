"""The accuracy that careful synthetic labelers look for: another check than the judge's.

    score(x, y) = mean over sentences s of y of the log-odds that x supports s

As `accuracy.py`, from other features (`claims/pairs.py`) and fitted to other articles, so that a
judge named `accuracy` had no part in the labels. Both were fitted to errors that the same rules
planted: how far they agree on claims is in docs/labelers.md.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from prefloop.functional.votes import mean_log_odds
from prefloop.scorers.accuracy_in_a_hurry import FUNCTION_WORDS_FILE
from prefloop.scorers.claims.fitted import read_check
from prefloop.scorers.claims.pairs import PAIR_FEATURES, PairSource, pair_features
from prefloop.scorers.fingerprint import files_hash
from prefloop.scorers.scorer import Scores
from prefloop.text.overlap import copied_share
from prefloop.text.words import sentences

WEIGHTS = Path(__file__).parent / "claims" / "accuracy_careful.json"


class AccuracyCarefulScorer:
    """Prefers summaries whose words stand together as they do in the prompt."""

    name: ClassVar[str] = "accuracy_careful"
    sources: ClassVar[frozenset[str]] = frozenset({"planted errors in news for labelers"})
    description: ClassVar[str] = "a careful check of accuracy by pairs of words"
    content_hash: ClassVar[str] = files_hash([WEIGHTS, FUNCTION_WORDS_FILE])

    def __init__(self) -> None:
        self._check = read_check(WEIGHTS, PAIR_FEATURES)

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return the mean log-odds of the sentences of each response."""
        pairs = zip(prompts, responses, strict=True)
        return np.array([self._supported(x, y) for x, y in pairs], dtype=np.float64)

    def _supported(self, prompt: str, response: str) -> float:
        claims, source = sentences(response), _source(prompt)
        if not claims:
            nothing = np.array([float(name == "unknown_pairs") for name in PAIR_FEATURES])
            return self._check.log_odds(nothing, 0.0)
        log_odds = [
            self._check.log_odds(pair_features(claim, source), copied_share(claim, prompt))
            for claim in claims
        ]
        return mean_log_odds(np.array(log_odds))


_source = lru_cache(maxsize=64)(PairSource)
"""Responses to one prompt come one after the other."""
