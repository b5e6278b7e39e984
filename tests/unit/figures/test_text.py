"""Numbers and intervals as texts: one interval, one text, never narrower than it is."""

import doctest
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefloop.figures import text
from prefloop.figures.text import (
    fixed,
    number,
    number_interval,
    percent,
    points_interval,
    share_interval,
    signed_interval,
    tick,
)

shares = st.floats(0, 1)
numbers = st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-4)


def test_the_examples_in_the_docstrings() -> None:
    assert doctest.testmod(text).failed == 0


@pytest.mark.parametrize(
    ("low", "high", "written"),
    [
        (0.507, 0.661, "50.7–66.1 %"),
        (0.4999, 0.661, "49–67 %"),
        (0.57, 0.81, "57–81 %"),
        (0.50004, 0.8, "50.004–80.000 %"),
        (0.2, 0.4999, "20.00–49.99 %"),
        (0.0, 1.0, "0–100 %"),
    ],
)
def test_an_interval_that_excludes_one_half_reads_so(low: float, high: float, written: str) -> None:
    assert share_interval(low, high) == written


def test_chance_stays_outside_where_it_is() -> None:
    assert share_interval(0.2504, 0.4) == "25–40 %"
    assert share_interval(0.2504, 0.4, apart_from=(0.25,)) == "25.04–40.00 %"


def _ends(written: str, between: str) -> tuple[float, float]:
    parts = written.removesuffix(" %").replace("−", "-").replace(",", "").split(between)
    low, high = (float(part) for part in parts)
    return low, high


@given(shares, shares)
def test_no_share_interval_looks_narrower_than_it_is(a: float, b: float) -> None:
    low, high = sorted((a, b))
    shown_low, shown_high = _ends(share_interval(low, high), "–")
    assert shown_low <= 100 * low + 1e-7
    assert shown_high >= 100 * high - 1e-7
    if not low <= 0.5 <= high and abs(low - 0.5) > 1e-6 and abs(high - 0.5) > 1e-6:
        assert not shown_low <= 50 <= shown_high


@given(numbers, numbers)
def test_no_interval_of_numbers_looks_narrower_than_it_is(a: float, b: float) -> None:
    low, high = sorted((a, b))
    for written in (number_interval(low, high), signed_interval(low, high)):
        shown_low, shown_high = _ends(written, " to ")
        slack = 1e-8 * max(1.0, abs(low), abs(high))
        assert shown_low <= low + slack
        assert shown_high >= high - slack


@given(shares, shares)
def test_no_interval_of_points_looks_narrower_than_it_is(a: float, b: float) -> None:
    low, high = sorted((a - b, a))
    shown_low, shown_high = _ends(points_interval(low, high), " to ")
    assert shown_low <= 100 * low + 1e-7
    assert shown_high >= 100 * high - 1e-7


def test_an_unknown_end_is_no_interval() -> None:
    for made in (share_interval, number_interval, signed_interval, points_interval):
        assert made(None, 1.0) == made(0.0, None) == ""


def test_numbers_have_three_figures_and_a_true_minus() -> None:
    values = (0.0, 123.4, -0.5, 1e-9, math.inf, None)
    assert [number(v) for v in values] == ["0", "123", "−0.500", "1.0e−09", "–", "–"]
    assert fixed(-0.0) == "0.00"
    assert percent(None) == "–"


def test_neighboring_ticks_read_differently() -> None:
    ticks = [0.0, 0.25, 0.5]
    assert [tick(t, ticks) for t in ticks] == ["0.00", "0.25", "0.50"]
    assert [tick(t, [0, 20_000]) for t in (0, 20_000)] == ["0", "20k"]
