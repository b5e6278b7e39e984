"""Advantages and returns: nothing leaks from the padding; nothing is guessed."""

import pytest
import torch

from prefloop.functional.advantages import explained_variance, gae

REWARDS = torch.tensor([[1.0, 2.0, torch.nan]])
VALUES = torch.tensor([[0.5, 0.5, torch.inf]])
MASK = torch.tensor([[True, True, False]])


def test_what_stands_in_the_padding_is_never_read() -> None:
    advantages, returns = gae(REWARDS, VALUES, MASK, gamma=1.0, lam=1.0)
    assert advantages.tolist() == [[2.5, 1.5, 0.0]]
    assert returns.tolist() == [[3.0, 2.0, 0.0]]


def test_a_mask_with_a_hole_is_refused() -> None:
    with pytest.raises(ValueError, match="True up to some token"):
        gae(REWARDS, VALUES, torch.tensor([[True, False, True]]), gamma=1.0, lam=1.0)


def test_inputs_are_left_as_they_were() -> None:
    rewards, values = torch.ones(1, 3), torch.ones(1, 3)
    gae(rewards, values, MASK, gamma=1.0, lam=1.0)
    assert rewards.tolist() == values.tolist() == [[1.0, 1.0, 1.0]]


def test_value_in_closed_form_under_a_discount() -> None:
    """Reward 1 at every one of many steps is worth 1 / (1 - gamma) at the first."""
    rewards, mask = torch.ones(1, 400), torch.ones(1, 400, dtype=torch.bool)
    _, returns = gae(rewards, torch.zeros(1, 400), mask, gamma=0.9, lam=1.0)
    assert returns[0, 0].item() == pytest.approx(10.0)


@pytest.mark.parametrize(("guess", "explained"), [([1.0, 2.0], 1.0), ([1.5, 1.5], 0.0)])
def test_explained_variance_of_perfect_and_of_mean_values(
    guess: list[float], explained: float
) -> None:
    values = torch.tensor([[*guess, torch.nan]])
    returns = torch.tensor([[1.0, 2.0, torch.nan]])
    assert explained_variance(values, returns, MASK).item() == pytest.approx(explained)


def test_equal_returns_leave_nothing_to_explain() -> None:
    assert explained_variance(torch.zeros(1, 3), torch.ones(1, 3), MASK).item() == 0.0
