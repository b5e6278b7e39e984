"""Every known mistake fails the golden numbers that the shipped formula passes."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.functional.test_votes import check_gumbel, check_log_odds, check_mean
from tests.wrong_twins import vote_twins as twins

PAIRS: list[tuple[Callable[..., None], Callable[..., Any]]] = [
    (check_log_odds, twins.share_without_its_six_units),
    (check_log_odds, twins.verbatim_in_place_of_the_share),
    (check_log_odds, twins.intercept_left_out),
    (check_gumbel, twins.gumbel_of_the_smallest),
    (check_gumbel, twins.logistic_for_each),
    (check_gumbel, twins.gumbel_by_plain_cdf),
    (check_gumbel, twins.gumbel_centered),
    (check_mean, twins.mean_as_all),
    (check_mean, twins.mean_as_the_sum),
    (check_mean, twins.mean_as_the_worst),
]


@pytest.mark.parametrize(("check", "twin"), PAIRS, ids=lambda x: x.__name__)
def test_twin_is_caught(check: Callable[..., None], twin: Callable[..., Any]) -> None:
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check(twin)
