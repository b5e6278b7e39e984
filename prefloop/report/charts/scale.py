"""From numbers to places on paper, and the round numbers in between."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

SAME = 1e-9
"""Relative difference below which two numbers are one on paper."""


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
    # Equal numbers that were summed in another order differ in the last bits: no axis shows those.
    if high - low <= SAME * max(abs(low), abs(high)):
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
