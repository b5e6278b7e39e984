"""The ratio of two paired means: against a closed form of other books, and as a promise kept."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import t

from prefloop.functional.statistics import ratio_of_means
from tests.tolerances import FP64

BOTH, GAINED, LOST, NEITHER = 5, 20, 3, 72
"""Prompts by what was copied: before and after, after only, before only, never."""


def pairs() -> tuple[list[float], list[float]]:
    """Return after and before of a 2 x 2 table of pairs."""
    after = [1.0] * BOTH + [1.0] * GAINED + [0.0] * LOST + [0.0] * NEITHER
    before = [1.0] * BOTH + [0.0] * GAINED + [1.0] * LOST + [0.0] * NEITHER
    return after, before


def check_ratio(ratio: Callable[..., Any]) -> None:
    """Compare with var(log ratio) = (n10 + n01) / (n1. n.1): Agresti 2013, section 11.1."""
    after, before = pairs()
    n = len(after)
    variance = (GAINED + LOST) / ((BOTH + GAINED) * (BOTH + LOST)) * n / (n - 1)
    half = t.ppf(0.975, n - 1) * variance**0.5
    value = (BOTH + GAINED) / (BOTH + LOST)
    wanted = [value, value * np.exp(-half), value * np.exp(half)]
    got = ratio(after, before, list(range(n)))
    np.testing.assert_allclose([got.value, *got.interval], wanted, **FP64)


def check_clusters(ratio: Callable[..., Any]) -> None:
    """A prompt that is asked twice with the same answers is one observation."""
    after, before = pairs()
    n = len(after)
    once = ratio(after, before, list(range(n)))
    twice = ratio(after * 2, before * 2, list(range(n)) * 2)
    np.testing.assert_allclose(twice.interval, once.interval, **FP64)


def test_binary_pairs_give_the_closed_form() -> None:
    check_ratio(ratio_of_means)


def test_repeated_prompts_add_nothing() -> None:
    check_clusters(ratio_of_means)


def test_seeds_that_differ_widen_the_interval() -> None:
    after, before = pairs()
    n = len(after)
    by_prompt = ratio_of_means(after * 3, before * 3, list(range(n)) * 3)
    other = [1.0] * n + after * 2
    seeds = [seed for seed in range(3) for _ in range(n)]
    differing = ratio_of_means(other, before * 3, list(range(n)) * 3, repeats=seeds)
    ignored = ratio_of_means(other, before * 3, list(range(n)) * 3)
    assert differing.interval.low < ignored.interval.low < by_prompt.interval.high
    assert "labelers" in differing.how


def test_one_prompt_says_nothing_about_the_spread() -> None:
    assert ratio_of_means([1.0], [0.5], ["a"]).interval == (0.0, np.inf)


@pytest.mark.parametrize(("after", "before"), [([], []), ([0.0], [1.0]), ([1.0], [0.0])])
def test_a_ratio_without_copies_is_refused(after: list[float], before: list[float]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        ratio_of_means(after, before, list(range(len(after))))
