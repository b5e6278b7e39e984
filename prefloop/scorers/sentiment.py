"""Log-odds that a text is positive, from a classifier trained on rated reviews.

    score(y) = w_words . f_words(y) + w_characters . f_characters(y) + bias

f are signed hashed counts (words: 1-2-grams; characters: 3-5-grams inside words), damped by
log(1 + count) and scaled to length 1. As in Ziegler et al. 2019 (arXiv:1909.08593, section 3.1.1)
the reward is the log-odds, not the probability, so that it does not saturate. The response alone is
read: the prompt is the same for all responses that are compared.

The weights come from `scorer_training/train_sentiment.py`; data: Hutto & Gilbert 2014 (see
LICENSES.md).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import HashingVectorizer

from prefloop.scorers.fingerprint import files_hash
from prefloop.scorers.scorer import Scores

WEIGHTS = Path(__file__).with_name("sentiment.safetensors")
N_FEATURES = 2**17
"""Hash buckets of each of the two views."""

_WORDS = HashingVectorizer(
    ngram_range=(1, 2),
    n_features=N_FEATURES,
    norm=None,
    token_pattern=r"(?u)\b\w[\w']*\b|[!?:;()]+",
)
_CHARACTERS = HashingVectorizer(
    analyzer="char_wb", ngram_range=(3, 5), n_features=N_FEATURES, norm=None
)


def features(texts: Sequence[str]) -> csr_matrix:
    """Return one sparse row per text: the word view, then the character view."""
    return csr_matrix(hstack([_view(_WORDS, texts), _view(_CHARACTERS, texts)]))


class SentimentScorer:
    """Prefers what the classifier takes for positive."""

    name: ClassVar[str] = "sentiment"
    sources: ClassVar[frozenset[str]] = frozenset({"rated sentences"})
    description: ClassVar[str] = "a sentiment classifier"
    calibrated_on: ClassVar[str] = (
        "15,607 sentences with 15 or more ratings each (Hutto and Gilbert 2014)"
    )

    def __init__(self, path: Path = WEIGHTS) -> None:
        self.content_hash = files_hash([path])
        tensors = load_file(path)
        self._words: NDArray[np.float64] = tensors["words"].astype(np.float64)
        self._characters: NDArray[np.float64] = tensors["characters"].astype(np.float64)
        self._bias = float(tensors["bias"][0])

    def score(self, prompts: Sequence[str], responses: Sequence[str]) -> Scores:
        """Return the log-odds of "positive" of each response."""
        if not responses:
            return np.zeros(0)
        words = _view(_WORDS, responses) @ self._words
        characters = _view(_CHARACTERS, responses) @ self._characters
        return np.asarray(words + characters + self._bias, dtype=np.float64)


def _view(vectorizer: HashingVectorizer, texts: Sequence[str]) -> csr_matrix:
    view = vectorizer.transform(texts)
    damped = np.sign(view.data) * np.log1p(np.abs(view.data))
    row = np.repeat(np.arange(len(texts)), np.diff(view.indptr))
    length = np.sqrt(np.bincount(row, weights=damped**2, minlength=len(texts)))
    view.data = damped / np.maximum(length, np.finfo(np.float64).tiny)[row]
    return view
