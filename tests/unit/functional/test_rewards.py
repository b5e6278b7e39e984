"""Rewards per token."""

import pytest
import torch

from prefloop.functional.rewards import penalize_unended, shape_rewards


def test_infinite_logprobs_in_the_padding_are_never_read() -> None:
    logprobs = torch.tensor([[-1.0, -torch.inf]])
    ref = torch.tensor([[-3.0, -torch.inf]])
    mask = torch.tensor([[True, False]])
    rewards, kl = shape_rewards(torch.tensor([1.0]), logprobs, ref, mask, kl_coef=0.5)
    assert rewards.tolist() == [[0.0, 0.0]]
    assert kl.tolist() == [[2.0, 0.0]]


def test_a_response_without_tokens_cannot_lose_its_score_in_silence() -> None:
    zeros = torch.zeros(1, 2)
    with pytest.raises(ValueError, match="no token that counts"):
        shape_rewards(torch.ones(1), zeros, zeros, zeros.bool(), kl_coef=0.1)


def test_scores_in_another_precision_keep_the_precision_of_the_logprobs() -> None:
    zeros = torch.zeros(1, 2)
    scores = torch.ones(1, dtype=torch.float64)
    rewards, _ = shape_rewards(scores, zeros, zeros, torch.ones(1, 2).bool(), kl_coef=0.1)
    assert rewards.dtype == torch.float32


def test_penalty_replaces_even_a_score_that_is_not_a_number() -> None:
    scores = penalize_unended(
        torch.tensor([torch.nan, 1.0]), torch.tensor([False, True]), penalty=-1.0
    )
    assert scores.tolist() == [-1.0, 1.0]
