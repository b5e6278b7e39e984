"""How many questions it takes: published numbers, limits, and what is found with so many."""

import math
from dataclasses import replace

import numpy as np
import pytest

from prefloop.functional.power import ExpectedJudging as Judging
from prefloop.functional.power import judged_rate, questions_needed
from prefloop.functional.statistics import detectable_share, paired_win_rate
from tests.tolerances import FP64

PUBLISHED = {
    # Sample size of one proportion against 1/2, two-sided 5 %: rate -> (80 % power, 90 % power).
    # Fleiss, Levin, Paik 2003, eq. 2.19 without continuity correction; G*Power's z test gives them.
    0.55: (783, 1047),
    0.60: (194, 259),
    0.65: (85, 113),
    0.70: (47, 62),
    0.80: (20, 25),
}


def needed(judging: Judging, **keys: float) -> float:
    found = questions_needed(judging, **keys)
    assert found is not None
    return found


@pytest.mark.parametrize("rate", PUBLISHED)
def test_without_people_and_ties_it_is_the_published_sample_size(rate: float) -> None:
    n_80, n_90 = PUBLISHED[rate]
    assert math.ceil(needed(Judging(win_rate=rate))) == n_80
    assert math.ceil(needed(Judging(win_rate=rate), power=0.9)) == n_90
    np.testing.assert_allclose(
        needed(Judging(win_rate=1 - rate)), needed(Judging(win_rate=rate)), **FP64
    )


def test_ties_make_outcomes_vary_less() -> None:
    """At one half a share t of ties leaves the variance (1 - t) / 4."""
    some, none = (
        needed(Judging(win_rate=0.501, tie_share=0.4)),
        needed(Judging(win_rate=0.501)),
    )
    assert abs(some / none - 0.6) < 1e-4


def test_few_people_need_more_and_very_few_cannot_show_it() -> None:
    counts = [
        questions_needed(Judging(win_rate=0.6, people=n, spread=0.3)) for n in (3, 10, 30, 10_000)
    ]
    assert counts[0] is None
    known = [count for count in counts if count is not None]
    assert known == sorted(known, reverse=True) and len(known) == 3
    assert known[-1] / needed(Judging(win_rate=0.6)) < 1.05


def test_a_majority_of_independent_answers_is_condorcets() -> None:
    """Three who agree as rarely as chance are right in 3 p^2 - 2 p^3."""
    chance = 0.6**2 + 0.4**2
    of_three = judged_rate(Judging(win_rate=0.6, answers=3, agreement=chance))
    np.testing.assert_allclose(of_three, 3 * 0.36 - 2 * 0.216, **FP64)
    # Who always agree are one person.
    alike = judged_rate(Judging(win_rate=0.6, answers=3, agreement=1.0))
    np.testing.assert_allclose(alike, 0.6, **FP64)


def test_a_majority_is_what_drawn_questions_give() -> None:
    judging = Judging(win_rate=0.62, tie_share=0.1, answers=3, agreement=0.7)
    decisive = (0.62 - 0.05) / 0.9
    r = 1 - 0.3 / (2 * decisive * (1 - decisive))
    rng = np.random.default_rng(0)
    total = (1 - r) / r
    q = rng.beta(decisive * total, (1 - decisive) * total, size=200_000)
    majority = (rng.random((200_000, 3)) < q[:, None]).sum(axis=1) >= 2
    agree = float((q**2 + (1 - q) ** 2).mean())
    assert abs(agree - 0.7) < 0.003
    assert abs(judged_rate(judging) - (0.9 * majority.mean() + 0.05)) < 0.003


def test_so_many_questions_find_the_difference_as_often_as_promised() -> None:
    """12 people who differ share the questions, in 300 runs; half as many find it less often."""
    judging = Judging(win_rate=0.65, people=12, spread=0.5)
    n = math.ceil(needed(judging))
    assert abs(found(n, judging) - 0.8) < 0.08
    assert found(n // 2, judging) < 0.7


def found(n: int, judging: Judging) -> float:
    rng = np.random.default_rng(1)
    assert judging.people is not None
    hits = 0
    for _ in range(300):
        leanings = rng.normal(math.log(0.65 / 0.35), judging.spread, size=judging.people)
        who = rng.integers(judging.people, size=n)
        wins = rng.random(n) < 1 / (1 + np.exp(-leanings[who]))
        interval = paired_win_rate(wins.astype(float), range(n), labelers=who.tolist()).interval
        hits += interval.low > 0.5
    return hits / 300


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"win_rate": 0.5}, "not be 1/2"),
        ({"win_rate": 1.0}, "between 0 and 1"),
        ({"tie_share": 0.9}, "leaves no room"),
        ({"people": 1}, "2 or more"),
        ({"answers": 2}, "1 or 3"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, float], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        questions_needed(replace(Judging(win_rate=0.6), **change))  # type: ignore[arg-type]


@pytest.mark.parametrize("n", [48, 100, 256, 1024])
def test_the_least_rate_that_n_questions_show_needs_n_questions(n: int) -> None:
    """Two directions of one question, one exact and one by a normal distribution."""
    share = detectable_share(n, power=0.8)
    assert share is not None
    assert needed(Judging(win_rate=share), power=0.8) == pytest.approx(n, rel=0.1)
