"""Every known mistake fails the published numbers that the shipped count passes."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.functional.test_model_cost import (
    check_activations,
    check_cache,
    check_head,
    check_question,
    check_training,
)
from tests.wrong_twins import cost_twins as twins

PAIRS: list[tuple[Callable[..., None], Callable[..., Any]]] = [
    (check_training, twins.one_operation_a_weight),
    (check_training, twins.without_attention),
    (check_head, twins.head_on_every_token),
    (check_cache, twins.cache_of_all_heads),
    (check_cache, twins.keys_without_values),
    (check_question, twins.one_row_a_question),
    (check_activations, twins.activations_of_the_residual),
]


@pytest.mark.parametrize(("check", "twin"), PAIRS, ids=lambda x: x.__name__)
def test_twin_is_caught(check: Callable[..., None], twin: Callable[..., Any]) -> None:
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check(twin)
