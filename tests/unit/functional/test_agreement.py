"""Agreement by counting equals agreement by looking at each two choices, and covers as promised."""

from itertools import combinations

import numpy as np
import pytest

from prefloop.functional.agreement import (
    Choices,
    agreement_with,
    agreement_with_others,
    excess_over_others,
    pairwise_agreement,
)
from prefloop.functional.statistics import paired_win_rate, wilson
from tests.tolerances import FP64


def random_choices(seed: int, *, people: int = 9, questions: int = 25, k: int = 3) -> Choices:
    rng = np.random.default_rng(seed)
    cells = np.argwhere(rng.random((people, questions)) < 0.4)
    labeler, question = cells[:, 0], cells[:, 1]
    return Choices(
        labeler=labeler,
        question=question,
        option=k * question + rng.integers(k, size=len(cells)),
        n_labelers=people,
    )


def met_by(choices: Choices, labeler: int) -> list[tuple[float, int, int]]:
    """Return (agree, question, other) of one labeler with everybody, one by one."""
    rows = list(zip(choices.labeler, choices.question, choices.option, strict=True))
    return [
        (float(a[2] == b[2]), int(a[1]), int(b[0]))
        for a in rows
        for b in rows
        if a[0] == labeler != b[0] and a[1] == b[1]
    ]


@pytest.mark.parametrize("seed", range(5))
def test_agreement_with_others_equals_the_two_way_interval_pair_by_pair(seed: int) -> None:
    choices = random_choices(seed)
    found = agreement_with_others(choices, np.ones(choices.n_labelers, dtype=bool))
    for labeler, estimate in enumerate(found):
        agree, questions, others = zip(*met_by(choices, labeler), strict=True)
        expected = paired_win_rate(agree, questions, labelers=others)
        assert estimate is not None
        assert (estimate.n, estimate.n_clusters) == (expected.n, expected.n_clusters)
        np.testing.assert_allclose(estimate.value, expected.value, **FP64)
        if len(set(others)) >= 5:
            np.testing.assert_allclose(estimate.interval, expected.interval, **FP64)
            assert "clustered by question and labeler" in estimate.how


def test_with_few_others_the_interval_is_about_these_only() -> None:
    choices = random_choices(3, people=4, questions=60)
    estimate = agreement_with_others(choices, np.ones(4, dtype=bool))[0]
    agree, questions, _ = zip(*met_by(choices, 0), strict=True)
    assert estimate is not None
    np.testing.assert_allclose(estimate.interval, paired_win_rate(agree, questions).interval)
    assert estimate.how.endswith("for these labelers only")


def test_marked_labelers_alone_are_compared_with() -> None:
    choices = random_choices(1)
    is_owner = np.arange(9) < 2
    found = agreement_with_others(choices, is_owner)
    for labeler, estimate in enumerate(found):
        owners = [row for row in met_by(choices, labeler) if row[2] < 2]
        assert (estimate is None) == (not owners)
        if estimate:
            np.testing.assert_allclose(estimate.value, np.mean([row[0] for row in owners]))
    together = agreement_with(choices, is_owner)
    rows = [row for a in range(2, 9) for row in met_by(choices, a) if row[2] < 2]
    assert together is not None
    np.testing.assert_allclose(together.value, np.mean([row[0] for row in rows]), **FP64)
    assert together.n == len(rows)


def test_pairwise_agreement_is_the_mean_over_pairs() -> None:
    choices = random_choices(2)
    rows = zip(choices.labeler, choices.question, choices.option, strict=True)
    agree = [float(a[2] == b[2]) for a, b in combinations(rows, 2) if a[1] == b[1]]
    estimate = pairwise_agreement(choices)
    assert estimate is not None
    assert estimate.n == len(agree)
    np.testing.assert_allclose(estimate.value, np.mean(agree), **FP64)


def test_names_order_and_options_do_not_matter() -> None:
    choices = random_choices(4)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(choices.labeler))
    names, options = rng.permutation(9), rng.permutation(75)
    other = Choices(
        labeler=names[choices.labeler][order],
        question=24 - choices.question[order],
        option=options[choices.option][order],
        n_labelers=9,
    )
    a, b = pairwise_agreement(choices), pairwise_agreement(other)
    assert a is not None
    assert b is not None
    np.testing.assert_allclose([a.value, *a.interval], [b.value, *b.interval], **FP64)


def test_without_common_questions_nothing_is_known() -> None:
    alone = Choices(
        labeler=np.array([0, 1, 1]),
        question=np.array([0, 1, 2]),
        option=np.array([0, 1, 2]),
        n_labelers=2,
    )
    everybody = np.ones(2, dtype=bool)
    assert pairwise_agreement(alone) is None
    assert agreement_with(alone, np.array([True, False])) is None
    assert agreement_with_others(alone, everybody) == [None, None]
    assert excess_over_others(alone, np.zeros(3), everybody) == [None, None]


def test_nobody_at_all_is_no_agreement() -> None:
    none = np.zeros(0, dtype=np.int64)
    empty = Choices(labeler=none, question=none, option=none, n_labelers=0)
    assert pairwise_agreement(empty) is None
    assert agreement_with(empty, np.zeros(0, dtype=bool)) is None
    assert agreement_with_others(empty, np.zeros(0, dtype=bool)) == []
    assert excess_over_others(empty, np.zeros(0), np.zeros(0, dtype=bool)) == []


def test_perfect_agreement_is_not_certain() -> None:
    """Six people, ten questions, one answer: ten of ten, by Wilson."""
    labeler, question = (x.ravel() for x in np.indices((6, 10)))
    choices = Choices(labeler=labeler, question=question, option=question, n_labelers=6)
    estimate = pairwise_agreement(choices)
    assert estimate is not None
    np.testing.assert_allclose(estimate.interval, wilson(10, 10), **FP64)
    assert estimate.n_clusters == 10


def test_one_who_is_in_every_pair_is_survived() -> None:
    """A star: five people share a question with the first one only."""
    choices = Choices(
        labeler=np.array([0, 0, 0, 0, 0, 1, 2, 3, 4, 5]),
        question=np.array([0, 1, 2, 3, 4, 0, 1, 2, 3, 4]),
        option=np.array([0, 2, 4, 6, 8, 0, 3, 4, 7, 8]),
        n_labelers=6,
    )
    estimate = pairwise_agreement(choices)
    assert estimate is not None
    assert estimate.value == 3 / 5
    assert 0 <= estimate.interval.low < 0.6 < estimate.interval.high <= 1


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-x)))


CELLS = [(200, 3, 10, 0.5), (100, 5, 8, 0.5), (300, 2, 20, 0.5)]
"""Questions, answers to each, labelers, and the spread of the log of their sharpness."""


def _coverage(cell: tuple[int, int, int, float], trials: int, seed: int) -> tuple[float, float]:
    """Return how often the two-way interval, and Wilson's, hold people's agreement at large."""
    n, each, people, spread = cell
    rng = np.random.default_rng(seed)
    ease = rng.normal(0, 1, 400_000)
    a, b = (_sigmoid(2 * ease * np.exp(rng.normal(0, spread, ease.size))) for _ in range(2))
    truth = float((a * b + (1 - a) * (1 - b)).mean())
    question = np.repeat(np.arange(n), each)
    hits = naive = 0
    for _ in range(trials):
        labeler = np.concatenate([rng.permutation(people)[:each] for _ in range(n)])
        sharp = np.exp(rng.normal(0, spread, people))[labeler]
        first = rng.random(n * each) < _sigmoid(2 * rng.normal(0, 1, n)[question] * sharp)
        found = pairwise_agreement(
            Choices(
                labeler=labeler,
                question=question,
                option=2 * question + first,
                n_labelers=people,
            )
        )
        assert found is not None
        hits += found.interval.low <= truth <= found.interval.high
        low, high = wilson(found.value * found.n, found.n)
        naive += low <= truth <= high
    return hits / trials, naive / trials


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_the_interval_of_agreement_covers_people_at_large(
    cell: tuple[int, int, int, float],
) -> None:
    two_way, naive = _coverage(cell, trials=200, seed=12)
    assert 0.92 <= two_way <= 0.99
    assert naive < min(0.92, two_way), "Wilson ignores who judged"


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_the_interval_of_agreement_covers_people_at_large_over_2000_trials(
    cell: tuple[int, int, int, float],
) -> None:
    two_way, _ = _coverage(cell, trials=2000, seed=13)
    assert 0.93 <= two_way <= 0.99
