"""The classifier knows good from bad, is fast, and is not the lexicon."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from prefloop.scorers.lexicon import LexiconScorer
from prefloop.scorers.sentiment import WEIGHTS, SentimentScorer, features
from tests.cpu_time import cpu_seconds
from tests.tolerances import FP64
from tests.unit.comparisons.builders import HANDWRITTEN

POSITIVE, NEGATIVE = HANDWRITTEN["positive"], HANDWRITTEN["negative"]
GROUPED = [text for group in HANDWRITTEN["groups"] for text in group]


@pytest.fixture(scope="module")
def scorer() -> SentimentScorer:
    return SentimentScorer()


def test_signs_of_plain_sentences(scorer: SentimentScorer) -> None:
    right = [score > 0 for score in scorer.score(POSITIVE, POSITIVE)]
    right += [score < 0 for score in scorer.score(NEGATIVE, NEGATIVE)]
    assert sum(right) >= len(right) - 1


def test_each_positive_sentence_beats_its_negative_twin(scorer: SentimentScorer) -> None:
    assert (scorer.score(POSITIVE, POSITIVE) > scorer.score(NEGATIVE, NEGATIVE)).all()


def test_log_odds_do_not_saturate(scorer: SentimentScorer) -> None:
    """A probability would stop at 1; the reward of 2019 goes on."""
    scores = scorer.score(POSITIVE, POSITIVE)
    assert scores.max() > 4 and len(np.unique(scores.round(6))) == len(POSITIVE)


def test_the_prompt_and_the_neighbors_do_not_matter(scorer: SentimentScorer) -> None:
    together = scorer.score(["Dreadful."] * len(POSITIVE), POSITIVE)
    alone = [scorer.score(["Lovely."], [text])[0] for text in POSITIVE]
    np.testing.assert_allclose(together, alone, **FP64)


def test_the_score_is_linear_in_the_features(scorer: SentimentScorer) -> None:
    """The trainer's features and the scorer's way of scoring are the same function."""
    from safetensors.numpy import load_file

    tensors = load_file(WEIGHTS)
    weights = np.concatenate([tensors["words"], tensors["characters"]]).astype(np.float64)
    expected = features(GROUPED) @ weights + float(tensors["bias"][0])
    np.testing.assert_allclose(scorer.score(GROUPED, GROUPED), expected, **FP64)


def test_texts_without_a_word_and_no_texts_at_all(scorer: SentimentScorer) -> None:
    assert np.isfinite(scorer.score(["", ""], ["", " \n"])).all()
    assert scorer.score([], []).shape == (0,)


def test_weights_are_small() -> None:
    assert WEIGHTS.stat().st_size <= 2_000_000


def test_three_thousand_sentences_a_second(scorer: SentimentScorer) -> None:
    texts = GROUPED * 40
    seconds = [cpu_seconds(lambda: scorer.score(texts, texts)) for _ in range(3)]
    assert len(texts) / min(seconds) >= 3000


def test_lexicon_and_classifier_correlate_but_differ(scorer: SentimentScorer) -> None:
    texts = [*POSITIVE, *NEGATIVE, *GROUPED]
    ours, theirs = scorer.score(texts, texts), LexiconScorer().score(texts, texts)
    assert 0.4 < spearmanr(ours, theirs).statistic < 0.95
    silent = theirs == 0.0
    assert silent.sum() > 5, "no sentence without a lexicon word: the test says nothing"
    assert ours[silent].std() > 0.5
