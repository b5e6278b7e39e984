"""Prefers what people in a hurry call accurate: sentence by sentence, fitted to their votes.

    score(x, y) = mean over sentences s of y of (-1.0 + 0.33 c(s) + 2.04 v(s))

c(s) is 6 times the mean share of the sentence's 2- and 3-grams that occur in x, v(s) is 1 if the
whole sentence does; both by the words of `prefloop/text/words.py`. Asked "is this sentence
supported by the article?", workers of Mechanical Turk said yes to 96.2 % of copied sentences (756
votes) and to 59.0 % of others (1,383 votes) of summaries of CNN/DM; the fit is
`prefloop/functional/votes.py`. A response without a sentence has copied nothing. QAGS: Wang, Cho,
Lewis 2020, arXiv:2004.04228.
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from prefloop.functional.votes import COPIED, INTERCEPT, VERBATIM, mean_log_odds, vote_log_odds
from prefloop.scorers.scorer import Scores
from prefloop.settings.section import Finite, Section
from prefloop.text.overlap import copied_share, is_verbatim
from prefloop.text.words import sentences

VOTES = (
    "votes of Mechanical Turk workers on whether a sentence is supported by its article (QAGS, "
    "Wang, Cho and Lewis 2020)"
)


class HurriedVoteConfig(Section):
    """The coefficients of the vote; the defaults are those that were fitted."""

    intercept: Finite = INTERCEPT
    """Log-odds of "supported" for a sentence of which nothing is copied."""

    copied: Finite = COPIED
    """Log-odds per unit of copied pairs and triples of words; a copied sentence has 6 units."""

    verbatim: Finite = VERBATIM
    """Log-odds more for a sentence that stands whole in the prompt (interval 1.58 to 2.64)."""


class HurriedVoteScorer:
    """Prefers sentences that people voted to be supported: the more of it is copied, the more."""

    name: ClassVar[str] = "hurried_vote"
    sources: ClassVar[frozenset[str]] = frozenset({"overlap with the prompt"})
    description: ClassVar[str] = "people's votes on accuracy, which reward copying"
    Settings = HurriedVoteConfig

    def __init__(self, settings: HurriedVoteConfig) -> None:
        self._settings = settings

    @staticmethod
    def calibrated_on(settings: HurriedVoteConfig) -> str:
        """Return the votes, and which coefficients are not those that were fitted to them."""
        fitted = HurriedVoteConfig().model_dump()
        changed = [
            f"{name} {value:g}, fitted {fitted[name]:g}"
            for name, value in settings.model_dump().items()
            if value != fitted[name]
        ]
        return VOTES + (f"; changed here: {', '.join(changed)}" if changed else "")

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return the mean log-odds of the sentences of each response."""
        pairs = zip(prompts, responses, strict=True)
        return np.array([self._mean(x, y) for x, y in pairs], dtype=np.float64)

    def _mean(self, prompt: str, response: str) -> float:
        parts = sentences(response)
        if not parts:
            return self._settings.intercept
        log_odds = vote_log_odds(
            np.array([copied_share(part, prompt) for part in parts]),
            np.array([is_verbatim(part, prompt) for part in parts]),
            **self._settings.model_dump(),
        )
        return mean_log_odds(log_odds)
