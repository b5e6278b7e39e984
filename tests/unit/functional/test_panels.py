"""Outcomes of panels: by hand, as two-way intervals where a panel is one person, and covering."""

from collections.abc import Callable

import numpy as np
import pytest

from prefloop.functional.panels import majority_outcome, panel_win_rate
from prefloop.functional.statistics import Interval, paired_win_rate
from tests.tolerances import FP64

VOTES = [
    ([1.0], 1.0),
    ([0.0, 1.0, 1.0], 1.0),
    ([0.0, 0.0, 0.5], 0.0),
    ([1.0, 0.5, 0.0], 0.5),
    ([0.5, 0.5, 1.0], 0.5),
    ([1.0, 0.0], 0.5),
]


@pytest.mark.parametrize(("votes", "outcome"), VOTES)
def test_a_majority_is_more_than_half_and_anything_else_is_a_tie(
    votes: list[float], outcome: float
) -> None:
    assert majority_outcome(votes) == outcome


def test_panels_of_one_are_the_two_way_interval() -> None:
    rng = np.random.default_rng(0)
    outcomes = rng.choice([0.0, 0.5, 1.0], size=60).tolist()
    labelers = [f"p{i}" for i in rng.integers(7, size=60)]
    panels = [{who: vote} for who, vote in zip(labelers, outcomes, strict=True)]
    expected = paired_win_rate(outcomes, range(60), labelers=labelers)
    assert panel_win_rate(panels, range(60)) == expected


def test_the_variance_equals_the_case_by_hand() -> None:
    """Votes of a, b, c: 110, 100, 111, so majorities 1, 0, 1 and V_prompt = 3/2 (6/9) / 9 = 1/9.

    The mean vote is 2/3; sums of deviations by labeler 1, 0, -1: V_labeler = 3/2 2/81 = 1/27.
    Cells 6/9 + 12/9 = 2: V_cell = 9/8 2/81 = 1/36. Of nine pairs of votes five agree, so
    g = 3 4/9 = 4/3 and V = 1/9 + 16/9 1/108 = 31/243. The 75 % point of t with 2 degrees of
    freedom is sqrt(2/3), so A = 9 V (2/3) / z^2 and B = 2/3; A / B is the larger, and z^2 cancels:
    both ends solve (2/3 - x)^2 = x (1 - x) 31/81.
    """
    said = ((1.0, 1.0, 0.0), (1.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    panels = [dict(zip("abc", votes, strict=True)) for votes in said]
    got = panel_win_rate(panels, [1, 2, 3], 0.5)
    np.testing.assert_allclose(got.value, 2 / 3, **FP64)
    assert got.interval.low < got.value < got.interval.high
    for end in got.interval:
        np.testing.assert_allclose((2 / 3 - end) ** 2, end * (1 - end) * 31 / 81, **FP64)
    assert "these labelers only" in got.how


Panels = list[dict[int, float]]


def crowd(rng: np.random.Generator) -> Panels:
    """Return what three of 12 people who differ say of each of 150 questions."""
    leanings = rng.normal(0.0, 1.0, size=12)
    panels = []
    for question in rng.normal(0.0, 0.5, size=150):
        panel = rng.choice(12, size=3, replace=False)
        wins = rng.random(3) < 1 / (1 + np.exp(-(question + leanings[panel])))
        panels.append(dict(zip(panel.tolist(), wins.astype(float).tolist(), strict=True)))
    return panels


def by_prompt(panels: Panels) -> Interval:
    return paired_win_rate(majorities(panels), range(150)).interval


def by_panel(panels: Panels) -> Interval:
    """Take each three people as one group: all groups for strangers to each other."""
    groups = [tuple(sorted(votes)) for votes in panels]
    return paired_win_rate(majorities(panels), range(150), labelers=groups).interval


def majorities(panels: Panels) -> list[float]:
    return [majority_outcome(list(votes.values())) for votes in panels]


def test_intervals_of_panels_cover_and_their_wrong_twins_do_not() -> None:
    """The truth for people at large is one half, because leanings lie evenly around 0."""
    rng = np.random.default_rng(5)
    crowds = [crowd(rng) for _ in range(120)]

    def cover(interval: Callable[[Panels], Interval]) -> float:
        ends = [interval(panels) for panels in crowds]
        return sum(low <= 0.5 <= high for low, high in ends) / len(ends)

    assert cover(lambda panels: panel_win_rate(panels, range(150)).interval) >= 0.88
    assert cover(by_prompt) < 0.75
    assert cover(by_panel) < 0.75


def test_a_panel_without_anybody_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one vote"):
        panel_win_rate([{}], ["p"])
