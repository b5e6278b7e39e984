"""Draws that are fitted side by side come out as each does alone, its answers written out."""

from dataclasses import replace

import numpy as np
import pytest

from prefloop.functional.choice_model import ChoiceRows, fit_choice_model
from prefloop.functional.drawn_fits import drawn_coefficients
from tests.tolerances import FP32

SIZES = np.array([2, 3, 4] * 20)


def answers(rng: np.random.Generator) -> ChoiceRows:
    """Return answers to questions of two to four samples, ties among them."""
    starts = np.cumsum(SIZES) - SIZES
    targets = np.concatenate(
        [np.full(n, 1 / n) if rng.random() < 0.2 else np.eye(n)[rng.integers(n)] for n in SIZES]
    )
    return ChoiceRows(features=rng.normal(size=(SIZES.sum(), 3)), targets=targets, starts=starts)


def written_out(rows: ChoiceRows, times: np.ndarray) -> ChoiceRows:
    """Return answers, each as often as it was drawn."""
    which = np.repeat(np.arange(len(SIZES)), times)
    places = [np.arange(SIZES[a]) + rows.starts[a] for a in which]
    place, sizes = np.concatenate(places), SIZES[which]
    return ChoiceRows(
        features=rows.features[place],
        targets=rows.targets[place],
        starts=np.cumsum(sizes) - sizes,
    )


@pytest.mark.parametrize("start", [0.0, 8.0, -30.0])
def test_each_draw_has_the_coefficients_of_its_answers(start: float) -> None:
    """From far away, too, where a whole step of Newton's method goes too far."""
    rng = np.random.default_rng(3)
    rows = answers(rng)
    times = rng.integers(0, 4, size=(len(SIZES), 7))
    found = drawn_coefficients(rows, times.astype(float), np.full(3, start))
    alone = [fit_choice_model(written_out(rows, each)).coefficients for each in times.T]
    np.testing.assert_allclose(found, alone, **FP32)


def test_a_feature_far_from_zero_is_weighed_as_one_that_is_near() -> None:
    rng = np.random.default_rng(5)
    near = answers(rng)
    far = replace(near, features=near.features + np.array([1e8, 0.0, 0.0]))
    times = rng.integers(0, 4, size=(len(SIZES), 7)).astype(float)
    start = fit_choice_model(near).coefficients
    found, expected = (drawn_coefficients(rows, times, start) for rows in (far, near))
    np.testing.assert_allclose(found, expected, **FP32)


def test_parts_that_fit_into_memory_are_put_together_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(4)
    rows = answers(rng)
    times = rng.integers(0, 4, size=(len(SIZES), 7)).astype(float)
    at_once = drawn_coefficients(rows, times, np.zeros(3))
    monkeypatch.setattr("prefloop.functional.drawn_fits.NUMBERS_AT_ONCE", 3 * len(rows.targets))
    np.testing.assert_allclose(drawn_coefficients(rows, times, np.zeros(3)), at_once, **FP32)
