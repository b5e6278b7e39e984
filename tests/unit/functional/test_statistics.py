"""Intervals against published tables, hand-worked cases, and their promised coverage."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest
from scipy.stats import t as student_t

from prefloop.functional.statistics import (
    Estimate,
    bootstrap_mean,
    clustered_mean,
    paired_win_rate,
    wilson,
)
from tests.tolerances import FP64, STATISTICAL

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "intervals.json").read_text())


@pytest.mark.parametrize(
    "case", GOLDEN["wilson"]["cases"], ids=lambda c: f"{c['successes']}of{c['n']}"
)
def test_wilson_gives_the_published_intervals(case: dict[str, float]) -> None:
    low, high = wilson(case["successes"], case["n"])
    assert (round(low, 4), round(high, 4)) == (case["low"], case["high"])


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (7, 9), (256, 256), (612, 1024)])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_wilson_equals_scipys(k: int, n: int, confidence: float) -> None:
    theirs = binomtest(k, n).proportion_ci(confidence_level=confidence, method="wilson")
    np.testing.assert_allclose(wilson(k, n, confidence), (theirs.low, theirs.high), **FP64)


def test_wilson_without_observations_knows_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_wilson_refuses_more_successes_than_trials() -> None:
    with pytest.raises(ValueError, match="successes 3 must lie between 0 and n 2"):
        wilson(3, 2)


def test_clustered_interval_equals_the_case_by_hand() -> None:
    case = GOLDEN["clustered_by_hand"]
    got = paired_win_rate(case["outcomes"], case["clusters"], case["confidence"])
    half = case["half_width"]
    assert got.value == case["value"]
    np.testing.assert_allclose(got.interval, (0.5 - half, 0.5 + half), **FP64)


def test_two_way_interval_equals_the_case_by_hand() -> None:
    case = GOLDEN["two_way_by_hand"]
    got = paired_win_rate(
        case["outcomes"], case["clusters"], case["confidence"], labelers=case["labelers"]
    )
    half = case["half_width"]
    np.testing.assert_allclose(got.value, case["value"], **FP64)
    np.testing.assert_allclose(got.interval, (got.value - half, got.value + half), **FP64)
    assert "prompt and labeler" in got.how
    assert "these labelers only" in got.how


def test_one_outcome_per_prompt_is_the_plain_t_interval() -> None:
    y = np.random.default_rng(0).choice([0.0, 0.5, 1.0], size=80)
    got = paired_win_rate(y, list(range(80)))
    expected = student_t.interval(0.95, 79, loc=y.mean(), scale=y.std(ddof=1) / 80**0.5)
    np.testing.assert_allclose(got.interval, expected, **FP64)


@pytest.mark.parametrize("outcome", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("n", [1, 2, 40])
def test_outcomes_that_all_agree_fall_back_to_wilson_and_say_so(outcome: float, n: int) -> None:
    got = paired_win_rate([outcome] * n, list(range(n)))
    assert got.interval == wilson(outcome * n, n)
    assert "Wilson" in got.how
    assert 0 <= got.interval.low <= got.value <= got.interval.high <= 1
    assert got.interval.low < got.interval.high


def test_many_labels_of_one_prompt_are_one_prompt() -> None:
    """All wins on one prompt must not look like all wins on a hundred."""
    got = paired_win_rate([1.0] * 100, ["same"] * 100)
    assert got.interval == wilson(1, 1)
    assert got.n_clusters == 1


def _coverage(trials: int, *, two_way: bool, naive: bool) -> float:
    """Return how often 95 % intervals hold the truth (1/2) if prompts and labelers differ."""
    rng = np.random.default_rng(11)
    n_prompts, n_each, n_labelers = 80, 3, 10
    prompt = np.repeat(np.arange(n_prompts), n_each)
    hits = 0
    for _ in range(trials):
        labeler = rng.integers(n_labelers, size=prompt.size)
        logit = rng.normal(0, 1.0, n_prompts)[prompt] + rng.normal(0, 0.7, n_labelers)[labeler]
        y = (rng.random(prompt.size) < 1 / (1 + np.exp(-logit))).astype(float)
        if naive:
            low, high = wilson(float(y.sum()), len(y))
        else:
            names = labeler.tolist() if two_way else None
            low, high = paired_win_rate(y, prompt.tolist(), labelers=names).interval
        hits += low <= 0.5 <= high
    return hits / trials


def test_two_way_intervals_cover_and_their_wrong_twins_do_not() -> None:
    assert 0.92 <= _coverage(300, two_way=True, naive=False) <= 1.0
    assert _coverage(300, two_way=False, naive=True) < 0.80, "Wilson ignores who judged"
    assert _coverage(300, two_way=False, naive=False) < 0.85, "one way ignores the labelers"


def test_clustered_mean_equals_the_t_interval_and_is_unbounded_for_one_cluster() -> None:
    y = np.random.default_rng(1).normal(3, 2, size=50)
    expected = student_t.interval(0.95, 49, loc=y.mean(), scale=y.std(ddof=1) / 50**0.5)
    np.testing.assert_allclose(clustered_mean(y, list(range(50))).interval, expected, **FP64)
    assert clustered_mean([1.0, 2.0], ["a", "a"]).interval == (-np.inf, np.inf)


def test_bootstrap_agrees_with_the_closed_form_and_repeats() -> None:
    y = np.random.default_rng(2).normal(0, 1, size=400)
    got = bootstrap_mean(y, seed=5, n_draws=2000)
    closed = clustered_mean(y, list(range(400)))
    np.testing.assert_allclose(got.interval, closed.interval, **STATISTICAL)
    assert got == bootstrap_mean(y, seed=5, n_draws=2000)
    assert got.interval != bootstrap_mean(y, seed=6, n_draws=2000).interval


def test_bootstrap_redraws_whole_clusters() -> None:
    """Ten copies of each value are no new evidence: the interval keeps its width."""
    y = np.random.default_rng(3).normal(0, 1, size=40)
    clusters = np.repeat(np.arange(40), 10).tolist()
    by_cluster = bootstrap_mean(np.repeat(y, 10), seed=1, clusters=clusters)
    alone = bootstrap_mean(y, seed=1)
    ignoring = bootstrap_mean(np.repeat(y, 10), seed=1)
    np.testing.assert_allclose(by_cluster.interval, alone.interval, **FP64)
    assert _width(ignoring) < 0.5 * _width(by_cluster)


def _width(estimate: Estimate) -> float:
    return estimate.interval.high - estimate.interval.low


@pytest.mark.parametrize("call", [paired_win_rate, clustered_mean])
def test_nothing_is_refused_in_words(call: object) -> None:
    with pytest.raises(ValueError, match="at least one"):
        call([], [])  # type: ignore[operator]


def test_groups_must_match_outcomes() -> None:
    with pytest.raises(ValueError, match="2 outcomes but 1 group names"):
        paired_win_rate([0.0, 1.0], ["a"])
