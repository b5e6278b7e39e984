"""Schedules refuse what lies outside them."""

import pytest

from prefloop.functional.schedules import cosine_decay, label_budget, linear_decay


@pytest.mark.parametrize("decay", [linear_decay, cosine_decay])
@pytest.mark.parametrize(("step", "total"), [(-1, 4), (5, 4), (0, 0)])
def test_a_step_outside_the_schedule_is_refused(decay, step: int, total: int) -> None:
    with pytest.raises(ValueError, match="between 0 and the total"):
        decay(step, total)


@pytest.mark.parametrize("fraction", [-0.01, 1.01])
def test_a_fraction_outside_the_run_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="fraction"):
        label_budget(10, 20, fraction)


def test_more_initial_labels_than_labels_is_refused() -> None:
    with pytest.raises(ValueError, match="initial labels 30"):
        label_budget(30, 20, 0.5)


def test_half_of_the_added_labels_are_due_before_a_third_of_the_episodes() -> None:
    assert label_budget(0, 1000, 0.3) == 510
