"""The best trade-off against its closed forms."""

import numpy as np
import pytest

from prefloop.functional.frontier import best_of_n, optimal_frontier, reward_at_kl
from tests.tolerances import FP64, STATISTICAL


@pytest.mark.parametrize(("spread", "beta"), [(1.0, 2.0), (1.0, 1.0), (3.0, 3.0)])
def test_gaussian_rewards_shift_by_variance_over_beta(spread: float, beta: float) -> None:
    """pi* is N(mean + s^2 / beta, s^2); KL = s^2 / (2 beta^2)."""
    rewards = np.random.default_rng(0).normal(0.4, spread, size=(50, 4000))
    (point,) = optimal_frontier(rewards, np.array([beta])).points
    np.testing.assert_allclose(point.reward, 0.4 + spread**2 / beta, **STATISTICAL)
    np.testing.assert_allclose(point.kl_nats, spread**2 / (2 * beta**2), **STATISTICAL)
    expected = 4000 * np.exp(-(spread**2) / beta**2)
    assert abs(point.effective_samples / expected - 1) < 0.1
    assert point.is_trustworthy


def test_two_point_rewards_by_hand() -> None:
    """Rewards 0 and log 3 at beta 1: weights 1/4, 3/4; KL = log 2 - H(1/4, 3/4)."""
    rewards = np.array([[0.0, np.log(3.0)]])
    (point,) = optimal_frontier(rewards, np.array([1.0])).points
    np.testing.assert_allclose(point.reward, 0.75 * np.log(3.0), **FP64)
    kl = np.log(2) + 0.25 * np.log(0.25) + 0.75 * np.log(0.75)
    np.testing.assert_allclose(point.kl_nats, kl, **FP64)
    reverse = 0.5 * np.log(0.5 / 0.25) + 0.5 * np.log(0.5 / 0.75)
    assert abs(point.kl_nats - reverse) > 0.01, "wrong twin: KL(rho || pi*)"


def test_few_samples_are_not_trusted_far() -> None:
    rewards = np.random.default_rng(1).normal(size=(40, 64))
    frontier = optimal_frontier(rewards)
    assert 0.5 < frontier.max_trustworthy_kl_nats < 2
    np.testing.assert_allclose(frontier.max_expressible_kl_nats, np.log(64), **FP64)
    assert all(point.kl_nats <= np.log(64) for point in frontier.points)
    assert reward_at_kl(frontier, 6.0) is None
    inside = reward_at_kl(frontier, 0.5)
    assert inside is not None
    np.testing.assert_allclose(inside, 1.0, **STATISTICAL)


def test_prompts_with_nothing_to_choose_do_not_vouch_for_the_others() -> None:
    """Half of the prompts have equal rewards: their samples all count, at any KL.

    Trusted by the mean of the effective samples, the others would be carried by a single one.
    """
    rng = np.random.default_rng(6)
    flat, spread = np.zeros((20, 64)), rng.normal(size=(20, 64))
    mixed = optimal_frontier(np.concatenate([flat, spread]), np.geomspace(16, 1 / 30, 40))
    alone = optimal_frontier(spread, np.geomspace(16, 1 / 30, 40))
    trusted = [point.is_trustworthy for point in mixed.points]
    assert sum(trusted) <= sum(point.is_trustworthy for point in alone.points) + 1
    last = mixed.points[sum(trusted) - 1]
    # Gaussian rewards at a KL of k gain sqrt(2 k); half of the prompts gain nothing at none.
    np.testing.assert_allclose(last.reward, 0.5 * np.sqrt(2 * 2 * last.kl_nats), **STATISTICAL)


def test_more_samples_are_trusted_further() -> None:
    rng = np.random.default_rng(2)
    reach = [
        optimal_frontier(rng.normal(size=(20, n))).max_trustworthy_kl_nats for n in (32, 256, 4096)
    ]
    assert reach == sorted(reach)
    assert reach[0] < reach[-1]


def test_reward_and_kl_grow_together() -> None:
    points = optimal_frontier(np.random.default_rng(3).gumbel(size=(10, 200))).points
    assert np.all(np.diff([p.kl_nats for p in points]) > -FP64["atol"])
    assert np.all(np.diff([p.reward for p in points]) > -FP64["atol"])


def test_equal_rewards_leave_nothing_to_gain() -> None:
    frontier = optimal_frontier(np.full((3, 5), 2.0))
    assert [p.reward for p in frontier.points] == pytest.approx([2.0])
    assert reward_at_kl(frontier, 0.0) == pytest.approx(2.0)


@pytest.mark.parametrize("n", [1, 2, 5, 20])
def test_best_of_n_of_consecutive_numbers_is_the_known_mean_of_the_maximum(n: int) -> None:
    """The mean of the largest of n drawn from 1..N without repetition is n (N + 1) / (n + 1)."""
    got = best_of_n(np.arange(1.0, 21.0)[None, :], n)
    np.testing.assert_allclose(got.reward, n * 21 / (n + 1), **FP64)


def test_without_a_trustworthy_point_no_reward_is_known_even_at_no_kl() -> None:
    frontier = optimal_frontier(np.array([[0.0, 5.0]]), np.array([0.01]))
    assert not any(point.is_trustworthy for point in frontier.points)
    assert reward_at_kl(frontier, 0.0) is None


def test_best_of_16_costs_184_hundredths_of_a_nat() -> None:
    """log 16 - 15/16 = 1.8351 (the figure of the 2019 follow-ups)."""
    assert round(best_of_n(np.zeros((1, 16)), 16).kl_nats, 4) == 1.8351


def test_best_of_n_lies_below_the_frontier() -> None:
    rewards = np.random.default_rng(4).normal(size=(30, 2000))
    frontier = optimal_frontier(rewards)
    for n in (2, 4, 8):
        point = best_of_n(rewards, n)
        best = reward_at_kl(frontier, point.kl_nats)
        assert best is not None
        assert 0.8 * best < point.reward <= best


def test_best_of_more_than_there_are_is_refused() -> None:
    with pytest.raises(ValueError, match="best of 5 needs at least 5 samples per prompt"):
        best_of_n(np.zeros((2, 4)), 5)
