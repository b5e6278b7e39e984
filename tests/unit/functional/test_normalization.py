"""Scores that cannot be normalized are refused, not passed on as infinite gains."""

import pytest
import torch

from prefloop.functional.normalization import gain_and_shift


@pytest.mark.parametrize("value", [0.0, 0.1, -7.3])
def test_equal_scores_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="no spread"):
        gain_and_shift(torch.full((9,), value))


@pytest.mark.parametrize("scores", [[1.0], [1.0, float("nan")], [1.0, float("inf")]])
def test_too_few_or_infinite_scores_are_refused(scores: list[float]) -> None:
    with pytest.raises(ValueError, match="finite"):
        gain_and_shift(torch.tensor(scores))


def test_a_tiny_spread_about_a_large_mean_is_still_measured() -> None:
    scores = torch.tensor([1000.0, 1000.25, 1000.5])
    gain, shift = gain_and_shift(scores)
    normalized = gain * scores.double() + shift
    assert normalized.mean().item() == pytest.approx(0.0, abs=1e-9)
    assert normalized.std(correction=0).item() == pytest.approx(1.0)
