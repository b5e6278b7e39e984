"""How accuracy grows with labels, and where it will be with more of them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from prefloop.functional.statistics import Interval, Values


@dataclass(frozen=True, kw_only=True)
class LearningCurve:
    """accuracy(n) = limit - slope / sqrt(n), with redrawn fits for intervals."""

    limit: float
    slope: float
    limits: Float[np.ndarray, " D"]
    slopes: Float[np.ndarray, " D"]

    def at(self, n: int | float) -> float:
        """Return the accuracy after n labels."""
        return float(_curve(self.limit, self.slope, n))

    def interval(self, n: int | float, confidence: float = 0.95) -> Interval:
        """Return the percentile interval of the accuracy after n labels."""
        return _percentiles(_curve(self.limits, self.slopes, n), confidence)

    def gain(
        self, n: int | float, more: int | float, confidence: float = 0.95
    ) -> tuple[float, Interval]:
        """Return by how much accuracy rises from n labels to `more`, with its interval."""
        rises = _curve(self.limits, self.slopes, more) - _curve(self.limits, self.slopes, n)
        return self.at(more) - self.at(n), _percentiles(rises, confidence)


def fit_learning_curve(
    seen: Values, accuracies: Values, counts: Values, *, seed: int, n_draws: int = 2000
) -> LearningCurve:
    """Return the bounded least-squares curve through accuracies of batches not seen before.

        minimize sum_b m_b (y_b - (a - b / sqrt(n_b)))^2,   0 <= a <= 1,  b >= 0

    n_b labels were seen before batch b, of m_b labels, was scored with accuracy y_b. The draws
    redraw whole batches. Accuracy that falls as labels come in fits a level line (b = 0).
    The form is the one of Amari, Fujita, Shinomoto 1992, Neural Computation 4:605-618, for noisy
    labels; prequential scoring is Dawid's (1984, JRSS A 147:278-292).
    """
    x = 1 / np.sqrt(np.asarray(seen, dtype=float))
    y, m = np.asarray(accuracies, dtype=float), np.asarray(counts, dtype=float)
    if not 0 < len(x) == len(y) == len(m):
        raise ValueError(f"{len(x)} places, {len(y)} accuracies and {len(m)} counts: need as many")
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(len(x), np.full(len(x), 1 / len(x)), size=n_draws).astype(float)
    limit, slope = _bounded_fit(x, y, m[None, :])
    limits, slopes = _bounded_fit(x, y, draws * m)
    return LearningCurve(limit=float(limit[0]), slope=float(slope[0]), limits=limits, slopes=slopes)


def _bounded_fit(
    x: Float[np.ndarray, " B"], y: Float[np.ndarray, " B"], weights: Float[np.ndarray, "D B"]
) -> tuple[Float[np.ndarray, " D"], Float[np.ndarray, " D"]]:
    """Return (limit, slope) for each row of weights.

    Two bounds, one at a time: the free fit, else the level line, else the curve up to 1. Both
    cannot bind at once, as a level line is a mean of accuracies.
    """
    total = weights.sum(axis=1)
    mean_x, mean_y = weights @ x / total, weights @ y / total
    dx, dy = x - mean_x[:, None], y - mean_y[:, None]
    spread = (weights * dx**2).sum(axis=1)
    covariance = (weights * dx * dy).sum(axis=1)
    slope = np.where(spread > 0, -covariance / np.where(spread > 0, spread, 1.0), 0.0)
    slope = np.maximum(slope, 0.0)
    limit = mean_y + slope * mean_x
    to_one = (weights * x * (1 - y)).sum(axis=1) / (weights * x**2).sum(axis=1)
    over = limit > 1
    return np.where(over, 1.0, limit), np.where(over, to_one, slope)


def _curve(limit: float | np.ndarray, slope: float | np.ndarray, n: int | float) -> np.ndarray:
    return np.asarray(np.clip(limit - slope / np.sqrt(n), 0.0, 1.0))


def _percentiles(values: Float[np.ndarray, " D"], confidence: float) -> Interval:
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(float(low), float(high))
