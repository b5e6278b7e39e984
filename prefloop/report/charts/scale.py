"""From numbers to places on paper, and the round numbers in between."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Scale:
    """A linear map from [low, high] to [start, end]."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def padded_range(values: Sequence[float], *, padding: float = 0.06) -> tuple[float, float]:
    """Return a range that holds all finite values with some air; never of width 0.

    A range that almost reaches 0 is drawn from 0, so that heights can be compared.
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    if low == high:
        low, high = low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2
    air = padding * (high - low)
    is_near_zero = 0 <= low <= 0.35 * (high - low)
    return (0.0 if is_near_zero else low - air), high + air


def round_ticks(low: float, high: float, n: int = 4) -> list[float]:
    """Return about `n` multiples of 1, 2 or 5 times a power of ten within [low, high].

    >>> round_ticks(0, 6.4)
    [0.0, 2.0, 4.0, 6.0]
    """
    raw = (high - low) / max(n, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.75)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(i * step) for i in range(first, last + 1)]


def tick_text(value: float, ticks: Sequence[float]) -> str:
    """Return a tick's number with as many decimals as its neighbors need.

    >>> tick_text(20000, [0, 20000]), tick_text(0.5, [0, 0.25, 0.5])
    ('20k', '0.50')
    """
    step = min(np.diff(ticks), default=abs(value) or 1.0)
    if max(map(abs, ticks), default=0) >= 10_000 and step >= 1000:
        return "0" if value == 0 else f"{value / 1000:g}k"
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if decimals < 6 and not math.isclose(step, round(step, decimals), rel_tol=1e-6):
        decimals += 1
    return minus(f"{0.0 if value == 0 else value:,.{decimals}f}")


def value_text(value: float) -> str:
    """Return a number with about three figures.

    >>> value_text(6.0831), value_text(-0.02514), value_text(1234.5)
    ('6.08', '−0.0251', '1,234')
    """
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    if decimals > 6:
        return minus(f"{value:.1e}")
    return minus(f"{value:,.{decimals}f}")


def minus(text: str) -> str:
    """Return the text with a true minus sign."""
    return text.replace("-", "−")
