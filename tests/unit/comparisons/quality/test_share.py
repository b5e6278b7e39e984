"""Grades: three values, and none before there is evidence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from prefloop.comparisons.quality.share import Share, graded, in_doubt
from prefloop.functional.statistics import beta_bounds

COUNTS = st.integers(0, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def graded_gold(n_right: int, n: int) -> Share:
    return graded(n_right, n, bar=0.75, least=30, confidence=0.99, noun="gold answer")


@given(COUNTS)
def test_q2_fewer_than_30_gold_answers_are_not_enough_evidence(counts: tuple[int, int]) -> None:
    share = graded_gold(*counts)
    if counts[1] < 30:
        assert share.grade == "not enough evidence"
        assert "a grade needs 30" in share.message


@given(COUNTS)
def test_only_the_sure_fail_and_only_the_bar_passes(counts: tuple[int, int]) -> None:
    n_right, n = counts
    share = graded_gold(n_right, n)
    if share.grade == "pass":
        assert n_right / n >= 0.75
    if share.grade == "fail":
        assert beta_bounds(n_right, n, 0.99).high < 0.75
    assert 0 <= share.interval.low <= share.interval.high <= 1


@pytest.mark.parametrize(
    ("n_right", "n", "expected"),
    [
        (0, 29, "not enough evidence"),
        (29, 29, "not enough evidence"),
        (30, 40, "pass"),
        (29, 40, "not enough evidence"),
        (15, 30, "fail"),
        (0, 30, "fail"),
    ],
)
def test_grades(n_right: int, n: int, expected: str) -> None:
    assert graded_gold(n_right, n).grade == expected


@pytest.mark.parametrize(
    ("accuracy", "n", "low", "high"),
    [(0.5, 30, 0.70, 0.72), (0.5, 50, 0.89, 0.91), (0.75, 30, 0.0, 0.01), (0.8, 30, 0.0, 0.001)],
)
def test_how_often_a_labeler_of_known_accuracy_fails(
    accuracy: float, n: int, low: float, high: float
) -> None:
    failing = [k for k in range(n + 1) if graded_gold(k, n).grade == "fail"]
    assert low <= binom.pmf(failing, n, accuracy).sum() <= high


def test_reasons_are_told_with_their_numbers() -> None:
    assert graded_gold(36, 40).message == "90 % of 40 gold answers, at or above 75 %."
    assert graded_gold(15, 30).message == "50 % of 30 gold answers (32–68 %), surely below 75 %."
    assert graded_gold(29, 40).message.endswith("below 75 %, but chance could do that.")
    assert graded_gold(0, 0).value is None
    assert graded_gold(0, 1).message.startswith("1 gold answer;")


def test_in_doubt_keeps_the_numbers_and_drops_the_grade() -> None:
    share = in_doubt(graded_gold(0, 40), "The key is in doubt.")
    assert (share.n_right, share.n, share.grade) == (0, 40, "not enough evidence")
    assert share.message == "The key is in doubt."
