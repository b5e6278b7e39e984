"""A count that is looked at while it grows: as early as the numbers allow, and rarely in vain."""

from functools import cache

import numpy as np
import pytest

from prefloop.functional import exact_looks
from prefloop.functional.exact_looks import (
    FIRST_LOOKS,
    LATER_ERROR,
    count_looks,
    next_look,
    tail_probability,
)

RUNS = 1000


@pytest.fixture(autouse=True)
def _each_tail_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work each tail out once: in these tests all trials have one probability."""

    @cache
    def of(n: int, chance: float, successes: int) -> float:
        return tail_probability([chance] * n, successes)

    monkeypatch.setattr(exact_looks, "tail_probability", lambda p, s: of(len(p), float(p[0]), s))


def found_by(probabilities: np.ndarray, rates: np.ndarray, seed: int) -> float:
    """Return in how many runs the looks at outcomes of these rates are clear."""
    rng = np.random.default_rng(seed)
    outcomes = (rng.random((RUNS, len(rates))) < rates).astype(float)
    return float(np.mean([count_looks(probabilities, row)[-1].is_clear for row in outcomes]))


def test_all_looks_together_err_in_one_run_of_a_hundred() -> None:
    first = sum(rate for _, rate in FIRST_LOOKS)
    assert first + LATER_ERROR == pytest.approx(0.01)


@pytest.mark.parametrize("chance", [0.5, 0.25, 0.75])
def test_chance_alone_is_found_in_at_most_one_run_of_a_hundred(chance: float) -> None:
    """Looked at after every answer up to 1,000: the looks are at fixed numbers all the same."""
    n = 1000
    assert found_by(np.full(n, chance), np.full(n, chance), seed=1) <= 0.01


@pytest.mark.parametrize(("rate", "needed"), [(0.69, 122), (0.88, 27)])
def test_people_like_those_of_qags_are_found_in_95_runs_of_100(rate: float, needed: int) -> None:
    assert found_by(np.full(needed, 0.5), np.full(needed, rate), seed=2) >= 0.95


def test_it_does_not_matter_how_often_somebody_looks() -> None:
    rng = np.random.default_rng(3)
    outcomes = (rng.random(300) < 0.65).astype(float)
    chances = np.full(300, 0.5)
    at_the_end = count_looks(chances, outcomes)
    for n in range(1, 301):
        seen = count_looks(chances[:n], outcomes[:n])
        assert seen == at_the_end[: len(seen)]


def test_more_answers_are_looked_at_again_and_again() -> None:
    assert [look.n for look in count_looks([0.5] * 1000, [0.0] * 1000)] == [27, 122, 244, 488, 976]
    assert next_look(976) == 1952


def test_a_weak_preference_is_found_with_more_answers() -> None:
    rates = np.full(976, 0.58)
    assert found_by(np.full(976, 0.5), rates, seed=4) >= 0.95


def test_no_trial_can_be_judged_impossible() -> None:
    assert tail_probability([0.5] * 4, 0) == 1.0
    assert tail_probability([0.5] * 4, 5) == 0.0
    assert count_looks([], []) == []
    with pytest.raises(ValueError, match="3 outcomes but 2 probabilities"):
        count_looks([0.5, 0.5], [1, 0, 1])
