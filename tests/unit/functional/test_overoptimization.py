"""Gao's curves: by hand, with mistakes, and how often the interval is right."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from prefloop.functional.overoptimization import (
    GaoForm,
    fit_gao,
    gao_curve,
    over_optimization,
    peak_kl,
)
from tests.tolerances import FP64
from tests.wrong_twins import overoptimization_twins as twins

KLS = np.array([0.0, 1.0, 4.0, 9.0, 16.0])
BY_HAND: dict[GaoForm, np.ndarray] = {
    # alpha = 2, beta = 0.5: d (2 - d / 2) at d = 0, 1, 2, 3, 4
    "best_of_n": np.array([0.0, 1.5, 2.0, 1.5, 0.0]),
    # d (2 - log(d) / 2)
    "rl": np.array(
        [0.0, 2.0, 4.0 - math.log(2.0), 6.0 - 1.5 * math.log(3.0), 8.0 - 2.0 * math.log(4.0)]
    ),
}
FORMS: list[GaoForm] = ["best_of_n", "rl"]


@pytest.mark.parametrize("form", FORMS)
def test_curve_and_fit_by_hand(form: GaoForm) -> None:
    np.testing.assert_allclose(gao_curve(form, KLS, 2.0, 0.5), BY_HAND[form], **FP64)
    alpha, beta = fit_gao(form, KLS[None], BY_HAND[form][None])
    np.testing.assert_allclose([alpha[0], beta[0]], [2.0, 0.5], **FP64)


def test_the_fit_of_points_off_the_curve_is_numpys() -> None:
    gains = BY_HAND["best_of_n"] + np.array([0.0, 0.3, -0.2, 0.1, 0.4])
    d = np.sqrt(KLS)
    wanted = np.linalg.lstsq(np.column_stack([d, -d * d]), gains, rcond=None)[0]
    found = fit_gao("best_of_n", KLS[None], gains[None])
    np.testing.assert_allclose([x[0] for x in found], wanted, **FP64)


def test_peaks_by_hand() -> None:
    def peak(form: GaoForm, alpha: float, beta: float, largest: float) -> float:
        return float(peak_kl(form, np.array([alpha]), np.array([beta]), largest_kl=largest)[0])

    assert peak("best_of_n", 2.0, 0.5, 16.0) == 4.0  # d = 2
    np.testing.assert_allclose(peak("rl", 1.0, 0.5, 16.0), math.e**2, **FP64)  # d = e
    assert peak("rl", 1.0, 0.5, 7.0) == math.inf, "e^2 = 7.4 nats were not seen"
    assert peak("best_of_n", 2.0, 0.5, 4.0) == math.inf, "the top at the very end is no top"
    assert peak("best_of_n", -1.0, 0.5, 16.0) == 0.0, "it falls from the start"
    assert peak("best_of_n", -3.0, -0.5, 16.0) == 0.0, "down, then up, but never above 0"
    assert peak("best_of_n", -1.0, -0.5, 16.0) == math.inf
    assert peak("rl", 1.0, 0.0, 16.0) == peak("best_of_n", 1.0, 0.0, 16.0) == math.inf


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("twin", [twins.curve_in_the_kl, twins.curve_of_the_other_form])
def test_a_wrong_curve_is_seen(form: GaoForm, twin: Callable[..., Any]) -> None:
    assert not np.allclose(twin(form, KLS, 2.0, 0.5), BY_HAND[form])


@pytest.mark.parametrize("form", FORMS)
def test_a_wrong_fit_is_seen(form: GaoForm) -> None:
    found = twins.fit_with_the_sign_lost(form, KLS[None], BY_HAND[form][None])
    assert not np.allclose([x[0] for x in found], [2.0, 0.5])


@pytest.mark.parametrize("twin", [twins.peak_where_the_score_is_zero, twins.peak_as_a_root])
def test_a_wrong_peak_is_seen(twin: Callable[..., Any]) -> None:
    one, half = np.array([1.0]), np.array([0.5])
    assert not np.allclose(twin("rl", one, half, largest_kl=16.0), math.e**2)
    assert not np.allclose(twin("best_of_n", 2 * one, half, largest_kl=16.0), 4.0)


def world(
    form: GaoForm, rng: np.random.Generator, *, n: int = 128, spread: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return KLs and gains of eight policies; some prompts are easier for all of them."""
    kls = np.linspace(1.0, 16.0, 8)
    own = np.sqrt(kls) * rng.normal(0.0, 0.3, (n, 1))
    gains = gao_curve(form, kls, *CURVES[form]) + own + rng.normal(0.0, spread, (n, 8))
    return kls + rng.normal(0.0, 1.5, (n, 8)), gains


CURVES: dict[GaoForm, tuple[float, float]] = {"best_of_n": (2.0, 0.4), "rl": (1.0, 0.55)}
"""Peaks at d = 2.5 and at d = exp(1 / 0.55 - 1) = 2.27."""


@pytest.mark.parametrize("form", FORMS)
def test_the_interval_has_the_peak_as_often_as_it_says(form: GaoForm) -> None:
    """In 300 simulated runs; 95 % less three standard deviations of 300 runs, 3.8 points."""
    alpha, beta = CURVES[form]
    peak = (alpha / (2 * beta)) ** 2 if form == "best_of_n" else math.exp(2 * (alpha / beta - 1))
    rng = np.random.default_rng(4)
    right = 0
    for seed in range(300):
        kls, gains = world(form, rng)
        low, high = over_optimization(form, kls, gains, seed=seed, n_draws=400).interval()
        right += low <= peak <= high
    assert right / 300 >= 0.95 - 0.038


def test_a_score_that_rises_to_the_end_has_no_peak() -> None:
    rng = np.random.default_rng(1)
    kls = np.tile(np.linspace(1.0, 9.0, 6), (200, 1))
    gains = np.sqrt(kls) + rng.normal(0.0, 0.5, (200, 6))
    found = over_optimization("rl", kls, gains, seed=1)
    assert found.peak_kl == math.inf and found.interval().high == math.inf


def test_prompts_that_a_point_lacks_do_not_count() -> None:
    kls, gains = world("rl", np.random.default_rng(2), spread=0.0)
    holes = gains.copy()
    holes[::2, 3] = np.nan
    whole, patched = (over_optimization("rl", kls, g, seed=1) for g in (gains, holes))
    assert patched.alpha == pytest.approx(whole.alpha, abs=0.1)
    assert patched.alpha != whole.alpha


@pytest.mark.parametrize(("n", "j"), [(29, 6), (200, 3)])
def test_too_little_is_refused(n: int, j: int) -> None:
    kls = np.tile(np.linspace(1.0, 9.0, j), (n, 1))
    with pytest.raises(ValueError, match="a curve needs 4 on 30"):
        over_optimization("rl", kls, kls, seed=1)


def test_points_at_one_kl_determine_nothing() -> None:
    kls = np.full((40, 5), 2.0)
    with pytest.raises(ValueError, match="different KLs"):
        over_optimization("rl", kls, kls, seed=1)
