"""The reward of the paper, recomputed; numbers by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from prefloop.functional.reward_identity import expected_rewards, reward_gap, reward_weights
from tests.known import known
from tests.tolerances import FP64

LOGPROBS = [[-1.0, -2.0, 9.0], [-3.0, -0.5, -1.0]]
REFERENCE = [[-2.0, -2.5, -7.0], [-1.0, -0.5, -2.0]]
MASK = [[True, True, False], [True, True, True]]


def check_expected(expected: Callable[..., Any]) -> None:
    """By hand: KLs of 1 + 0.5 and -2 + 0 + 1; rewards of 4 - 0.2 * 1.5 and -1 + 0.2."""
    rewards, kl = expected([4.0, -1.0], LOGPROBS, REFERENCE, MASK, kl_coef=0.2)
    np.testing.assert_allclose(kl, [1.5, -1.0], **FP64)
    np.testing.assert_allclose(rewards, [3.7, -0.8], **FP64)


def reversed_kl(scores: Any, logprobs: Any, ref: Any, mask: Any, *, kl_coef: float) -> Any:
    rewards, kl = expected_rewards(scores, ref, logprobs, mask, kl_coef=kl_coef)
    return rewards, -kl


def over_padding(scores: Any, logprobs: Any, ref: Any, mask: Any, *, kl_coef: float) -> Any:
    return expected_rewards(scores, logprobs, ref, np.ones_like(mask), kl_coef=kl_coef)


def test_rewards_by_hand() -> None:
    check_expected(expected_rewards)


@pytest.mark.parametrize("twin", [reversed_kl, over_padding])
def test_twin_is_caught(twin: Callable[..., Any]) -> None:
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check_expected(twin)


def test_the_gap_is_the_largest_difference_in_units_of_the_largest_reward_or_of_1() -> None:
    assert reward_gap([3.0, -8.0], [4.0, -10.0]) == 0.2
    assert reward_gap([0.1, 0.2], [0.1, 0.5]) == pytest.approx(0.3)


def test_weights_are_those_of_both_together() -> None:
    """Responses that score high have a high KL: alone, the reward would rise with the KL."""
    kl = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    scores = kl + np.array([0.1, -0.1, 0.0, 0.2, -0.2])
    rewards = scores - 0.3 * kl
    assert np.corrcoef(rewards, kl)[0, 1] > 0.9
    weights = known(reward_weights(rewards, scores, kl))
    np.testing.assert_allclose(weights, (1.0, -0.3), **FP64)
    turned = known(reward_weights(-rewards, scores, kl))
    np.testing.assert_allclose(turned, (-1.0, 0.3), **FP64)


@pytest.mark.parametrize("kl", [[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]], ids=["none", "as the scores"])
def test_without_spread_of_its_own_there_is_no_weight(kl: list[float]) -> None:
    assert reward_weights([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], kl) is None
    assert reward_weights([1.0, 2.0], [1.0, 2.0], [2.0, 1.0]) is None
