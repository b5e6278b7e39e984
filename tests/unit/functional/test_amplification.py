"""Weights in labels beside those in a reward model, against numbers worked out by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from prefloop.functional.amplification import amplification, model_choices, score_scale
from prefloop.functional.best_of_n import best_of_n_kl
from prefloop.functional.choice_model import ChoiceRows
from prefloop.functional.frontier import best_of_n, best_of_n_by, order_weights
from tests.wrong_twins import reward_audit_twins as twins


def check_best_of_n_by(formula: Callable[..., Any]) -> None:
    """C(1,1)/C(3,2), C(2,1)/C(3,2) = 1/3, 2/3: 0/3 + 2/3 * 5; equal rewards: (4 + 0)/2 each."""
    rewards, values = np.array([[2.0, 1.0, 3.0]]), np.array([[0.0, 10.0, 5.0]])
    np.testing.assert_allclose(formula(rewards, values, 2), [10 / 3])
    np.testing.assert_allclose(formula(rewards, values, 3), [5.0])
    np.testing.assert_allclose(formula(rewards, values, 1), [5.0])
    tied, values = np.array([[1.0, 1.0, 2.0]]), np.array([[4.0, 0.0, 7.0]])
    np.testing.assert_allclose(formula(tied, values, 2), [2 / 3 + 14 / 3])


def check_model_choices(formula: Callable[..., Any]) -> None:
    """exp(0) : exp(ln 3) = 1 : 3; at scale 2, 1 : 9; three equal scores share."""
    scores, starts = np.array([0.0, np.log(3.0), 5.0, 5.0, 5.0]), np.array([0, 2])
    np.testing.assert_allclose(formula(scores, starts), [0.25, 0.75, 1 / 3, 1 / 3, 1 / 3])
    np.testing.assert_allclose(formula(scores, starts, 2.0)[:2], [0.1, 0.9])


def pairs(n: int, right: int, lead: float) -> tuple[ChoiceRows, np.ndarray]:
    """Return n pairs whose first sample leads in score and was chosen `right` times."""
    first = np.arange(n) < right
    targets = np.column_stack([first, ~first]).astype(float).ravel()
    features = np.tile([1.0, 0.0], n)[:, None]
    rows = ChoiceRows(features=features, targets=targets, starts=2 * np.arange(n))
    return rows, np.tile([lead, 0.0], n)


def check_score_scale(formula: Callable[..., Any]) -> None:
    """Three of four go with a lead of 2: 3/4 = 1 / (1 + exp(-2 c)), c = ln 3 / 2."""
    assert formula(*pairs(40, 30, 2.0)) == pytest.approx(np.log(3.0) / 2, rel=1e-6)


FORMULAS: dict[str, tuple[Callable[..., Any], Callable[..., None]]] = {
    "best_of_n_by": (best_of_n_by, check_best_of_n_by),
    "model_choices": (model_choices, check_model_choices),
    "score_scale": (score_scale, check_score_scale),
}
TWINS: list[tuple[str, Callable[..., Any]]] = [
    ("best_of_n_by", twins.kept_by_its_own_value),
    ("best_of_n_by", twins.kept_of_the_first_n),
    ("best_of_n_by", twins.kept_ties_in_order),
    ("model_choices", twins.choices_over_everything),
    ("model_choices", twins.choices_unscaled),
    ("model_choices", twins.choices_divided),
    ("score_scale", twins.scale_as_temperature),
    ("score_scale", twins.scale_of_spread),
]


@pytest.mark.parametrize("name", FORMULAS)
def test_formula_gives_the_numbers_by_hand(name: str) -> None:
    formula, numbers = FORMULAS[name]
    numbers(formula)


@pytest.mark.parametrize(("name", "twin"), TWINS)
def test_wrong_twin_fails_them(name: str, twin: Callable[..., Any]) -> None:
    with pytest.raises(AssertionError):
        FORMULAS[name][1](twin)


def test_a_score_that_labels_contradict_has_scale_0() -> None:
    assert score_scale(*pairs(40, 10, 2.0)) == 0.0


def test_selected_by_itself_it_is_the_best_of_n() -> None:
    rewards = np.random.default_rng(0).normal(size=(7, 9))
    for n in (1, 2, 5, 9):
        assert best_of_n_by(rewards, rewards, n).mean() == pytest.approx(
            best_of_n(rewards, n).reward
        )
        assert order_weights(9, n).sum() == pytest.approx(1.0)
    assert best_of_n_kl(4) == pytest.approx(np.log(4) - 0.75)
    with pytest.raises(ValueError, match="best of 10 needs at least 10"):
        order_weights(9, 10)


def world(seed: int, *, n_prompts: int = 60, each: int = 1) -> tuple[ChoiceRows, Any, Any]:
    """Return labels that follow 1 * x_0 + 1 * x_1, questions of a prompt alike, and its utility."""
    rng = np.random.default_rng(seed)
    features = np.repeat(rng.normal(size=(n_prompts, 1, 4, 2)), each, axis=1).reshape(-1, 2)
    utility = features.sum(axis=1)
    noise = np.repeat(rng.gumbel(size=(n_prompts, 1, 4)), each, axis=1).ravel()
    best = (utility + noise).reshape(-1, 4).argmax(axis=1)
    targets = np.eye(4)[best].ravel()
    starts = 4 * np.arange(n_prompts * each)
    prompt = np.repeat(np.arange(n_prompts), each)
    return ChoiceRows(features=features, targets=targets, starts=starts), utility, prompt


def test_a_sound_model_amplifies_nothing_and_one_that_doubles_a_feature_does() -> None:
    rows, utility, prompt = world(1, n_prompts=200)
    sound = amplification(rows, utility, prompt, scale=1.0, seed=0)
    assert all(d.interval.low < 0 < d.interval.high for d in sound.differences())
    loving = amplification(rows, utility + rows.features[:, 0], prompt, scale=1.0, seed=0)
    first, second = loving.differences(0.99)
    assert first.interval.low > 0.3
    assert second.interval.low < 0 < second.interval.high
    assert (first.n, first.n_clusters) == (200, 200)


def test_intervals_hold_no_difference_as_often_as_they_say() -> None:
    """Of 60 runs at 95 %, 52 or more hold it in 99 of 100 such tests (binomial)."""
    hits = []
    for seed in range(60):
        rows, utility, prompt = world(seed, n_prompts=40)
        (one, _) = amplification(
            rows, utility, prompt, scale=1.0, seed=seed, n_draws=30
        ).differences()
        hits.append(one.interval.low <= 0 <= one.interval.high)
    assert sum(hits) >= 52


def spread(formula: Callable[..., Any]) -> float:
    rows, utility, prompt = world(3, n_prompts=40, each=5)
    found = formula(rows, utility, prompt, scale=1.0, seed=0)
    return float(found.draws[:, 0].std())


def test_questions_on_one_prompt_are_drawn_together() -> None:
    """Five copies of each question tell no more than one: the spread stays, it is not 1/sqrt(5)."""
    rows, utility, prompt = world(3, n_prompts=40, each=1)
    once = float(amplification(rows, utility, prompt, scale=1.0, seed=0).draws[:, 0].std())
    assert spread(amplification) > 0.8 * once
    assert spread(twins.draws_of_questions) < 0.8 * once
