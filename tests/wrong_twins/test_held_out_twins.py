"""Every known mistake fails the numbers that the shipped fit passes."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.functional.test_held_out import check_shared_part
from tests.wrong_twins import held_out_twins as twins

TWINS = [twins.over_all_questions, twins.one_at_a_time, twins.as_if_all_were_there, twins.put_in]


@pytest.mark.parametrize("twin", TWINS, ids=lambda x: x.__name__)
def test_twin_is_caught(twin: Callable[..., Any]) -> None:
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check_shared_part(twin)
