"""Trends by hand."""

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np
import pytest

from prefloop.functional.trend import trend
from tests.tolerances import FP64

VALUES = [0.0, 1.1, 1.9, 3.0]


def check_trend(formula: Callable[..., Any]) -> None:
    """By hand: the line 0.03 + 0.98 i leaves 0.03, 0.09, 0.09 and 0.03, whose squares sum to 0.018.

    The steps -1.5 to 1.5 have squares of 5, so the slope's error is sqrt(0.018 / 2 / 5). With two
    degrees of freedom P(T > t) is 1/2 - t / (2 sqrt(2 + t^2)).
    """
    t = 0.98 / sqrt(0.0018)
    p = 0.5 - t / (2 * sqrt(2 + t * t))
    np.testing.assert_allclose(formula(VALUES), [0.98, p], **FP64)
    np.testing.assert_allclose(formula(VALUES[::-1]), [-0.98, 1 - p], **FP64)


def test_by_hand() -> None:
    check_trend(trend)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0.1] * 20, (0.0, 0.5)), ([0.0] * 3, (0.0, 0.5)), ([0.0, 1.0, 2.0], (1.0, 0.0))],
)
def test_values_without_errors(values: list[float], expected: tuple[float, float]) -> None:
    assert trend(values) == expected
    assert trend([-value for value in values]) == (-expected[0], 1 - expected[1])


def test_two_values_are_no_trend() -> None:
    with pytest.raises(ValueError, match="takes 3 values or more, not 2"):
        trend([1.0, 2.0])
