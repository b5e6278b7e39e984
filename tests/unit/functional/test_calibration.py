"""Calibration and agreement, worked by hand."""

import numpy as np
import pytest

from prefloop.functional.calibration import calibration_error, expected_agreement
from tests.tolerances import FP64, STATISTICAL


def test_error_by_hand() -> None:
    """Two bins: (0.1, 0.3) with one hit of two, gap 0.3; (0.9, 0.9) with two of two, gap 0.1."""
    got = calibration_error([0.1, 0.3, 0.9, 0.9], [0, 1, 1, 1], bins=2)
    np.testing.assert_allclose(got.error, 0.5 * 0.3 + 0.5 * 0.1, **FP64)
    assert [row.n for row in got.bins] == [2, 2]
    np.testing.assert_allclose([row.frequency for row in got.bins], [0.5, 1.0], **FP64)


def test_true_probabilities_are_calibrated_and_overconfident_ones_are_not() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(20_000)
    y = (rng.random(20_000) < p).astype(float)
    assert calibration_error(p, y).error < STATISTICAL["atol"]
    sharp = p**3 / (p**3 + (1 - p) ** 3)
    assert calibration_error(sharp, y).error > 0.1


def test_edges_and_certainty_have_a_bin() -> None:
    got = calibration_error([0.0, 0.5, 1.0], [0, 0, 1], bins=2)
    assert [(row.low, row.n) for row in got.bins] == [(0.0, 1), (0.5, 2)]


def test_empty_input_is_refused() -> None:
    with pytest.raises(ValueError, match="0 probabilities and 0 outcomes"):
        calibration_error([], [])


def test_expected_agreement_by_hand() -> None:
    """(0.7, 0.1, 0.1, 0.1): 0.49 + 0.03 = 0.52; uniform over 4: 0.25."""
    rows = np.array([[0.7, 0.1, 0.1, 0.1], [0.25, 0.25, 0.25, 0.25]])
    np.testing.assert_allclose(expected_agreement(rows), (0.52 + 0.25) / 2, **FP64)


def test_expected_agreement_is_what_two_simulated_labelers_reach() -> None:
    rng = np.random.default_rng(1)
    rows = rng.dirichlet(np.ones(3), size=20_000)
    first, second = ((rows.cumsum(axis=1) > rng.random((20_000, 1))).argmax(axis=1) for _ in "ab")
    np.testing.assert_allclose((first == second).mean(), expected_agreement(rows), **STATISTICAL)
