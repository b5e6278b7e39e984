"""Laws of the figures on labels and labelers that hold for all inputs."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from prefloop.functional.agreement import Choices, agreement_with_others, pairwise_agreement
from prefloop.functional.learning_curve import fit_learning_curve
from prefloop.functional.runs import longest_run, position_test, run_probability
from prefloop.functional.skill import right_probability
from prefloop.functional.statistics import beta_bounds, q_values
from tests.tolerances import FP64

CELLS = st.dictionaries(
    st.tuples(st.integers(0, 7), st.integers(0, 9)), st.integers(0, 2), min_size=2, max_size=60
)
"""(labeler, question) to the sample chosen."""
Cells = dict[tuple[int, int], int]
PROBABILITIES = st.lists(st.floats(0.01, 0.99), min_size=1, max_size=40)


def _choices(cells: Cells) -> Choices:
    rows = np.array([(a, q, 3 * q + option) for (a, q), option in cells.items()])
    return Choices(labeler=rows[:, 0], question=rows[:, 1], option=rows[:, 2], n_labelers=8)


@given(CELLS, st.randoms(use_true_random=False))
def test_names_of_labelers_questions_and_samples_do_not_matter(
    cells: Cells, random: object
) -> None:
    people, questions = list(range(8)), list(range(10))
    random.shuffle(people)  # type: ignore[attr-defined]
    random.shuffle(questions)  # type: ignore[attr-defined]
    renamed = {(people[a], questions[q]): 2 - option for (a, q), option in cells.items()}
    found, other = pairwise_agreement(_choices(cells)), pairwise_agreement(_choices(renamed))
    assert (found is None) == (other is None)
    if found and other:
        np.testing.assert_allclose(found.value, other.value, **FP64)
        np.testing.assert_allclose(found.interval, other.interval, **FP64)


@given(CELLS)
def test_agreement_lies_in_its_interval_and_on_the_scale(cells: Cells) -> None:
    choices = _choices(cells)
    everybody = np.ones(8, dtype=bool)
    for found in (pairwise_agreement(choices), *agreement_with_others(choices, everybody)):
        if found:
            assert 0 <= found.interval.low <= found.value + FP64["atol"]
            assert found.value - FP64["atol"] <= found.interval.high <= 1


@given(CELLS)
def test_the_mean_over_labelers_is_the_overall_agreement(cells: Cells) -> None:
    """Each pair is seen from both sides."""
    choices = _choices(cells)
    each = [e for e in agreement_with_others(choices, np.ones(8, dtype=bool)) if e]
    found = pairwise_agreement(choices)
    if found:
        assert sum(e.n for e in each) == 2 * found.n
        mean = sum(e.value * e.n for e in each) / (2 * found.n)
        np.testing.assert_allclose(mean, found.value, **FP64)


@given(st.integers(0, 300), st.integers(0, 300), st.floats(0.5, 0.999))
def test_bounds_of_a_share_mirror_and_hold_it(right: int, wrong: int, confidence: float) -> None:
    n = right + wrong
    low, high = beta_bounds(right, n, confidence)
    np.testing.assert_allclose(beta_bounds(wrong, n, confidence), (1 - high, 1 - low), **FP64)
    if n:
        assert 0 <= low <= right / n <= high <= 1
        assert high - low < 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_q_values_keep_the_order_and_never_fall_below_p(p_values: list[float]) -> None:
    q = q_values(p_values)
    assert (q >= np.array(p_values) - FP64["atol"]).all()
    assert (q <= 1).all()
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(q[order]) >= -FP64["atol"]).all()


@given(PROBABILITIES, st.integers(1, 10))
def test_longer_rows_are_rarer_and_more_answers_never_make_them_rarer(
    probabilities: list[float], length: int
) -> None:
    p = run_probability(probabilities, length)
    assert 0 <= p <= 1 + FP64["atol"]
    assert run_probability(probabilities, length + 1) <= p + FP64["atol"]
    assert run_probability([*probabilities, 0.5], length) >= p - FP64["atol"]
    backwards = run_probability(probabilities[::-1], length)
    np.testing.assert_allclose(backwards, p, rtol=FP64["rtol"], atol=FP64["atol"])


@given(st.lists(st.integers(0, 3), max_size=60), st.permutations(range(4)))
def test_renaming_places_leaves_their_evenness(places: list[int], names: list[int]) -> None:
    sizes = [4] * len(places)
    a, b = position_test(places, sizes), position_test([names[p] for p in places], sizes)
    np.testing.assert_allclose(a.p_value, b.p_value, **FP64)
    np.testing.assert_allclose(a.excess, b.excess, **FP64)


@given(st.lists(st.integers(0, 2), max_size=40))
def test_the_longest_row_is_a_row(values: list[int]) -> None:
    start, length = longest_run(values, [True] * len(values))
    assert len(set(values[start : start + length])) <= 1
    assert (length == 0) == (not values)


@given(st.floats(-1, 1), st.integers(2, 8))
def test_skill_0_is_chance_and_probabilities_rise_with_skill(skill: float, k: int) -> None:
    skills = np.array([-1.0, skill, 0.0, 1.0])
    low, p, chance, high = right_probability(skills, np.full(4, float(k)))
    np.testing.assert_allclose([low, chance, high], [0.0, 1 / k, 1.0], **FP64)
    assert 0 <= p <= 1
    assert (p >= chance - FP64["atol"]) == (skill >= -FP64["atol"]) or abs(skill) < 1e-9


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30), st.integers(0, 5))
def test_forecasts_stay_between_0_and_1_and_never_fall(accuracies: list[float], seed: int) -> None:
    seen = [32 * (i + 1) for i in range(len(accuracies))]
    curve = fit_learning_curve(seen, accuracies, [32] * len(seen), seed=seed, n_draws=50)
    now, later = curve.at(seen[-1]), curve.at(2 * seen[-1])
    assert -FP64["atol"] <= now <= later <= 1 + FP64["atol"]
    gain, (low, high) = curve.gain(seen[-1], 2 * seen[-1])
    np.testing.assert_allclose(gain, later - now, **FP64)
    assert -FP64["atol"] <= low <= high
