"""The only tolerances that tests may use, each with its reason."""

from typing import TypedDict


class Tolerance(TypedDict):
    """Relative and absolute tolerance, as torch and NumPy take them."""

    rtol: float
    atol: float


EXACT: Tolerance = {"rtol": 0.0, "atol": 0.0}
"""Integers, copies, and anything that must repeat bit for bit."""

FP32: Tolerance = {"rtol": 1e-5, "atol": 1e-6}
"""The same formula in float32, summed in another order."""

FP64: Tolerance = {"rtol": 1e-12, "atol": 1e-12}
"""The same formula in float64."""

CURVE: Tolerance = {"rtol": 1e-4, "atol": 1e-5}
"""Metrics of a short training run that an earlier commit recorded, perhaps on another machine: its
sums are ordered otherwise. With AVX2, with SSE and without vectors, figures that differed by more
than 1e-5 were off by 1.7e-5 of themselves at most, after twelve steps no more than after four."""

CURVE_KL: Tolerance = {"rtol": 1e-4, "atol": 1e-4}
"""Of these, the KL and how it grows: sums of differences of log-probabilities, whose rounding does
not shrink with them. At the first update the KL is nothing else (off by 1.3e-5, twice itself)."""

MODEL: Tolerance = {"rtol": 1e-4, "atol": 1e-4}
"""Log-probabilities of a whole network computed along two paths (with and without a cache)."""

STATISTICAL: Tolerance = {"rtol": 0.05, "atol": 0.02}
"""Averages over a few thousand draws with a fixed seed."""

RELOADED: Tolerance = {"rtol": 0.0, "atol": 1e-5}
"""What a saved model may differ by when transformers opens it: merged weights round once more."""
