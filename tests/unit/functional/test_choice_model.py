"""The choice model finds what labelers go by, and its intervals hold what they promise."""

from dataclasses import replace

import numpy as np
import pytest

from prefloop.functional.choice_model import (
    ChoiceRows,
    coefficient_estimates,
    fit_choice_model,
    group_deviations,
    out_of_fold_credit,
    random_effects,
    standardize,
)
from prefloop.functional.statistics import Estimate, paired_win_rate
from tests.tolerances import FP32, FP64

WEIGHTS = np.array([0.8, -0.4, 0.0, 0.0])
K = 4


def drawn(
    rng: np.random.Generator,
    n: int,
    weights: np.ndarray,
    labeler: np.ndarray,
    *,
    spread: float = 0.0,
    shared: float = 0.0,
) -> ChoiceRows:
    """Return choices among K; labelers' weights differ by `spread`, and two answers in a row are
    to one question whose samples have `shared` liking that no feature explains."""
    features = rng.normal(size=(n // 2, K, len(weights))).repeat(2, axis=0)
    own = weights + spread * rng.normal(size=(int(labeler.max()) + 1, len(weights)))
    liking = shared * rng.normal(size=(n // 2, K)).repeat(2, axis=0)
    utility = (features * own[labeler][:, None, :]).sum(axis=2) + liking
    best = (utility + rng.gumbel(size=(n, K))).argmax(axis=1)
    targets = np.zeros((n, K))
    targets[np.arange(n), best] = 1.0
    return ChoiceRows(
        features=features.reshape(-1, len(weights)),
        targets=targets.ravel(),
        starts=np.arange(n) * K,
    )


def estimates(rng: np.random.Generator, n: int, n_labelers: int, **how: float) -> list[Estimate]:
    labeler = np.arange(n) % n_labelers
    rows = drawn(rng, n, WEIGHTS, labeler, **how)
    return coefficient_estimates(fit_choice_model(rows), labeler, np.arange(n) // 2)


def test_a7_weights_are_recovered_within_two_standard_errors() -> None:
    rng = np.random.default_rng(7)
    hits = []
    for _ in range(200):
        labeler = np.arange(400) % 8
        fit = fit_choice_model(drawn(rng, 400, WEIGHTS, labeler))
        errors = np.sqrt(np.diag(np.linalg.inv(fit.information)))
        hits.append(np.abs(fit.coefficients - WEIGHTS) <= 2 * errors)
    assert (np.mean(hits, axis=0) >= 0.9).all()


@pytest.mark.parametrize(
    ("n", "n_labelers", "how"),
    [
        (300, 6, {"spread": 0.3}),
        (400, 8, {"spread": 0.5}),
        (300, 12, {}),
        (300, 10, {"spread": 0.2, "shared": 0.5}),
    ],
    ids=["six labelers", "eight who differ", "twelve alike", "answered twice"],
)
def test_q7_intervals_hold_the_weight_at_their_rate(
    n: int, n_labelers: int, how: dict[str, float]
) -> None:
    """The weight of labelers in general, not of those who happened to answer.

    What labelers differ in draws the weight of all a little towards 0 (a logit's scale is that of
    what it leaves out), so the truth is the weight among very many labelers.
    """
    rng = np.random.default_rng(11)
    crowd = np.arange(60_000) // 2
    truth = fit_choice_model(drawn(rng, 60_000, WEIGHTS, crowd, **how)).coefficients
    found = [estimates(rng, n, n_labelers, **how) for _ in range(250)]
    covered = np.mean(
        [[e[j].interval.low <= truth[j] <= e[j].interval.high for j in range(4)] for e in found]
    )
    assert 0.93 <= covered <= 0.99


def test_the_interval_of_rows_is_too_narrow_where_labelers_differ() -> None:
    """The mistake that the clustering is there for: were it harmless, it would not be needed."""
    rng = np.random.default_rng(11)
    hits = []
    for _ in range(100):
        labeler = np.arange(400) % 8
        rows = drawn(rng, 400, WEIGHTS, labeler, spread=0.5)
        alone = coefficient_estimates(fit_choice_model(rows), labeler * 0, np.arange(400))
        hits.append(
            [e.interval.low <= w <= e.interval.high for e, w in zip(alone, WEIGHTS, strict=True)]
        )
    assert np.mean(hits) < 0.8


def test_few_labelers_speak_for_themselves_only() -> None:
    rng = np.random.default_rng(1)
    few, many = (estimates(rng, 200, n)[0] for n in (4, 5))
    assert "for these labelers only" in few.how and few.n_clusters == 100
    assert "clustered by labeler" in many.how and many.n_clusters == 5


def test_exchanging_chosen_and_rejected_of_pairs_turns_the_sign() -> None:
    rng = np.random.default_rng(2)
    features = rng.normal(size=(200, 2))
    targets = (rng.random(100) < 0.7).astype(float)
    both = np.stack([targets, 1 - targets], axis=1).ravel()
    starts = np.arange(100) * 2
    one, other = (
        fit_choice_model(ChoiceRows(features=features, targets=t, starts=starts)).coefficients
        for t in (both, 1 - both)
    )
    np.testing.assert_allclose(one, -other, **FP32)


def test_what_is_the_same_for_a_whole_question_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    labeler = np.arange(100) % 5
    rows = drawn(rng, 100, WEIGHTS, labeler)
    lifted = rows.features + rng.normal(size=(100, 1, 4)).repeat(K, axis=1).reshape(-1, 4)
    _, units = standardize(lifted, rows.starts)
    np.testing.assert_allclose(units, standardize(rows.features, rows.starts)[1], **FP64)
    one = fit_choice_model(rows.of_answers(np.ones(100, dtype=bool))).coefficients
    two = fit_choice_model(
        ChoiceRows(features=lifted, targets=rows.targets, starts=rows.starts)
    ).coefficients
    np.testing.assert_allclose(one, two, **FP32)


def test_a_feature_far_from_zero_is_weighed_as_one_that_is_near() -> None:
    # There rounding makes a better step look worse, however often it is halved.
    rng = np.random.default_rng(0)
    near = drawn(rng, 100, WEIGHTS[:2], np.zeros(100, dtype=int))
    far = replace(near, features=near.features + np.array([1e10, 0.0]))
    found, expected = (fit_choice_model(rows).coefficients for rows in (far, near))
    np.testing.assert_allclose(found, expected, **FP32)


def test_a_feature_that_decides_every_answer_keeps_a_finite_weight() -> None:
    starts = np.arange(50) * 2
    rows = ChoiceRows(
        features=np.tile([[1.0], [0.0]], (50, 1)), targets=np.tile([1.0, 0.0], 50), starts=starts
    )
    fit = fit_choice_model(rows)
    (estimate,) = coefficient_estimates(fit, np.arange(50) % 5, np.arange(50))
    assert 2 < estimate.value < 10
    assert np.isfinite(estimate.interval).all()


def test_ties_alone_give_no_weight() -> None:
    rng = np.random.default_rng(4)
    rows = ChoiceRows(
        features=rng.normal(size=(80, 2)), targets=np.full(80, 0.25), starts=np.arange(20) * 4
    )
    assert np.abs(fit_choice_model(rows).coefficients).max() < 0.2


def test_prediction_out_of_fold_is_no_better_than_chance_where_nothing_is_there() -> None:
    rng = np.random.default_rng(5)
    labeler = np.arange(2000) % 8
    rows = drawn(rng, 2000, np.zeros(4), labeler)
    credit = out_of_fold_credit(rows, np.arange(2000) // 2 % 5)
    assert abs(credit.mean() - 1 / K) < 0.03


def test_q7_the_interval_of_a_rules_agreement_holds_it_at_its_rate() -> None:
    """The truth is how often the sample with the largest feature is chosen, by very many."""
    rng = np.random.default_rng(12)
    weights = np.array([0.8])
    crowd = np.arange(100_000) // 2
    many = drawn(rng, 100_000, weights, crowd, spread=0.3)
    largest = np.eye(K)[many.features.reshape(-1, K).argmax(axis=1)].ravel()
    truth = float((many.targets * largest).sum() / 100_000)
    covered = []
    for _ in range(200):
        labeler = np.arange(300) % 8
        rows = drawn(rng, 300, weights, labeler, spread=0.3)
        credit = out_of_fold_credit(rows, np.arange(300) // 2 % 5)
        found = paired_win_rate(credit, np.arange(300) // 2, labelers=labeler)
        covered.append(found.interval.low <= truth <= found.interval.high)
    assert 0.93 <= np.mean(covered) <= 0.99


def test_labelers_who_differ_are_told_from_those_who_do_not() -> None:
    rng = np.random.default_rng(6)
    labeler = np.arange(4000) % 10
    sds = []
    for spread in (0.0, 0.6):
        rows = drawn(rng, 4000, WEIGHTS, labeler, spread=spread)
        moved, variances = group_deviations(rows, fit_choice_model(rows), 0, labeler)
        sds.append(random_effects(moved, variances).sd)
    assert sds[0] < 0.15
    assert 0.3 < sds[1] < 1.0


def test_labelers_who_always_go_by_a_feature_are_told_from_those_who_never_do() -> None:
    rng = np.random.default_rng(8)
    labeler = np.arange(480) % 8
    features = rng.normal(size=(480, 2))
    best = np.where(labeler < 4, features.argmax(axis=1), rng.integers(2, size=480))
    rows = ChoiceRows(
        features=features.reshape(-1, 1), targets=np.eye(2)[best].ravel(), starts=np.arange(480) * 2
    )
    moved, variances = group_deviations(rows, fit_choice_model(rows), 0, labeler)
    effects = random_effects(moved, variances)
    assert effects.sd > 0.5
    assert effects.shrunk[:4].min() > 0.3 and effects.shrunk[4:].max() < -0.2


def test_a_group_in_which_nothing_differs_has_no_variance_to_speak_of() -> None:
    features = np.array([[1.0], [0.0], [2.0], [2.0]])
    rows = ChoiceRows(
        features=features, targets=np.array([1.0, 0.0, 1.0, 0.0]), starts=np.array([0, 2])
    )
    moved, variances = group_deviations(rows, fit_choice_model(rows), 0, np.array([0, 1]))
    assert moved[1] == 0 and np.isinf(variances[1])
