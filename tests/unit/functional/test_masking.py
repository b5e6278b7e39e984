"""Means and whitening over the tokens that count."""

import pytest
import torch

from prefloop.functional.masking import last_index, masked_mean, masked_sum, masked_whiten
from tests.tolerances import FP32

NOTHING = torch.zeros(2, 3, dtype=torch.bool)


def test_mean_of_nothing_is_refused_not_nan() -> None:
    with pytest.raises(ValueError, match="no token counts"):
        masked_mean(torch.ones(2, 3), NOTHING)
    with pytest.raises(ValueError, match="no token counts"):
        masked_whiten(torch.ones(2, 3), NOTHING, center=True)


def test_sum_of_nothing_is_zero() -> None:
    assert masked_sum(torch.ones(2, 3), NOTHING).item() == 0.0


def test_nan_in_the_padding_is_never_read() -> None:
    x = torch.tensor([[1.0, 3.0, float("nan")]], requires_grad=True)
    mask = torch.tensor([[True, True, False]])
    mean = masked_mean(x, mask)
    mean.backward()
    assert mean.item() == 2.0
    torch.testing.assert_close(x.grad, torch.tensor([[0.5, 0.5, 0.0]]), **FP32)
    assert masked_whiten(x.detach(), mask, center=False).isfinite().all()


def test_denominator_stands_in_for_the_count() -> None:
    x, mask = torch.tensor([[2.0, 4.0]]), torch.tensor([[True, True]])
    assert masked_mean(x, mask, denominator=torch.tensor(12)).item() == 0.5
    assert masked_mean(x, NOTHING[:1, :2], denominator=torch.tensor(12)).item() == 0.0


def test_equal_numbers_are_whitened_to_zero_not_nan() -> None:
    x, mask = torch.full((2, 2), 3.0), torch.ones(2, 2, dtype=torch.bool)
    assert masked_whiten(x, mask, center=True).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert masked_whiten(x, mask, center=False).tolist() == [[3.0, 3.0], [3.0, 3.0]]


def test_a_response_without_tokens_has_no_last_token() -> None:
    with pytest.raises(ValueError, match="no token that counts"):
        last_index(torch.tensor([[True, False], [False, False]]))


def test_shapes_are_checked_while_tests_run() -> None:
    with pytest.raises(Exception, match="masked_mean"):
        masked_mean(torch.ones(2, 3), torch.ones(3, 2, dtype=torch.bool))
