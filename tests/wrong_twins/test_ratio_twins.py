"""Every known mistake fails the numbers that the shipped ratio passes."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.functional.test_ratios import check_clusters, check_ratio
from tests.wrong_twins import ratio_twins as twins

PAIRS: list[tuple[Callable[..., None], Callable[..., Any]]] = [
    (check_ratio, twins.unpaired),
    (check_ratio, twins.on_the_ratios_own_scale),
    (check_ratio, twins.mean_of_the_ratios),
    (check_clusters, twins.every_answer_counts),
]


@pytest.mark.parametrize(("check", "twin"), PAIRS, ids=lambda x: x.__name__)
def test_twin_is_caught(check: Callable[..., None], twin: Callable[..., Any]) -> None:
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check(twin)
