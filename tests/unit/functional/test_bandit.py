"""PPO with these formulas finds the policy that is known to be best."""

import pytest

from tests.unit.functional.bandit import REF_LOGITS, Shape, total_variation, train
from tests.wrong_twins import twins

CLOSE = 0.005
FAR = 0.2


def test_start_is_far_from_the_best_policy() -> None:
    assert total_variation(REF_LOGITS) > FAR


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_policy_reaches_the_closed_form(seed: int) -> None:
    assert total_variation(train(seed)) < CLOSE


@pytest.mark.parametrize(
    "shape", [twins.rewards_kl_sign, twins.rewards_without_penalty, twins.rewards_score_sign]
)
def test_policy_with_a_wrong_reward_ends_far_away(shape: Shape) -> None:
    assert total_variation(train(0, shape=shape)) > FAR
