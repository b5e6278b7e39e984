"""S1: the score stands on the last token that counts, and every token hears of it.

Reported as trl#3750 and DeepSpeedExamples PR 672: the score one slot later, on the first padding,
where a mask may erase it.
"""

import pytest
import torch

from prefloop.functional.advantages import gae
from prefloop.functional.rewards import shape_rewards
from tests.tolerances import EXACT, FP32
from tests.wrong_twins import twins

MASK = torch.tensor([[True, True, True, False, False], [True, False, False, False, False]])
SCORES = torch.tensor([2.0, -3.0])
ZEROS = torch.zeros(2, 5)


def advantages(shape=shape_rewards) -> torch.Tensor:
    rewards, _ = shape(SCORES, ZEROS, ZEROS, MASK, kl_coef=0.1)
    return gae(rewards, ZEROS, MASK, gamma=1.0, lam=1.0)[0]


def test_score_stands_on_the_last_token_that_counts() -> None:
    rewards, _ = shape_rewards(SCORES, ZEROS, ZEROS, MASK, kl_coef=0.1)
    expected = torch.tensor([[0.0, 0.0, 2.0, 0.0, 0.0], [-3.0, 0.0, 0.0, 0.0, 0.0]])
    torch.testing.assert_close(rewards, expected, **EXACT)


def test_score_reaches_the_advantage_of_every_token_that_counts() -> None:
    expected = SCORES.unsqueeze(1) * MASK
    torch.testing.assert_close(advantages(), expected, **FP32)


@pytest.mark.parametrize("twin", [twins.rewards_score_late, twins.rewards_score_at_the_edge])
def test_twin_loses_the_score(twin) -> None:
    assert (advantages(twin) == 0).all()
