"""Accuracy above a control that copies as much: by hand and against a bootstrap."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import t

from prefloop.functional.copying_control import Measured, accuracy_above_control
from prefloop.functional.statistics import clustered_mean
from tests.tolerances import FP64

START = Measured(copied=[0.0, 0.0, 0.0, 1.0], accurate=[0.0, 1.0, 0.0, 1.0])
COPIES = Measured(copied=[1.0] * 4, accurate=[1.0] * 4)
HALF = Measured(copied=[0.5, 0.0, 1.0, 1.0], accurate=[1.0, 1.0, 0.0, 1.0])
"""It copies 62.5 %, half way from 25 to 100; half way from 50 to 100 % accurate is 75 %."""


def against_start(system: Measured, start: Measured, copies: Measured, clusters: Any) -> Any:
    """Forget the copies: the wrong twin, which calls a copy an improvement."""
    a, a0 = np.asarray(system.accurate), np.asarray(start.accurate)
    return clustered_mean(a - a0, clusters)


def check_hand_value(above: Callable[..., Any]) -> None:
    assert above(HALF, START, COPIES, list("abcd")).value == pytest.approx(0.0)


def test_a_system_that_is_as_accurate_as_its_copies_gains_nothing() -> None:
    check_hand_value(accuracy_above_control)
    with pytest.raises(AssertionError):
        check_hand_value(against_start)


def test_the_ends_of_the_control_are_no_better_than_it() -> None:
    for end in (START, COPIES):
        found = accuracy_above_control(end, START, COPIES, list("abcd"))
        assert found is not None and found.value == pytest.approx(0.0)


def test_who_copies_less_than_the_start_is_held_against_the_start() -> None:
    own = Measured(copied=[0.0] * 4, accurate=[1.0, 1.0, 0.0, 1.0])
    found = accuracy_above_control(own, START, COPIES, list("abcd"))
    wanted = clustered_mean([1.0, 0.0, 0.0, 0.0], list("abcd"))
    assert found is not None
    np.testing.assert_allclose([found.value, *found.interval], [0.25, *wanted.interval], **FP64)


def test_without_a_control_that_copies_as_much_there_is_no_figure() -> None:
    assert accuracy_above_control(COPIES, START, HALF, list("abcd")) is None
    assert accuracy_above_control(HALF, START, START, list("abcd")) is None


def drawn(rng: np.random.Generator, n: int) -> tuple[Measured, Measured, Measured]:
    """Return n articles: easy ones are copied more and are more often accurate."""
    ease = rng.uniform(size=n)

    def one(share: float, accurate: float) -> Measured:
        copied = (rng.uniform(size=n) < share * 2 * ease).astype(float)
        truth = np.clip(accurate + 0.4 * copied + 0.3 * (ease - 0.5), 0, 1)
        return Measured(copied=copied, accurate=(rng.uniform(size=n) < truth).astype(float))

    return one(0.3, 0.5), one(0.1, 0.4), one(0.5, 0.45)


def test_the_interval_is_as_wide_as_a_bootstrap_over_articles() -> None:
    rng = np.random.default_rng(4)
    sets, n = drawn(rng, 300), 300
    found = accuracy_above_control(*sets, list(range(n)))
    assert found is not None
    draws = []
    for _ in range(2000):
        rows = rng.integers(n, size=n)
        system, start, copies = (
            Measured(copied=np.asarray(s.copied)[rows], accurate=np.asarray(s.accurate)[rows])
            for s in sets
        )
        one = accuracy_above_control(system, start, copies, list(range(n)))
        assert one is not None
        draws.append(one.value)
    half = (found.interval.high - found.interval.low) / 2
    assert half == pytest.approx(1.97 * np.std(draws), rel=0.06)


def test_seeds_that_differ_widen_the_interval_to_what_three_tell() -> None:
    start = Measured(copied=[0.0] * 90, accurate=[0.0] * 90)
    copies = Measured(copied=[1.0] * 90, accurate=[0.0] * 90)
    wins = [0] * 30 + [1] * 15 + [0] * 15 + [1] * 30
    system = Measured(copied=[0.0] * 90, accurate=wins)
    prompts, seeds = [*range(30)] * 3, [1] * 30 + [2] * 30 + [3] * 30
    found = accuracy_above_control(system, start, copies, prompts, repeats=seeds)
    # The seeds' means are 0, 1/2 and 1: Student with two degrees of freedom.
    half = t.ppf(0.975, 2) * 0.5 / 3**0.5
    assert found is not None
    np.testing.assert_allclose(found.interval, [0.5 - half, 0.5 + half], **FP64)
    alone = accuracy_above_control(system, start, copies, prompts)
    assert alone is not None and alone.interval.high - alone.interval.low < half
