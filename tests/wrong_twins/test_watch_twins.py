"""Every known mistake about risen words and trends fails what was computed otherwise."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.functional.test_rising_shares import check_divergence, check_rises
from tests.unit.functional.test_trend import check_trend
from tests.wrong_twins import watch_twins as twins


@pytest.mark.parametrize(
    "twin",
    [
        twins.rise_beyond_the_count,
        twins.rise_of_the_other_side,
        twins.rise_both_ways,
        twins.rise_by_the_normal,
        twins.rise_with_replacement,
    ],
    ids=lambda twin: twin.__name__,
)
def test_twin_is_caught(twin: Callable[..., Any]) -> None:
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check_rises(twin)


@pytest.mark.parametrize(
    "twin",
    [twins.divergence_reversed, twins.divergence_of_presence, twins.divergence_in_bits],
    ids=lambda twin: twin.__name__,
)
def test_twin_of_the_divergence_is_caught(twin: Callable[..., Any]) -> None:
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check_divergence(twin)


@pytest.mark.parametrize(
    "twin",
    [
        twins.trend_of_the_other_side,
        twins.trend_both_ways,
        twins.trend_by_the_normal,
        twins.trend_with_all_degrees,
    ],
    ids=lambda twin: twin.__name__,
)
def test_twin_of_the_trend_is_caught(twin: Callable[..., Any]) -> None:
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check_trend(twin)
