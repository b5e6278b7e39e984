"""Every historical mistake fails the golden numbers that the shipped formula passes."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.golden.cases import check
from tests.golden.formulas import FORMULAS, formula
from tests.wrong_twins import (
    a2po_twins,
    best_of_n_twins,
    dpo_twins,
    kl_twins,
    ranking_twins,
    rloo_twins,
    twins,
)

TWINS: dict[str, list[Callable[..., Any]]] = {
    "masked_sum": [twins.padding_in_the_sum],
    "masked_row_sums": [twins.padding_in_the_row_sums],
    "masked_mean": [twins.padding_in_the_mean, twins.mask_upside_down],
    "masked_var": [twins.variance_unbiased],
    "masked_whiten": [
        twins.whiten_polarity,
        twins.whiten_unbiased,
        twins.whiten_scales_the_mean,
    ],
    "last_index": [twins.last_index_counts_from_one],
    "token_logprobs": [twins.logprobs_without_temperature, twins.logprobs_temperature_after],
    "entropy": [twins.entropy_without_temperature, twins.entropy_sign],
    "ban_tokens": [twins.ban_the_others],
    "kl_k1": [kl_twins.kl_reversed, kl_twins.kl_over_padding],
    "kl_k3": [kl_twins.k3_reversed, kl_twins.kl_over_padding],
    "kl_increase": [
        kl_twins.gained_untruncated,
        kl_twins.gained_unweighted,
        kl_twins.gained_ratio_reversed,
        kl_twins.gained_mean,
    ],
    "kl_k2": [kl_twins.k2_not_halved, kl_twins.k2_over_padding, kl_twins.k2_absolute],
    "sequence_kl": [kl_twins.sequence_kl_mean],
    "exact_kl": [kl_twins.exact_kl_reversed, kl_twins.exact_kl_without_temperature],
    "shape_rewards": [
        twins.rewards_kl_sign,
        twins.rewards_without_penalty,
        twins.rewards_score_sign,
        twins.rewards_score_late,
        twins.rewards_score_at_the_edge,
        twins.rewards_score_everywhere,
    ],
    "sequence_rewards": [
        rloo_twins.rewards_without_kl,
        rloo_twins.rewards_kl_reversed,
        rloo_twins.rewards_kl_per_token,
        rloo_twins.rewards_kl_over_padding,
    ],
    "leave_one_out_advantages": [
        rloo_twins.baseline_with_oneself,
        rloo_twins.baseline_sign,
        rloo_twins.baseline_of_all_prompts,
        rloo_twins.baseline_of_interleaved_groups,
        rloo_twins.advantages_scaled_by_group,
    ],
    "clipped_sequence_loss": [
        rloo_twins.sequence_loss_sign,
        rloo_twins.sequence_loss_optimistic,
        rloo_twins.sequence_loss_unclipped,
        rloo_twins.sequence_loss_per_token,
        rloo_twins.sequence_loss_over_padding,
        rloo_twins.sequence_loss_of_microbatch,
    ],
    "optimal_values": [
        a2po_twins.values_of_the_sum,
        a2po_twins.values_mean,
        a2po_twins.values_best,
        a2po_twins.values_without_temperature,
        a2po_twins.values_temperature_reversed,
    ],
    "advantage_regression_loss": [
        a2po_twins.regression_sign,
        a2po_twins.regression_without_reference,
        a2po_twins.regression_without_coefficient,
        a2po_twins.regression_per_token,
        a2po_twins.regression_over_padding,
        a2po_twins.regression_of_microbatch,
    ],
    "best_of_n_kl": [
        best_of_n_twins.kl_of_a_filter,
        best_of_n_twins.kl_in_bits,
        best_of_n_twins.kl_minus_one_nth,
        best_of_n_twins.kl_grows_with_the_share,
    ],
    "best_rows": [
        best_of_n_twins.worst_of_n,
        best_of_n_twins.across_prompts,
        best_of_n_twins.within_the_group,
        best_of_n_twins.last_of_equals,
    ],
    "dpo_loss": [
        dpo_twins.margin_sign,
        dpo_twins.without_reference,
        dpo_twins.without_beta,
        dpo_twins.over_padding,
        dpo_twins.per_token,
        dpo_twins.halves,
        dpo_twins.hard_votes,
        dpo_twins.of_microbatch,
        dpo_twins.mean_over_responses,
    ],
    "penalize_unended": [twins.penalty_added, twins.penalty_for_the_ended],
    "gae": [
        twins.gae_values_not_masked,
        twins.gae_bootstrapped_at_the_end,
        twins.gae_without_lambda,
        twins.gae_returns_from_whitened,
        twins.advantages_from_rewards,
    ],
    "explained_variance": [
        twins.explained_variance_of_residual,
        twins.explained_variance_over_padding,
    ],
    "clipped_policy_loss": [
        twins.surrogate_sign,
        twins.surrogate_optimistic,
        twins.surrogate_unclipped,
        twins.surrogate_ratio_reversed,
        twins.surrogate_over_padding,
    ],
    "clipped_value_loss": [
        twins.value_clip_optimistic,
        twins.value_clip_about_zero,
        twins.value_loss_not_halved,
    ],
    "best_of_k_loss": [
        twins.best_of_k_sign,
        twins.best_of_k_absent_counts,
        twins.best_of_k_hard_target,
    ],
    "best_of_k_accuracy": [twins.accuracy_first_wins, twins.accuracy_absent_counts],
    "plackett_luce_loss": [
        ranking_twins.plackett_luce_sign,
        ranking_twins.plackett_luce_first_only,
        ranking_twins.plackett_luce_among_all,
        ranking_twins.plackett_luce_per_choice,
    ],
    "plackett_luce_accuracy": [ranking_twins.accuracy_of_all_votes],
    "kl_cap_weight": [kl_twins.cap_weight_at_once, kl_twins.cap_weight_below_the_cap],
    "adaptive_kl_coef": [
        kl_twins.controller_sign,
        kl_twins.controller_unclipped,
        kl_twins.controller_ignores_batch,
    ],
    "linear_decay": [twins.decay_one_step_early],
    "cosine_decay": [twins.cosine_whole_turn, twins.decay_one_step_early],
    "label_budget": [twins.label_budget_linear],
    "gain_and_shift": [twins.gain_with_sample_std, twins.shift_not_scaled],
    "stop_index": [twins.stop_at_any_index, twins.stop_at_the_last],
    "truncation_mask": [twins.truncation_drops_the_stop, twins.truncation_empties_the_unended],
    "tensorflow_eps": [twins.adam_eps_uncorrected],
}
PAIRS = [(name, twin) for name, found in TWINS.items() for twin in found]


@pytest.mark.parametrize(("name", "twin"), PAIRS, ids=lambda x: getattr(x, "__name__", x))
def test_twin_is_caught(name: str, twin: Callable[..., Any]) -> None:
    with pytest.raises(AssertionError, match=r"are not (close|equal)"):
        check(name, twin)


@pytest.mark.parametrize("name", sorted(TWINS))
def test_shipped_formula_passes_the_same_check(name: str) -> None:
    check(name, formula(name))


def test_every_formula_has_a_twin() -> None:
    assert set(TWINS) == set(FORMULAS)
