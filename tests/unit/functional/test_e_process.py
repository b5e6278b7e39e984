"""The bet against the policy: numbers from elsewhere, and a false stop in at most 1 of 100 runs."""

import json
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prefloop.functional.e_process import START_EVERY, log_wealth
from tests.tolerances import FP32

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "e_process.json").read_text())


def check_wealth(function: Callable[..., float]) -> None:
    """Assert that a function gives the wealth of every golden case."""
    for case in GOLDEN["cases"]:
        inputs = {key: case[key] for key in ("outcomes", "labelers", "start_every")}
        found = np.exp(function(inputs.pop("outcomes"), inputs.pop("labelers"), **inputs))
        np.testing.assert_allclose(found, case["wealth"], **FP32, err_msg=case["source"])


def test_the_wealth_is_that_of_the_golden_cases() -> None:
    check_wealth(log_wealth)


def stops_at(rate: float, most: int, alpha: float = 0.01) -> np.ndarray:
    """Return the probability to have stopped after 0, 1, 2, ... answers of one labeler.

    Exact: all orders of wins and losses that have not stopped are followed, by their counts.
    """

    def stops(wins: int, n: int) -> bool:
        answers = [1.0] * wins + [0.0] * (n - wins)
        return 3 * wins < n and log_wealth(answers, ["ann"] * n, start_every=None) >= -np.log(alpha)

    alive, stopped = {0: 1.0}, [0.0]
    for n in range(1, most + 1):
        after: dict[int, float] = {}
        for wins, mass in alive.items():
            for more, share in ((1, rate), (0, 1 - rate)):
                after[wins + more] = after.get(wins + more, 0.0) + mass * share
        alive = {wins: mass for wins, mass in after.items() if not stops(wins, n)}
        stopped.append(stopped[-1] + sum(after.values()) - sum(alive.values()))
    return np.array(stopped)


@pytest.mark.parametrize("row", GOLDEN["answers_needed"]["rows"], ids=lambda row: f"{row['rate']}")
def test_one_labeler_needs_the_answers_that_were_worked_out_elsewhere(row: Any) -> None:
    stopped = stops_at(row["rate"], row["in_95_of_100"], alpha=row["alpha"])
    assert int(np.argmax(stopped >= 0.5)) == row["median"]
    assert int(np.argmax(stopped >= 0.95)) == row["in_95_of_100"]


def mean_wealth(
    function: Callable[..., float], rates: Sequence[float], who: Sequence[int]
) -> float:
    """Return the exact mean of the wealth over all answers, each labeler having their own rate.

    Before a second bet begins, the order of a labeler's answers changes nothing (tested below), so
    the wealth is worked out once for each number of wins of each labeler.
    """
    assert len(who) < START_EVERY
    known: dict[tuple[float, ...], float] = {}
    total = 0.0
    for outcomes in product((0.0, 1.0), repeat=len(who)):
        chances = [rates[k] if y else 1 - rates[k] for y, k in zip(outcomes, who, strict=True)]
        if 0.0 in chances:
            continue
        wins = tuple(np.bincount(who, weights=outcomes))
        if wins not in known:
            known[wins] = float(np.exp(function(outcomes, who)))
        total += float(np.prod(chances)) * known[wins]
    return total


@pytest.mark.parametrize("who", [(0, 0, 0, 0, 0, 1, 1, 1, 1, 1), (0, 1, 2, 0, 1, 2, 0, 1, 2)])
def test_the_order_of_the_first_answers_changes_nothing(who: tuple[int, ...]) -> None:
    rng = np.random.default_rng(5)
    outcomes = rng.integers(0, 2, size=len(who)).astype(float)
    found = []
    for _ in range(20):
        order = rng.permutation(len(who))
        found.append(log_wealth(outcomes[order], [who[i] for i in order]))
    np.testing.assert_allclose(found, found[0], **FP32)


FAIR = [
    ((0.5,), (0,) * 8),
    ((0.1, 0.9), (0, 1, 0, 1, 0, 1, 0, 1)),
    ((0.2, 0.8), (0, 0, 0, 0, 0, 1, 1, 1, 1, 1)),
    ((0.3, 0.3, 0.9), (0, 1, 2, 0, 1, 2, 0, 1, 2)),
]


@pytest.mark.parametrize(("rates", "who"), FAIR, ids=str)
def test_a_bet_against_a_policy_that_is_no_worse_is_fair_at_best(
    rates: tuple[float, ...], who: tuple[int, ...]
) -> None:
    assert mean_wealth(log_wealth, rates, who) <= 1.0 + FP32["atol"]


def test_the_wrong_twin_that_does_not_know_labelers_is_not() -> None:
    """Whoever dislikes the policy answers more: pooled, that looks like a worse policy."""

    def pooled(outcomes: Sequence[float], who: Sequence[int]) -> float:
        return log_wealth(outcomes, [0] * len(who))

    assert mean_wealth(pooled, (0.0, 1.0), (0,) * 7 + (1,) * 2) > 1.0
    assert mean_wealth(log_wealth, (0.0, 1.0), (0,) * 7 + (1,) * 5) <= 1.0


def false_stops(n_people: int, spread: float, n_runs: int, n: int, seed: int) -> int:
    """Return in how many runs a policy is stopped that these labelers take half of the time.

    Each has a rate of their own with a mean of a half, and their shares of the answers differ.
    """
    rng, found = np.random.default_rng(seed), 0
    for _ in range(n_runs):
        lean = rng.normal(0.0, spread, n_people)
        rates = 1 / (1 + np.exp(-lean))
        rates = np.append(rates, 1 - rates)
        share = rng.dirichlet(np.ones(2 * n_people))
        who = rng.choice(2 * n_people, size=n, p=0.5 * share + 0.25 / n_people)
        outcomes = (rng.random(n) < rates[who]).astype(float)
        looks = range(24, n + 1, 24)
        found += any(log_wealth(outcomes[:k], who[:k].tolist()) >= np.log(100) for k in looks)
    return found


@pytest.mark.parametrize(("n_people", "spread"), [(1, 2.0), (3, 1.5)])
def test_labelers_who_differ_stop_a_policy_that_is_no_worse_in_one_run_of_a_hundred(
    n_people: int, spread: float
) -> None:
    assert false_stops(n_people, spread, n_runs=60, n=96, seed=n_people) <= 2


def test_a_policy_that_turns_bad_after_long_is_stopped_soon() -> None:
    """64 answers at a win rate of 3 in 4, then none is won."""
    good = [1.0, 1.0, 1.0, 0.0] * 16
    who = ["ann", "ben", "eve"] * 100
    needed = next(
        n for n in range(1, 99) if log_wealth([*good, *[0.0] * n], who[: 64 + n]) >= np.log(100)
    )
    assert needed <= 20
    assert log_wealth([*good, *[0.0] * needed], who[: 64 + needed], start_every=None) < 0


def test_nothing_is_staked_before_the_first_answer_and_a_tie_changes_little() -> None:
    assert log_wealth([], []) == 0.0
    assert log_wealth([0.5], ["ann"]) == pytest.approx(0.0, abs=FP32["atol"])


@pytest.mark.parametrize(
    ("outcomes", "labelers", "said"),
    [([1.0], [], "1 outcomes but 0 labelers"), ([0.3], ["ann"], "an outcome is 1, 0.5 or 0")],
)
def test_what_is_no_outcome_is_refused(
    outcomes: list[float], labelers: list[str], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        log_wealth(outcomes, labelers)
