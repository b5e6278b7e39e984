"""S18: an advantage comes from what follows a token, not from its own reward.

Reported as rlhf-book PR 216. The score stands on the last token; every earlier one must hear of it.
"""

import torch

from prefloop.functional.advantages import gae
from tests.tolerances import FP32
from tests.wrong_twins import twins

REWARDS = torch.tensor([[0.0, 0.0, 0.0, 3.0]])
VALUES = torch.tensor([[0.5, 1.0, 1.5, 2.0]])
MASK = torch.ones(1, 4, dtype=torch.bool)


def test_with_lambda_one_each_token_gets_the_whole_return_less_its_value() -> None:
    advantages, returns = gae(REWARDS, VALUES, MASK, gamma=1.0, lam=1.0)
    torch.testing.assert_close(advantages, torch.tensor([[2.5, 2.0, 1.5, 1.0]]), **FP32)
    torch.testing.assert_close(returns, torch.full((1, 4), 3.0), **FP32)


def test_twin_never_tells_the_earlier_tokens() -> None:
    advantages, _ = twins.advantages_from_rewards(REWARDS, VALUES, MASK, gamma=1.0, lam=1.0)
    assert (advantages[:, :-1] < 0).all()
