"""Whether a summary is supported by its source: errors of names, numbers, negation and roles.

    score(x, y) = mean over sentences s of y of the log-odds that x supports s

So one copied sentence and four score alike: the log-odds that all of them hold would fall with
their number, and a policy that writes less would win by that.

Each sentence has the log-odds of a logistic regression on what the source does not bear out
(`claims/features.py`): names and numbers that it lacks or that stand beside other words there,
words that changed sides around what they are said of, and negations that came or went. It was
fitted to true sentences of news, their rule-made paraphrases, and errors planted into both
(`scorer_training/train_accuracy.py`), on articles that no prompt is made of
(`claims/articles.py:scorer_share`). What is copied has no advantage: no feature counts words that
the source lacks, and what a copy would still gain over a paraphrase of the same content is taken
off (after Ladhak et al. 2022, arXiv:2108.13684: accuracy counts against a control that copies as
much).

What it finds and what it does not judge is in docs/labelers.md. It reads English only. A response
without a sentence has the score of a claim that shares no word with its source.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from prefloop.functional.votes import mean_log_odds
from prefloop.scorers.accuracy_in_a_hurry import FUNCTION_WORDS_FILE
from prefloop.scorers.claims.features import FEATURES, claim_features
from prefloop.scorers.claims.fitted import read_check
from prefloop.scorers.claims.source import ClaimSource, read_source
from prefloop.scorers.claims.tokens import GRAMMAR_FILE, parse
from prefloop.scorers.fingerprint import files_hash
from prefloop.scorers.scorer import Scores
from prefloop.text.overlap import copied_share
from prefloop.text.words import sentences

WEIGHTS = Path(__file__).parent / "claims" / "accuracy.json"


class AccuracyScorer:
    """Prefers summaries whose names, numbers, negations and roles the prompt supports."""

    name: ClassVar[str] = "accuracy"
    sources: ClassVar[frozenset[str]] = frozenset({"planted errors in news for judges"})
    description: ClassVar[str] = "a check of names, numbers, negations and roles with the source"
    content_hash: ClassVar[str] = files_hash([WEIGHTS, GRAMMAR_FILE, FUNCTION_WORDS_FILE])

    def __init__(self) -> None:
        self._check = read_check(WEIGHTS, FEATURES)

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return the mean log-odds of the sentences of each response."""
        pairs = zip(prompts, responses, strict=True)
        return np.array([self._supported(_source(x), y) for x, y in pairs], dtype=np.float64)

    def _supported(self, source: ClaimSource, response: str) -> float:
        claims = sentences(response)
        if not claims:
            nothing = np.array([float(name == "unsupported") for name in FEATURES])
            return self._check.log_odds(nothing, 0.0)
        parsed = parse(response, source.text)
        log_odds = [
            self._check.log_odds(claim_features(tokens, source), copied_share(text, source.text))
            for tokens, text in zip(parsed, claims, strict=True)
        ]
        return mean_log_odds(np.array(log_odds))


_source = lru_cache(maxsize=64)(read_source)
"""Responses to one prompt come one after the other."""
