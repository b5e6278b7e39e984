"""The controller brings a drifting policy back to its target."""

import pytest

from prefloop.functional.kl_control import adaptive_kl_coef


def test_at_the_target_nothing_moves() -> None:
    assert adaptive_kl_coef(0.15, 6.0, target=6.0, horizon=1e4, n_episodes=512) == 0.15


def test_ten_thousand_episodes_far_off_change_it_by_about_a_fifth() -> None:
    coef = 1.0
    for _ in range(20):
        coef = adaptive_kl_coef(coef, 100.0, target=6.0, horizon=1e4, n_episodes=500)
    assert coef == pytest.approx(1.01**20)


def test_a_policy_whose_kl_falls_with_the_coefficient_settles_at_the_target() -> None:
    """KL = 0.9 / coef: the only rest is coef = 0.15."""
    coef = 0.4
    for _ in range(2000):
        coef = adaptive_kl_coef(coef, 0.9 / coef, target=6.0, horizon=1e4, n_episodes=512)
    assert coef == pytest.approx(0.15, rel=1e-3)
