"""The forecast: right on average, as unsure as it says, and never beyond what can be."""

import numpy as np
import pytest

from prefloop.functional.learning_curve import fit_learning_curve


def measured(
    rng: np.random.Generator, *, limit: float, slope: float, batches: int, size: int = 32
) -> tuple[list[int], list[float], list[int]]:
    """Return batches whose accuracy follows a known curve, with the noise of their size."""
    seen = [size * (b + 1) for b in range(batches)]
    p = [limit - slope / n**0.5 for n in seen]
    return seen, [rng.binomial(size, x) / size for x in p], [size] * batches


def test_the_interval_of_the_forecast_holds_the_truth() -> None:
    rng = np.random.default_rng(0)
    truth = 0.75 - 1.5 / 1280**0.5
    hits, values = [], []
    for seed in range(300):
        curve = fit_learning_curve(*measured(rng, limit=0.75, slope=1.5, batches=19), seed=seed)
        low, high = curve.interval(1280)
        hits.append(low <= truth <= high)
        values.append(curve.at(1280))
    assert 0.90 <= np.mean(hits) <= 0.98
    assert np.mean(values) == pytest.approx(truth, abs=0.01)


def test_the_same_seed_gives_the_same_interval() -> None:
    rows = measured(np.random.default_rng(1), limit=0.7, slope=1.0, batches=12)
    a, b, c = (fit_learning_curve(*rows, seed=seed) for seed in (1, 1, 2))
    assert a.interval(800) == b.interval(800) != c.interval(800)
    assert a.at(800) == c.at(800)


def test_curves_stay_between_0_and_1_and_never_fall() -> None:
    rng = np.random.default_rng(2)
    for seed in range(50):
        y = rng.random(12).tolist()
        curve = fit_learning_curve(range(32, 416, 32), y, [32] * 12, seed=seed, n_draws=200)
        assert 0 <= curve.at(10) <= curve.at(1000) <= curve.at(10**9) <= 1
        gain, (low, high) = curve.gain(400, 800)
        assert 0 <= low <= high
        assert gain >= 0


def test_a_batch_of_any_one_size_can_be_all_there_is() -> None:
    curve = fit_learning_curve([100], [0.6], [32], seed=0)
    assert (curve.limit, curve.slope) == (0.6, 0.0)


def test_lengths_must_match() -> None:
    with pytest.raises(ValueError, match="2 places, 1 accuracies and 2 counts"):
        fit_learning_curve([10, 20], [0.5], [1, 1], seed=0)
