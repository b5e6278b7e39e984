"""Looks before the end: published bounds, the error rate of all looks together, and wrong twins."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from prefloop.functional.sequential import look_confidences, sequential_bounds, spent_error
from tests.tolerances import FP32, FP64

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "sequential.json").read_text())
CASES = GOLDEN["bounds"]["cases"]


def evenly(looks: int) -> list[float]:
    return [k / looks for k in range(1, looks + 1)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{len(case)} looks")
def test_bounds_are_the_published_ones(case: list[float]) -> None:
    got = sequential_bounds(evenly(len(case)))
    # The published ones are of an integration that is exact to three decimals.
    assert [round(bound, 3) for bound in got] == [round(bound, 3) for bound in case]


@pytest.mark.parametrize("error_rate", [0.01, 0.05, 0.2])
def test_the_only_look_is_the_usual_test(error_rate: float) -> None:
    [bound] = sequential_bounds([1.0], error_rate)
    np.testing.assert_allclose(bound, ndtri(1 - error_rate / 2), **FP32)
    np.testing.assert_allclose(spent_error(1.0, error_rate), error_rate, **FP64)


def errors(confidences: list[float], *, rate: float = 0.5) -> float:
    """Return how often any look at coin tosses finds what is not there, in 4000 trials."""
    n, looks = 400, len(confidences)
    rng = np.random.default_rng(3)
    tosses = rng.random((4000, n)) < rate
    crossed = np.zeros(4000, dtype=bool)
    for k, confidence in enumerate(confidences, 1):
        part = tosses[:, : n * k // looks]
        mean = part.mean(axis=1)
        half = ndtri(0.5 + confidence / 2) * np.sqrt(mean * (1 - mean) / part.shape[1])
        crossed |= np.abs(mean - 0.5) > half
    return float(crossed.mean())


@pytest.mark.parametrize("looks", [1, 4, 10])
def test_at_one_half_all_looks_together_err_as_rarely_as_one(looks: int) -> None:
    assert abs(errors(look_confidences(evenly(looks))) - 0.05) < 0.01


def test_the_wrong_twin_that_looks_at_plain_intervals_errs_too_often() -> None:
    assert errors([0.95] * 4) > 0.1
    assert errors([0.95] * 10) > 0.15


def test_the_wrong_twin_that_spends_both_sides_as_one_is_seen() -> None:
    """2 (1 - Phi(z_{1 - a / 2} / sqrt(t))) is the spending of a one-sided test."""
    one_sided = 2 * float(ndtr(-ndtri(0.975) / 0.5**0.5))
    assert abs(one_sided - spent_error(0.5)) > 0.001
    np.testing.assert_allclose(spent_error(0.5, 0.1) / 2, one_sided, **FP64)


def test_a_bound_follows_from_its_look_and_those_before() -> None:
    """So the looks need not be planned."""
    whole = sequential_bounds([0.3, 0.35, 0.8, 1.0])
    assert sequential_bounds([0.3, 0.35]) == whole[:2]


def test_many_or_very_early_looks_are_possible() -> None:
    assert sequential_bounds([0.001, 1.0])[0] == 8.0
    np.testing.assert_allclose(sequential_bounds([0.001, 1.0])[1], ndtri(0.975), **FP32)


@pytest.mark.parametrize("fractions", [[0.5, 0.5], [0.5, 0.25], [0.0], [1.5]])
def test_looks_that_do_not_follow_each_other_are_refused(fractions: list[float]) -> None:
    with pytest.raises(ValueError, match="fraction"):
        sequential_bounds(fractions)
