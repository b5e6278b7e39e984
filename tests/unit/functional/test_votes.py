"""The fitted vote and its noise: golden numbers, and choices of two and of four."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit, softmax

from prefloop.functional.votes import mean_log_odds, standard_gumbel, vote_log_odds
from tests.tolerances import FP64, STATISTICAL

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "votes.json").read_text())
N_DRAWS = 40_000


def check_log_odds(formula: Callable[..., Any]) -> None:
    """Assert that `formula` gives the log-odds that were worked out by hand."""
    for case in GOLDEN["vote_log_odds"]:
        share, verbatim = np.array([case["copied_share"]]), np.array([case["is_verbatim"]])
        got = formula(share, verbatim, **case["settings"])
        np.testing.assert_allclose(got, [case["log_odds"]], err_msg=case["source"], **FP64)


def check_gumbel(formula: Callable[..., Any]) -> None:
    """Assert that `formula` gives the quantiles of the standard Gumbel distribution."""
    for case in GOLDEN["standard_gumbel"]:
        got = formula(np.array([case["normal"]]))
        np.testing.assert_allclose(got, [case["gumbel"]], err_msg=case["source"], **FP64)


def check_mean(formula: Callable[..., Any]) -> None:
    """Assert that `formula` gives the score of several claims together."""
    for case in GOLDEN["mean_log_odds"]:
        got = formula(np.array(case["log_odds"]))
        np.testing.assert_allclose(got, case["mean"], err_msg=case["source"], **FP64)


def test_the_score_of_several_claims_is_that_worked_out_by_hand() -> None:
    check_mean(mean_log_odds)


def test_log_odds_are_those_worked_out_by_hand() -> None:
    check_log_odds(vote_log_odds)


def test_gumbel_has_the_quantiles_of_scipy() -> None:
    check_gumbel(standard_gumbel)


def chosen(log_odds: list[float], scale: float = 1.0) -> np.ndarray:
    """Return how often each option is the greatest after noise."""
    normal = np.random.default_rng(5).standard_normal((N_DRAWS, len(log_odds)))
    noise = scale * standard_gumbel(normal.ravel()).reshape(normal.shape)
    best = (np.array(log_odds) + noise).argmax(axis=1)
    return np.bincount(best, minlength=len(log_odds)) / N_DRAWS


def test_of_two_the_choice_is_the_votes_own_logistic() -> None:
    for difference in (-1.0, 0.0, 0.7, 2.66):
        share = chosen([difference, 0.0])[0]
        np.testing.assert_allclose(share, expit(difference), **STATISTICAL)
    np.testing.assert_allclose(chosen([2.66, 0.0], 2.0)[0], expit(1.33), **STATISTICAL)


def test_of_four_the_choice_is_the_softmax() -> None:
    log_odds = [3.02, 0.98, 0.155, -1.0]
    share = chosen(log_odds)
    standard_error = np.sqrt(share * (1 - share) / N_DRAWS)
    assert np.all(np.abs(share - softmax(log_odds)) < 4 * standard_error)


def votes(log_odds: float, seed: int) -> np.ndarray:
    """Return yes or no, as people vote who have these log-odds."""
    first, second = np.random.default_rng(seed).standard_normal((2, N_DRAWS))
    return log_odds + standard_gumbel(first) - standard_gumbel(second) > 0


def copy_taken_by_single_votes(copy_yes: float, other_yes: float) -> float:
    """Return how often a copy is taken if one yes or no decides, and a lot where votes agree."""
    log_odds = [float(np.log(p / (1 - p))) for p in (copy_yes, other_yes)]
    copy, other = votes(log_odds[0], 1), votes(log_odds[1], 2)
    return float(np.mean(copy & ~other) + 0.5 * np.mean(copy == other))


def test_single_votes_take_the_copy_69_and_88_times_of_100() -> None:
    """QAGS: yes to 96.2 % of copies and to 59.0 % of other sentences, or to one of five."""
    np.testing.assert_allclose(copy_taken_by_single_votes(0.962, 0.590), 0.686, **STATISTICAL)
    np.testing.assert_allclose(copy_taken_by_single_votes(0.962, 0.200), 0.881, **STATISTICAL)


def test_impressions_take_the_copy_more_often_than_single_votes_do() -> None:
    """The same two sentences: 95 and 99 of 100, as the greatest impression shows a degree."""
    copy, mixed, doubtful = (float(np.log(p / (1 - p))) for p in (0.962, 0.590, 0.200))
    np.testing.assert_allclose(chosen([copy, mixed])[0], 0.946, **STATISTICAL)
    np.testing.assert_allclose(chosen([copy, doubtful])[0], 0.990, **STATISTICAL)
    np.testing.assert_allclose(chosen([copy, mixed], 3.67)[0], 0.686, **STATISTICAL)
