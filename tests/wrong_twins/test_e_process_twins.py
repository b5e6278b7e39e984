"""Every known mistake about the bet against the policy fails the golden numbers."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.functional.test_e_process import check_wealth
from tests.wrong_twins import e_process_twins as twins


@pytest.mark.parametrize(
    "twin",
    [
        twins.wealth_of_all_as_one,
        twins.wealth_of_each_against_a_half,
        twins.wealth_of_the_other_side,
        twins.wealth_with_ties_lost,
        twins.wealth_at_every_start,
    ],
    ids=lambda twin: twin.__name__,
)
def test_twin_is_caught(twin: Callable[..., Any]) -> None:
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check_wealth(twin)
