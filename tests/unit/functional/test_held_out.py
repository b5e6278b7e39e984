"""What of scores goes with measures: against a regression with one intercept per question."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from prefloop.functional.held_out import shared_part
from tests.tolerances import FP64

PRESENT = np.array([[True] * 4] * 5 + [[True, True, False, False]] * 3)


def questions() -> tuple[np.ndarray, np.ndarray]:
    """Return scores and two measures; what is easy to copy from is liked less by all."""
    rng = np.random.default_rng(3)
    easy = rng.normal(size=(8, 1))
    measures = rng.normal(size=(8, 4, 2)) + easy[..., None] * 3
    scores = 0.7 * measures[..., 0] - 0.2 * measures[..., 1] - 4 * easy + rng.normal(size=(8, 4))
    return scores, measures


def check_shared_part(part: Callable[..., Any]) -> None:
    """Compare with ordinary least squares on measures and a dummy for each question."""
    scores, measures = questions()
    dummies = np.broadcast_to(np.eye(8)[:, None], (8, 4, 8))
    rows = np.concatenate([measures, dummies], axis=2)[PRESENT]
    fit = LinearRegression(fit_intercept=False).fit(rows, scores[PRESENT])
    null = LinearRegression(fit_intercept=False).fit(dummies[PRESENT], scores[PRESENT])
    left, within = (
        float(((scores[PRESENT] - each.predict(x)) ** 2).sum())
        for each, x in ((fit, rows), (null, dummies[PRESENT]))
    )
    got = part(scores, measures, PRESENT)
    np.testing.assert_allclose(got.weights, fit.coef_[:2], **FP64)
    np.testing.assert_allclose(got.share, 1 - left / within, **FP64)
    np.testing.assert_allclose(got.means, measures[PRESENT].mean(axis=0), **FP64)


def test_the_fit_is_that_of_a_regression_with_an_intercept_per_question() -> None:
    check_shared_part(shared_part)


def test_what_is_left_does_not_go_with_the_measures() -> None:
    scores, measures = questions()
    got = shared_part(scores, measures, PRESENT)
    left = scores - (measures - got.means) @ got.weights
    again = shared_part(left, measures, PRESENT)
    assert again.weights == pytest.approx([0, 0], abs=1e-12)
    assert again.share == pytest.approx(0, abs=1e-12)


def test_a_measure_that_never_differs_within_a_question_takes_nothing_out() -> None:
    scores, measures = questions()
    measures[..., 1] = np.arange(8)[:, None]
    got = shared_part(scores, measures, PRESENT)
    assert got.weights[1] == 0 and got.weights[0] != 0
    three = PRESENT[:, :3]
    got = shared_part(scores[:, :3], np.full((8, 3, 1), 0.1), three)
    assert got.weights.tolist() == [0.0], "three tenths are not 3 * 0.1 in the last bit"


def test_equal_scores_have_nothing_to_take_out() -> None:
    _, measures = questions()
    got = shared_part(np.ones((8, 4)), measures, PRESENT)
    assert got.weights == pytest.approx([0, 0]) and got.share == 0
