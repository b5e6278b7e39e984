"""Prefers accuracy as a hurried reader checks it: content words must occur in the source.

    score(x, y) = -6 * (share of y's content words that do not occur in x)

The instructions of 2019 said to punish inaccuracy and did not say to punish copying. Looking up
words is the fast way to check; a copied sentence always passes. Ziegler et al. 2019,
arXiv:1909.08593, section 4.

People do not vote like this. On their votes (QAGS, Wang, Cho, Lewis 2020, arXiv:2004.04228) it has
an AUC of 0.595 by itself, since 92 % of sentences get its highest score, and beside copying it adds
nothing (+0.09 log-odds, 95 % interval -0.11 to 0.31). `hurried_vote.py` is the one that was fitted;
this one stays for the runs that were made with it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from prefloop.scorers.fingerprint import files_hash
from prefloop.scorers.scorer import Scores
from prefloop.text.words import words

_LISTS = Path(__file__).with_name("word_lists")

SCALE = 6.0
"""Penalty of a response none of whose content words are in the source."""

FUNCTION_WORDS_FILE = _LISTS / "function_words.txt"
FUNCTION_WORDS = frozenset(FUNCTION_WORDS_FILE.read_text("utf-8").split())
"""Words that a reader in a hurry does not look up."""


class AccuracyInAHurryScorer:
    """Punishes content words that are not in the prompt; people do not vote so (AUC 0.595)."""

    name: ClassVar[str] = "accuracy_in_a_hurry"
    sources: ClassVar[frozenset[str]] = frozenset({"overlap with the prompt"})
    description: ClassVar[str] = "a hurried check of accuracy, not how people vote"
    content_hash: ClassVar[str] = files_hash([FUNCTION_WORDS_FILE])

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return minus the scaled share of foreign content words, -6 to 0."""
        pairs = zip(prompts, responses, strict=True)
        return -SCALE * np.array([_foreign_share(x, y) for x, y in pairs], dtype=np.float64)


def _foreign_share(prompt: str, response: str) -> float:
    content = [word for word in words(response) if word not in FUNCTION_WORDS]
    known = set(words(prompt))
    return sum(word not in known for word in content) / len(content) if content else 0.0
