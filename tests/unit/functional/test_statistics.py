"""Intervals against published tables, hand-worked cases, and their promised coverage."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest
from scipy.stats import t as student_t

from prefloop.functional.statistics import (
    Estimate,
    Interval,
    clustered_mean,
    paired_win_rate,
    wilson,
)
from tests.tolerances import FP64

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


@pytest.mark.parametrize("name", ["clustered_by_hand", "two_way_by_hand"])
def test_clustered_intervals_equal_the_cases_by_hand(name: str) -> None:
    """Both ends solve (p - x)^2 = z^2 x (1 - x) / effective n: Wilson's own definition."""
    case = GOLDEN[name]
    got = paired_win_rate(
        case["outcomes"], case["clusters"], case["confidence"], labelers=case.get("labelers")
    )
    np.testing.assert_allclose(got.value, case["value"], **FP64)
    assert got.interval.low < got.value < got.interval.high
    for end in got.interval:
        expected = case["z_squared"] * end * (1 - end) / case["n_effective"]
        np.testing.assert_allclose((got.value - end) ** 2, expected, **FP64)


def test_how_names_who_was_taken_into_account() -> None:
    case = GOLDEN["two_way_by_hand"]
    alone, of_one, of_three = (
        paired_win_rate(case["outcomes"], case["clusters"], labelers=labelers).how
        for labelers in (None, ["u"] * 12, case["labelers"])
    )
    assert alone == "Wilson interval at the effective sample size, clustered by prompt"
    assert of_one.endswith("clustered by prompt; for this labeler only")
    assert of_three.endswith("clustered by prompt and labeler; for these labelers only")


@pytest.mark.parametrize("n", [1, 2, 8, 40, 256])
def test_independent_wins_and_losses_give_wilsons_interval(n: int) -> None:
    for wins in range(n + 1):
        got = paired_win_rate([1.0] * wins + [0.0] * (n - wins), list(range(n)))
        np.testing.assert_allclose(got.interval, wilson(wins, n), **FP64)


def _with_ties(wins: int, ties: int, losses: int) -> Interval:
    outcomes = [1.0] * wins + [0.5] * ties + [0.0] * losses
    return paired_win_rate(outcomes, list(range(len(outcomes)))).interval


@pytest.mark.parametrize("n", [1, 2, 5, 14])
def test_no_end_rises_when_an_outcome_becomes_worse(n: int) -> None:
    found = {
        (wins, ties): _with_ties(wins, ties, n - wins - ties)
        for wins in range(n + 1)
        for ties in range(n + 1 - wins)
    }
    for (wins, ties), better in found.items():
        for worse in ((wins - 1, ties), (wins - 1, ties + 1), (wins, ties - 1)):
            if worse in found:
                assert found[worse].low <= better.low + 1e-12
                assert found[worse].high <= better.high + 1e-12


@pytest.mark.parametrize("each", [1, 2, 3, 30])
@pytest.mark.parametrize("n_prompts", [2, 5, 20, 200])
@pytest.mark.parametrize("worse", [0.0, 0.5])
def test_one_loss_never_looks_better_than_none(n_prompts: int, each: int, worse: float) -> None:
    """Also where labels repeat: all won is as sure as its prompts, one lost no surer than that."""
    n = n_prompts * each
    prompts = np.repeat(np.arange(n_prompts), each).tolist()
    for labelers in (None, (np.arange(n) % 6).tolist()):
        won = paired_win_rate([1.0] * n, prompts, labelers=labelers).interval
        lost = paired_win_rate([worse] + [1.0] * (n - 1), prompts, labelers=labelers).interval
        assert lost.low <= won.low + 1e-12
        assert lost.high < won.high == 1.0


@pytest.mark.parametrize("outcome", [0.0, 1.0])
@pytest.mark.parametrize("n", [1, 2, 40])
def test_outcomes_that_all_agree_have_an_interval_of_some_width(outcome: float, n: int) -> None:
    got = paired_win_rate([outcome] * n, list(range(n)))
    np.testing.assert_allclose(got.interval, wilson(outcome * n, n), **FP64)
    assert 0 <= got.interval.low <= got.value <= got.interval.high <= 1
    assert got.interval.low < got.interval.high


def test_nothing_but_ties_is_a_measured_half() -> None:
    """Two hundred ties say that the two are alike, and less than that with one win and one loss."""
    ties, mixed, decided = _with_ties(0, 200, 0), _with_ties(1, 198, 1), _with_ties(100, 0, 100)
    np.testing.assert_allclose(sum(ties), 1.0, **FP64)
    assert 0.485 < mixed.low < ties.low < 0.5
    np.testing.assert_allclose(decided, wilson(100, 200), **FP64)


def test_many_labels_of_one_prompt_are_one_prompt() -> None:
    """All wins on one prompt must not look like all wins on a hundred."""
    got = paired_win_rate([1.0] * 100, ["same"] * 100)
    np.testing.assert_allclose(got.interval, wilson(1, 1), **FP64)
    assert got.n_clusters == 1
    of_both = paired_win_rate([1.0, 0.0] * 50, ["same"] * 100).interval
    np.testing.assert_allclose(of_both, wilson(0.5, 1), **FP64)


SHARES = [
    (256, 0.98, 0.0),
    (100, 0.95, 0.0),
    (256, 0.9, 0.08),
    (100, 0.5, 0.48),
    (200, 0.075, 0.91),
    (40, 0.6, 0.3),
]
"""Prompts, and the probabilities of a win and of a tie."""


@pytest.mark.parametrize(("n", "win", "tie"), SHARES)
def test_intervals_of_independent_outcomes_cover(n: int, win: float, tie: float) -> None:
    rng = np.random.default_rng(17)
    truth, trials, hits = win + tie / 2, 800, 0
    drawn = rng.multinomial(n, [win, tie, 1 - win - tie], size=trials).tolist()
    known = {tuple(x): _with_ties(*x) for x in drawn}
    for outcome in drawn:
        low, high = known[tuple(outcome)]
        hits += low <= truth <= high
    assert 0.92 <= hits / trials <= 0.975


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


def _width(estimate: Estimate) -> float:
    return estimate.interval.high - estimate.interval.low


@pytest.mark.parametrize("call", [paired_win_rate, clustered_mean])
def test_nothing_is_refused_in_words(call: object) -> None:
    with pytest.raises(ValueError, match="at least one"):
        call([], [])  # type: ignore[operator]


def test_groups_must_match_outcomes() -> None:
    with pytest.raises(ValueError, match="2 outcomes but 1 group names"):
        paired_win_rate([0.0, 1.0], ["a"])
