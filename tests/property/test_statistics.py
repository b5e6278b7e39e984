"""Laws of the intervals that hold for all inputs."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from prefloop.functional.statistics import paired_win_rate, wilson
from tests.tolerances import FP64

ROWS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.integers(0, 8), st.integers(0, 4)),
    min_size=1,
    max_size=40,
)
Row = tuple[float, int, int]


def _rate(rows: list[Row], *, with_labelers: bool) -> tuple[float, float, float]:
    outcomes, prompts, labelers = zip(*rows, strict=True)
    got = paired_win_rate(outcomes, prompts, labelers=labelers if with_labelers else None)
    return got.value, *got.interval


@given(ROWS, st.booleans())
def test_swapping_the_models_mirrors_everything(rows: list[Row], with_labelers: bool) -> None:
    value, low, high = _rate(rows, with_labelers=with_labelers)
    mirrored = [(1 - outcome, prompt, labeler) for outcome, prompt, labeler in rows]
    expected = (1 - value, 1 - high, 1 - low)
    np.testing.assert_allclose(_rate(mirrored, with_labelers=with_labelers), expected, **FP64)


@given(ROWS, st.booleans(), st.randoms(use_true_random=False))
def test_order_and_names_do_not_matter(
    rows: list[Row], with_labelers: bool, random: object
) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    renamed = [(outcome, 100 - prompt, 7 - labeler) for outcome, prompt, labeler in shuffled]
    a, b = (_rate(r, with_labelers=with_labelers) for r in (rows, renamed))
    np.testing.assert_allclose(a, b, **FP64)


@given(ROWS, st.booleans())
def test_repeating_all_data_never_widens(rows: list[Row], with_labelers: bool) -> None:
    _, low, high = _rate(rows, with_labelers=with_labelers)
    _, low_2, high_2 = _rate(rows * 2, with_labelers=with_labelers)
    assert high_2 - low_2 <= high - low + FP64["atol"]


@given(ROWS, st.booleans())
def test_the_interval_holds_the_rate_and_stays_on_the_scale(
    rows: list[Row], with_labelers: bool
) -> None:
    value, low, high = _rate(rows, with_labelers=with_labelers)
    assert 0 <= low <= value + FP64["atol"]
    assert value - FP64["atol"] <= high <= 1


@settings(max_examples=50)
@given(st.integers(1, 500), st.floats(0, 1), st.floats(0.5, 0.99))
def test_wilson_mirrors_and_narrows_with_evidence(n: int, share: float, confidence: float) -> None:
    k = round(share * n)
    low, high = wilson(k, n, confidence)
    np.testing.assert_allclose(wilson(n - k, n, confidence), (1 - high, 1 - low), **FP64)
    low_2, high_2 = wilson(2 * k, 2 * n, confidence)
    assert high_2 - low_2 < high - low
