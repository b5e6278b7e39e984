"""PPO and RLOO with these formulas find the best policy over responses of unequal length."""

import pytest

from tests.unit.functional.sentences import (
    REF,
    Formulas,
    RLOOFormulas,
    total_variation,
    train,
    train_rloo,
)
from tests.wrong_twins import rloo_twins, twins

CLOSE = 0.005
FAR = 0.05


def test_start_is_far_from_the_best_policy() -> None:
    assert total_variation(REF) > 0.4


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_policy_reaches_the_closed_form(seed: int) -> None:
    assert total_variation(train(seed, Formulas())) < CLOSE


@pytest.mark.parametrize(
    "formulas",
    [
        Formulas(shape=twins.rewards_kl_sign),
        Formulas(shape=twins.rewards_without_penalty),
        Formulas(shape=twins.rewards_score_late),
        Formulas(shape=twins.rewards_score_everywhere),
        Formulas(estimate=twins.advantages_from_rewards),
        Formulas(estimate=twins.gae_bootstrapped_at_the_end),
    ],
    ids=["kl sign", "no penalty", "score late", "score everywhere", "S18", "bootstrapped"],
)
def test_policy_with_a_wrong_formula_ends_far_away(formulas: Formulas) -> None:
    assert total_variation(train(0, formulas)) > FAR


@pytest.mark.parametrize(("seed", "k"), [(0, 2), (1, 4), (2, 8)])
def test_rloo_reaches_the_same_closed_form(seed: int, k: int) -> None:
    assert total_variation(train_rloo(seed, RLOOFormulas(), k=k)) < 4 * CLOSE


@pytest.mark.parametrize(
    "formulas",
    [
        RLOOFormulas(advantage=rloo_twins.baseline_sign),
        RLOOFormulas(reward=rloo_twins.rewards_without_kl),
        RLOOFormulas(reward=rloo_twins.rewards_kl_reversed),
        RLOOFormulas(reward=rloo_twins.rewards_kl_per_token),
        RLOOFormulas(loss=rloo_twins.sequence_loss_sign),
    ],
    ids=["baseline sign", "no KL", "KL reversed", "KL per token", "loss sign"],
)
def test_rloo_with_a_wrong_formula_ends_far_away(formulas: RLOOFormulas) -> None:
    assert total_variation(train_rloo(0, formulas)) > FAR
