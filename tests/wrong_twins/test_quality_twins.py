"""Every known mistake fails the golden numbers that the shipped figure passes."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.golden.quality import FORMULAS, check_quality
from tests.wrong_twins import choice_twins
from tests.wrong_twins import quality_twins as twins

TWINS: dict[str, list[Callable[..., Any]]] = {
    "beta_bounds": [twins.beta_flat_prior, twins.beta_whole_tail, twins.beta_wald],
    "q_values": [twins.q_unadjusted, twins.q_bonferroni, twins.q_not_monotone],
    "share_estimate": [
        twins.share_normal_quantile,
        twins.share_joined_of_two,
        twins.share_certain_without_variance,
        twins.share_every_answer_counts,
    ],
    "pairwise_agreement": [
        twins.pairwise_wilson,
        twins.pairwise_by_question,
        twins.pairwise_by_one_labeler,
        twins.pairwise_counted_twice,
    ],
    "agreement_with_others": [twins.others_with_oneself, twins.others_by_question],
    "agreement_with": [twins.with_owners_among_themselves, twins.with_owners_by_question],
    "excess_over_others": [twins.excess_over_the_average, twins.excess_two_sided],
    "above_chance": [twins.chance_not_scaled, twins.chance_always_half],
    "right_probability": [
        twins.right_is_skill,
        twins.right_always_two,
        twins.right_below_like_above,
    ],
    "one_coin_skills": [
        twins.skills_without_gold,
        twins.skills_of_two,
        twins.skills_minority_first,
        twins.skills_vouched_for_by_oneself,
    ],
    "position_test": [
        twins.positions_as_stored,
        twins.positions_of_the_widest,
        twins.positions_repeated_evidence,
    ],
    "run_probability": [twins.run_at_the_start, twins.run_union_bound, twins.run_one_shorter],
    "longest_run": [twins.longest_counts_everything, twins.longest_skips],
    "fit_learning_curve": [
        twins.curve_unweighted,
        twins.curve_unbounded,
        twins.curve_in_one_over_n,
    ],
    "standardize": [choice_twins.units_over_everything, choice_twins.units_of_the_chosen_sample],
    "fit_choice_model": [
        choice_twins.choice_sign_flipped,
        choice_twins.choice_rows_alone,
        choice_twins.choice_ties_dropped,
        choice_twins.choice_first_of_ties,
    ],
    "coefficient_estimates": [
        choice_twins.intervals_by_rows,
        choice_twins.intervals_of_the_likelihood,
        choice_twins.intervals_normal_quantile,
    ],
    "out_of_fold_credit": [choice_twins.credit_in_fold, choice_twins.credit_to_the_first],
    "group_deviations": [
        choice_twins.deviations_by_themselves,
        choice_twins.deviations_in_full,
        choice_twins.deviations_of_everybody,
    ],
    "random_effects": [
        choice_twins.effects_without_shrinkage,
        choice_twins.effects_of_the_raw_spread,
    ],
    "tail_probability": [choice_twins.tail_more_than, choice_twins.tail_of_the_mean],
    "count_looks": [choice_twins.looks_at_every_answer, choice_twins.looks_at_the_end],
    "next_look": [choice_twins.next_look_at_once, choice_twins.next_look_same_steps],
}
PAIRS = [(name, twin) for name, found in TWINS.items() for twin in found]


@pytest.mark.parametrize(("name", "twin"), PAIRS, ids=lambda x: getattr(x, "__name__", x))
def test_twin_is_caught(name: str, twin: Callable[..., Any]) -> None:
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check_quality(name, twin)


@pytest.mark.parametrize("name", sorted(TWINS))
def test_shipped_figure_passes_the_same_check(name: str) -> None:
    check_quality(name, FORMULAS[name])


def test_every_figure_has_a_twin() -> None:
    assert set(TWINS) == set(FORMULAS)
