"""The vote of people in a hurry, sentence by sentence, worked by hand."""

import numpy as np
import pytest

from prefloop.scorers.hurried_vote import HurriedVoteConfig, HurriedVoteScorer
from tests.tolerances import FP64

SOURCE = "The old ship lay in the harbor and the crew slept. It rained."


def vote(response: str, **settings: float) -> float:
    scorer = HurriedVoteScorer(HurriedVoteConfig(**settings))
    return float(scorer.score([SOURCE], [response])[0])


@pytest.mark.parametrize(
    ("response", "log_odds"),
    [
        # All pairs and triples, and the whole: -1 + 0.33 * 6 + 2.04.
        ("The old ship lay in the harbor and the crew slept.", 3.02),
        # A part of a sentence is a run of the source's words too.
        ("THE OLD SHIP LAY, in the harbor!", 3.02),
        # 2 of 3 pairs, 1 of 2 triples: -1 + 1.98 * 7/12.
        ("the crew slept well", 0.155),
        # 4 of 5 pairs, 2 of 4 triples, in two places: -1 + 1.98 * 0.65.
        ("The crew slept in the harbor.", 0.287),
        # Two words have a pair and no triple: -1 + 1.98 / 2 + 2.04.
        ("It rained.", 2.03),
        ("A vessel rested.", -1.0),
        ("", -1.0),
    ],
)
def test_one_sentence_by_hand(response: str, log_odds: float) -> None:
    np.testing.assert_allclose(vote(response), log_odds, **FP64)


def test_a_summary_has_the_mean_of_its_sentences_and_not_of_its_words() -> None:
    np.testing.assert_allclose(vote("It rained. A vessel rested."), (2.03 - 1.0) / 2, **FP64)
    long = "A vessel of great age and beauty rested there for a very long time."
    np.testing.assert_allclose(vote(f"It rained. {long}"), (2.03 - 1.0) / 2, **FP64)


def test_dose_and_response_are_a_setting() -> None:
    copy = "The old ship lay in the harbor."
    doses = [vote(copy, verbatim=2.04 * dose) for dose in (0.0, 0.5, 1.0)]
    np.testing.assert_allclose(doses, [0.98, 2.0, 3.02], **FP64)
    np.testing.assert_allclose(vote(copy, copied=0.0, intercept=-2.0), 0.04, **FP64)


def test_a_copied_sentence_is_taken_for_truer_than_a_true_paraphrase() -> None:
    """The failure of 2019 in one line."""
    assert vote("The old ship lay in the harbor.") > vote("An aged vessel rested in port.")


def test_changed_coefficients_are_not_called_calibrated() -> None:
    said = HurriedVoteScorer.calibrated_on
    assert said(HurriedVoteConfig()).endswith("(QAGS, Wang, Cho and Lewis 2020)")
    assert said(HurriedVoteConfig(verbatim=0.0)).endswith("changed here: verbatim 0, fitted 2.04")
