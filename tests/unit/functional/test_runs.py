"""Positions and runs: exact where chance alone is at work."""

import numpy as np
import pytest

from prefloop.functional.runs import longest_run, position_test, run_probability
from tests.tolerances import STATISTICAL


def test_p_values_of_places_are_uniform_when_the_place_has_no_say() -> None:
    rng = np.random.default_rng(0)
    sizes = np.where(np.arange(300) < 150, 2, 4)
    p_values = [
        position_test([int(rng.integers(k)) for k in sizes], sizes.tolist()).p_value
        for _ in range(1000)
    ]
    for level in (0.01, 0.05, 0.5):
        assert np.mean(np.array(p_values) < level) == pytest.approx(level, abs=3 * level**0.5 / 32)


def test_too_few_answers_give_no_evidence() -> None:
    assert position_test([0] * 9, [2] * 9).p_value == 1.0
    assert position_test([], []).p_value == 1.0
    assert position_test([], []).excess == 0.0
    assert position_test([0] * 30, [1] * 30).p_value == 1.0


def test_the_favorite_place_is_named_with_its_excess() -> None:
    found = position_test([1] * 65 + [0] * 35, [2] * 100)
    assert (found.favorite, found.n_favorite, found.n) == (1, 65, 100)
    np.testing.assert_allclose(found.excess, 0.15)


@pytest.mark.parametrize(("length", "p"), [(3, 0.5), (5, 0.5), (4, 0.25)])
def test_row_probability_agrees_with_simulation(length: int, p: float) -> None:
    rng = np.random.default_rng(1)
    trials = rng.random((4000, 40)) < p
    reached = [longest_run(row, row)[1] >= length for row in trials]
    np.testing.assert_allclose(np.mean(reached), run_probability([p] * 40, length), **STATISTICAL)


def test_long_rows_have_tiny_probabilities_and_never_none() -> None:
    tiny = run_probability([0.5] * 2000, 200)
    assert 0 < tiny < 1e-55
    assert run_probability([1.0] * 5, 5) == pytest.approx(1.0)
    assert run_probability([0.0] * 5, 2) == pytest.approx(0.0)


def test_a_row_has_at_least_one_success() -> None:
    with pytest.raises(ValueError, match="at least one success, got 0"):
        run_probability([0.5], 0)


def test_longest_row() -> None:
    assert longest_run([], []) == (0, 0)
    assert longest_run([7], [True]) == (0, 1)
    assert longest_run([1, 1, 2, 2], [True] * 4) == (0, 2)
    assert longest_run([1, 1, 1], [False, True, True]) == (1, 2)
