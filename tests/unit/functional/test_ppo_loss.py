"""The clipped losses: microbatches add up, gradients go where they should."""

import pytest
import torch
from torch import Tensor

from prefloop.functional.ppo_loss import clipped_policy_loss, clipped_value_loss
from tests.tolerances import FP32, FP64

GENERATOR = torch.Generator().manual_seed(8)
B, T = 8, 5
MASK = torch.arange(T) < torch.tensor([5, 1, 3, 4, 2, 5, 1, 2]).unsqueeze(1)


def noise(scale: float = 1.0) -> Tensor:
    return scale * torch.randn(B, T, generator=GENERATOR, dtype=torch.float64)


NEW, OLD, ADVANTAGES = noise(0.3) - 2, noise(0.3) - 2, noise()
VALUES, OLD_VALUES, RETURNS = noise(), noise(), noise()


def policy_loss_in(n_parts: int, *, is_shared: bool = True) -> tuple[Tensor, list[Tensor]]:
    """Return the gradient and the summed statistics when worked in `n_parts` microbatches."""
    new = NEW.clone().requires_grad_()
    denominator = MASK.sum() if is_shared else None
    totals = [torch.zeros((), dtype=torch.float64) for _ in range(3)]
    for rows in torch.arange(B).chunk(n_parts):
        part = clipped_policy_loss(
            new[rows],
            OLD[rows],
            ADVANTAGES[rows],
            MASK[rows],
            clip_range=0.2,
            denominator=denominator,
        )
        part.loss.backward()
        totals = [a + b.detach() for a, b in zip(totals, part[:3], strict=True)]
    assert new.grad is not None
    return new.grad, totals


def value_loss_in(n_parts: int) -> tuple[Tensor, list[Tensor]]:
    values = VALUES.clone().requires_grad_()
    totals = [torch.zeros((), dtype=torch.float64) for _ in range(2)]
    for rows in torch.arange(B).chunk(n_parts):
        part = clipped_value_loss(
            values[rows],
            OLD_VALUES[rows],
            RETURNS[rows],
            MASK[rows],
            clip_range_value=0.2,
            denominator=MASK.sum(),
        )
        part.loss.backward()
        totals = [a + b.detach() for a, b in zip(totals, part, strict=True)]
    assert values.grad is not None
    return values.grad, totals


@pytest.mark.parametrize("n_parts", [2, 4, 8])
def test_microbatches_of_both_losses_add_up_to_the_minibatch(n_parts: int) -> None:
    for work in (policy_loss_in, value_loss_in):
        whole, parts = work(1), work(n_parts)
        torch.testing.assert_close(parts[0], whole[0], **FP64)
        torch.testing.assert_close(parts[1], whole[1], **FP64)


def test_twin_that_averages_each_microbatch_alone_is_seen() -> None:
    whole, parts = policy_loss_in(1), policy_loss_in(8, is_shared=False)
    with pytest.raises(AssertionError, match="not close"):
        torch.testing.assert_close(parts[0] / 8, whole[0], **FP64)


def test_denominator_defaults_to_the_masks_own_count() -> None:
    torch.testing.assert_close(policy_loss_in(1), policy_loss_in(1, is_shared=False), **FP64)


def test_gradient_at_the_rollout_is_the_policy_gradient() -> None:
    new = OLD.clone().requires_grad_()
    loss = clipped_policy_loss(new, OLD, ADVANTAGES, MASK, clip_range=0.2)
    loss.loss.backward()
    expected = -(ADVANTAGES * MASK) / MASK.sum()
    torch.testing.assert_close(new.grad, expected, **FP64)
    assert loss.approx_kl.item() == 0.0
    assert loss.clip_fraction.item() == 0.0
    assert loss.ratio_max.item() == loss.ratio_mean.item() == 1.0


@pytest.mark.parametrize(
    ("ratio", "advantage", "is_stopped"),
    [(1.5, 1.0, True), (0.5, 1.0, False), (1.5, -1.0, False), (0.5, -1.0, True)],
)
def test_clip_stops_a_step_that_goes_on_and_lets_one_that_comes_back(
    ratio: float, advantage: float, is_stopped: bool
) -> None:
    new = torch.tensor([[ratio]]).log().requires_grad_()
    mask = torch.tensor([[True]])
    result = clipped_policy_loss(
        new, torch.zeros(1, 1), torch.tensor([[advantage]]), mask, clip_range=0.2
    )
    result.loss.backward()
    assert new.grad is not None
    assert (new.grad.item() == 0.0) == is_stopped
    assert result.clip_fraction.item() == float(is_stopped)


def test_infinite_logprobs_in_the_padding_reach_neither_loss_nor_gradient() -> None:
    new = torch.tensor([[-1.0, -torch.inf, torch.nan]], requires_grad=True)
    old = torch.tensor([[-1.5, -torch.inf, 0.0]])
    advantages = torch.tensor([[2.0, torch.nan, 1.0]])
    mask = torch.tensor([[True, False, False]])
    result = clipped_policy_loss(new, old, advantages, mask, clip_range=1.0)
    result.loss.backward()
    assert result.loss.item() == pytest.approx(-2.0 * 1.6487212707)
    expected = torch.tensor([[-2.0 * 1.6487212707, 0.0, 0.0]])
    torch.testing.assert_close(new.grad, expected, **FP32)


def test_nan_values_in_the_padding_reach_neither_loss_nor_gradient() -> None:
    values = torch.tensor([[1.0, torch.nan]], requires_grad=True)
    old, returns = torch.tensor([[1.0, torch.nan]]), torch.tensor([[3.0, torch.nan]])
    mask = torch.tensor([[True, False]])
    result = clipped_value_loss(values, old, returns, mask, clip_range_value=0.2)
    result.loss.backward()
    assert result.loss.item() == 2.0
    assert values.grad is not None
    assert values.grad.tolist() == [[-2.0, 0.0]]


def test_statistics_carry_no_gradient() -> None:
    new = NEW.clone().requires_grad_()
    result = clipped_policy_loss(new, OLD, ADVANTAGES, MASK, clip_range=0.2)
    assert result.loss.requires_grad
    assert not any(x.requires_grad for x in result[1:])


def test_minibatch_in_which_nothing_counts_is_refused() -> None:
    nothing = torch.zeros(B, T, dtype=torch.bool)
    with pytest.raises(ValueError, match="no token counts"):
        clipped_policy_loss(NEW, OLD, ADVANTAGES, nothing, clip_range=0.2)
