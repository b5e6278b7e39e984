"""PPO with these formulas finds the best policy over responses of unequal length."""

import pytest

from tests.unit.functional.sentences import REF, Formulas, total_variation, train
from tests.wrong_twins import twins

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
