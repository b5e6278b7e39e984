"""With these formulas every method finds the best policy over responses of unequal length."""

from collections.abc import Callable

import pytest

from prefloop.functional.dpo import PairLoss
from tests.unit.functional.sentences import (
    REF,
    A2POFormulas,
    Formulas,
    RLOOFormulas,
    total_variation,
    train,
    train_a2po,
    train_dpo,
    train_rloo,
)
from tests.wrong_twins import a2po_twins, dpo_twins, rloo_twins, twins

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


@pytest.mark.parametrize("moves", [True, False], ids=["own responses", "the reference's"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a2po_reaches_the_same_closed_form(seed: int, *, moves: bool) -> None:
    """Also from responses of the reference alone: the loss is least there whoever drew them."""
    assert total_variation(train_a2po(seed, A2POFormulas(), moves=moves)) < 4 * CLOSE


@pytest.mark.parametrize(
    "formulas",
    [
        A2POFormulas(loss=a2po_twins.regression_sign),
        A2POFormulas(loss=a2po_twins.regression_without_reference),
        A2POFormulas(loss=a2po_twins.regression_without_coefficient),
        A2POFormulas(loss=a2po_twins.regression_per_token),
    ],
    ids=["sign", "no reference", "no coefficient", "per token"],
)
def test_a2po_with_a_wrong_formula_ends_far_away(formulas: A2POFormulas) -> None:
    assert total_variation(train_a2po(0, formulas, moves=False)) > FAR


def test_a_wrong_value_shows_where_the_policy_does_not_draw_for_itself() -> None:
    wrong = A2POFormulas(value=a2po_twins.values_of_the_sum)
    assert total_variation(train_a2po(0, wrong, moves=False)) > FAR


@pytest.mark.parametrize("seed", [0, 1])
def test_dpo_reaches_the_same_closed_form_from_labels_alone(seed: int) -> None:
    assert total_variation(train_dpo(seed)) < 4 * CLOSE


@pytest.mark.parametrize(
    "twin",
    [
        dpo_twins.margin_sign,
        dpo_twins.without_reference,
        dpo_twins.without_beta,
        dpo_twins.hard_votes,
    ],
)
def test_dpo_with_a_wrong_loss_ends_far_away(twin: Callable[..., PairLoss]) -> None:
    assert total_variation(train_dpo(0, twin)) > FAR
