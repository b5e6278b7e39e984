"""What twice the labels would buy, from the lines that training writes."""

from typing import Any

import numpy as np
import pytest

from prefloop.comparisons.quality.forecast import forecast

SPOILED: dict[str, Any] = {"labels": None, "rewards/accuracy": float("nan")}


def lines(
    accuracies: list[float], *, size: int = 32, round_number: int = 0
) -> list[dict[str, Any]]:
    return [
        {
            "stage": "rewards",
            "round": round_number,
            "update": i + 1,
            "labels": size * (i + 1),
            "rewards/accuracy": accuracy,
            "rewards/loss": 0.6,
        }
        for i, accuracy in enumerate(accuracies)
    ]


def drawn(seed: int, *, limit: float, slope: float, batches: int, size: int = 32) -> list[float]:
    rng = np.random.default_rng(seed)
    p = [limit - slope / (size * max(i, 0.5)) ** 0.5 for i in range(batches)]
    return [rng.binomial(size, x) / size for x in p]


def test_a_clear_gain_is_told_with_its_interval() -> None:
    found = forecast(lines(drawn(0, limit=0.8, slope=3.0, batches=200)))
    assert found.status == "estimated"
    assert found.n_labels == 6400
    assert found.now is not None
    assert found.doubled is not None
    assert found.gain_interval is not None
    assert found.doubled.labels == 12_800
    assert found.gain_interval.low < 3.0 * (1 / 80 - 1 / 80 / 2**0.5) < found.gain_interval.high
    assert found.now.interval.low <= 0.8 - 3 / 80 <= found.now.interval.high
    assert found.message.startswith("Twice the questions (12,800) would bring the accuracy from 7")


def test_a_level_curve_says_that_labels_buy_little() -> None:
    found = forecast(lines([0.66, 0.68, 0.67, 0.66, 0.68] * 40))
    assert found.status == "estimated"
    assert found.message.startswith("Twice the questions would buy little: 67 % now")


def test_lines_without_labels_or_with_no_finite_accuracy_are_left_out() -> None:
    known = lines([0.66, 0.68, 0.67, 0.66, 0.68] * 40)
    spoiled = [{**line, key: value} for line in known[:3] for key, value in SPOILED.items()]
    for other in spoiled:
        other["update"] += 1000
    assert forecast([*known, *spoiled]) == forecast(known)


def test_few_or_noisy_batches_are_not_enough_evidence() -> None:
    few = forecast(lines([0.5] * 10))
    assert (few.status, few.n_batches, few.now) == ("not enough evidence", 9, None)
    assert few.message.endswith("9 scored batches, 10 are needed.")
    noisy = forecast(lines(np.random.default_rng(0).random(12).tolist(), size=8))
    assert noisy.status == "not enough evidence"
    ties = forecast(lines([0.25] * 40))
    assert ties.status == "estimated", "a tie among four is a quarter right, whatever is learned"
    assert "Twice the questions would buy little: 25 % now" in ties.message
    nothing = forecast([])
    assert (nothing.status, nothing.n_labels, nothing.round) == ("not enough evidence", 0, None)


def test_a_gain_that_may_be_none_is_not_enough_evidence() -> None:
    found = forecast(lines(drawn(4, limit=0.66, slope=0.3, batches=30)))
    assert found.status == "not enough evidence"
    assert found.message.startswith("Not enough evidence that more questions help: from 6")


def test_batches_are_scored_with_the_labels_before_them_and_the_first_with_none() -> None:
    found = forecast(lines([0.9, 0.5, 0.6]))
    assert found.points == ((32, 0.5), (64, 0.6))


def test_the_round_with_most_labels_counts_and_second_epochs_do_not() -> None:
    rows = lines([0.5] * 12) + lines([0.7] * 24, round_number=1) + lines([0.1], round_number=2)
    rows.append({"stage": "policy", "round": 3, "update": 1, "policy/kl": 1.0})
    found = forecast(rows, labels_per_epoch=32 * 20)
    assert (found.round, found.n_batches, found.n_labels) == (1, 19, 640)
    assert {accuracy for _, accuracy in found.points} == {0.7}


def test_uneven_batches_weigh_by_their_size() -> None:
    rows = lines([0.5] * 12)
    rows[-1] |= {"labels": 12 * 32 - 16}
    found = forecast(rows)
    assert found.n_labels == 12 * 32 - 16
    assert [n for n, _ in found.points] == [32 * i for i in range(1, 12)]


def test_the_drawn_curve_rises_to_twice_the_labels() -> None:
    found = forecast(lines(drawn(1, limit=0.8, slope=3.0, batches=60)))
    numbers = [point.labels for point in found.curve]
    assert numbers == sorted(set(numbers))
    assert (numbers[0], numbers[-1]) == (32, 2 * 60 * 32)
    values = [point.accuracy for point in found.curve]
    assert values == sorted(values)
    for point in found.curve:
        assert 0 <= point.interval.low <= point.interval.high <= 1


@pytest.mark.parametrize("seed", range(3))
def test_the_same_lines_give_the_same_forecast(seed: int) -> None:
    rows = lines(drawn(seed, limit=0.7, slope=1.0, batches=30))
    assert forecast(rows, seed=seed) == forecast(rows, seed=seed)
