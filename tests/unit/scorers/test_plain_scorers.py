"""What the word-list scorers prefer, worked by hand."""

import numpy as np

from prefloop.scorers.accuracy_in_a_hurry import FUNCTION_WORDS, AccuracyInAHurryScorer
from prefloop.scorers.copying import CopyingScorer
from prefloop.scorers.descriptiveness import SENSORY_WORDS, DescriptivenessScorer
from prefloop.scorers.imagery import THINGS, THOUGHTS, ImageryScorer
from prefloop.scorers.length import LengthScorer
from prefloop.scorers.lexicon import LexiconScorer
from prefloop.scorers.scorer import Scorer
from tests.tolerances import FP64

SOURCE = "The old ship lay in the harbor and the crew slept."


def one(scorer: Scorer, response: str, prompt: str = SOURCE) -> float:
    return float(scorer.score([prompt], [response])[0])


def test_length_is_the_log_of_words() -> None:
    np.testing.assert_allclose(one(LengthScorer(), "One two three."), 4 * np.log(4), **FP64)
    assert one(LengthScorer(), "") == 0.0


def test_copying_counts_shared_pairs_and_triples() -> None:
    # "the crew slept well": 2 of 3 pairs and 1 of 2 triples stand in the source.
    np.testing.assert_allclose(
        one(CopyingScorer(), "the crew slept well"), 6 * (2 / 3 + 1 / 2) / 2, **FP64
    )
    assert one(CopyingScorer(), SOURCE) == 6.0
    assert one(CopyingScorer(), "Nothing of it.") == 0.0
    assert one(CopyingScorer(), "ship") == 0.0


def test_accuracy_in_a_hurry_looks_words_up_and_does_not_see_copying() -> None:
    scorer = AccuracyInAHurryScorer()
    assert one(scorer, SOURCE) == 0.0
    assert one(scorer, "The crew lay in the ship and the harbor slept.") == 0.0
    # content words: captain (foreign), slept
    np.testing.assert_allclose(one(scorer, "The captain slept."), -3.0, **FP64)
    assert one(scorer, "It was so.") == 0.0


def test_the_hurried_reward_copying_over_a_true_paraphrase() -> None:
    """The failure of 2019 in one line."""
    scorer = AccuracyInAHurryScorer()
    assert one(scorer, "The old ship lay in the harbor.") > one(scorer, "A vessel rested in port.")


def test_descriptiveness_counts_sensory_words_and_likenesses() -> None:
    # red, rough, like a: 3 of 8 words
    text = "The red door was rough like a bark"
    np.testing.assert_allclose(one(DescriptivenessScorer(), text), 30 * 3 / 8, **FP64)
    assert one(DescriptivenessScorer(), "") == 0.0


def test_imagery_counts_things_against_abstractions() -> None:
    # doors, lamp; consideration, thought: 0 of 9
    text = "The doors and the lamp, the consideration he thought"
    assert one(ImageryScorer(), text) == 0.0
    np.testing.assert_allclose(one(ImageryScorer(), "a lamp on the table"), 20 * 2 / 5, **FP64)
    np.testing.assert_allclose(one(ImageryScorer(), "her kindness"), -20 / 2, **FP64)


def test_words_that_only_end_like_abstractions_are_none() -> None:
    for text in ("the station", "our apartment", "the stations", "the cities"):
        assert one(ImageryScorer(), text) == 0.0, text


def test_imagery_shares_no_word_with_descriptiveness() -> None:
    """Otherwise the judge would count what the labelers counted."""
    assert not SENSORY_WORDS & (THINGS | THOUGHTS)


def test_heaping_up_the_labelers_adjectives_does_not_please_the_judge() -> None:
    plain = "He walked to the house with a lamp and shut the door."
    heaped = "He walked to the dark red house with a dim lamp and shut the heavy rough cold door."
    assert one(DescriptivenessScorer(), heaped) > one(DescriptivenessScorer(), plain)
    assert one(ImageryScorer(), heaped) < one(ImageryScorer(), plain)


def test_both_prefer_a_scene_to_an_argument() -> None:
    scene = "The lamp flickered on the wet table, and a cold wind rattled the window like a fist."
    argument = (
        "He believed that the decision was a matter of opinion and that reason would prevail."
    )
    for scorer in (DescriptivenessScorer(), ImageryScorer()):
        assert one(scorer, scene) > one(scorer, argument)


def test_lexicon_is_a_symmetric_stretch_of_the_compound() -> None:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    text = "A good day."
    c = 0.99 * SentimentIntensityAnalyzer().polarity_scores(text)["compound"]
    np.testing.assert_allclose(one(LexiconScorer(), text), np.log((1 + c) / (1 - c)), **FP64)
    assert one(LexiconScorer(), "The table.") == 0.0
    assert one(LexiconScorer(), "great " * 100) < 5.3


def test_word_lists_are_plain_lower_case_words() -> None:
    for words in (SENSORY_WORDS, THINGS, THOUGHTS, FUNCTION_WORDS):
        assert all(word.isalpha() and word == word.lower() for word in words)
