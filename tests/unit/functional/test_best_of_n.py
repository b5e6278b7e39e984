"""Best of n: its KL is never above the bound, and meets it where no response comes twice."""

import itertools
import math

import numpy as np
import pytest
import torch

from prefloop.functional.best_of_n import best_of_n_kl, best_rows
from tests.tolerances import FP64
from tests.wrong_twins.best_of_n_twins import kl_minus_one_nth


def exact_kl(probabilities: list[float], scores: list[float], n: int) -> float:
    """Return the KL of best of n from its source, by going through all n draws.

    Of equal scores each draw is equally likely to be kept.
    """
    kept = np.zeros(len(probabilities))
    for draws in itertools.product(range(len(probabilities)), repeat=n):
        likely = math.prod(probabilities[i] for i in draws)
        best = max(scores[i] for i in draws)
        among = [i for i in draws if scores[i] == best]
        for i in among:
            kept[i] += likely / len(among)
    return sum(k * math.log(k / p) for k, p in zip(kept, probabilities, strict=True) if k > 0)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
@pytest.mark.parametrize(
    ("probabilities", "scores"),
    [
        ([0.25, 0.25, 0.25, 0.25], [0.0, 1.0, 2.0, 3.0]),
        ([0.7, 0.2, 0.1], [3.0, 1.0, 2.0]),
        ([0.5, 0.3, 0.2], [1.0, 1.0, 0.0]),
        ([0.05, 0.9, 0.05], [1.0, 0.0, -1.0]),
    ],
)
def test_it_is_an_upper_bound_whatever_the_source_and_the_scores(
    probabilities: list[float], scores: list[float], n: int
) -> None:
    found = exact_kl(probabilities, scores, n)
    assert -FP64["atol"] <= found <= best_of_n_kl(n) + FP64["atol"]
    if n > 1:
        assert found < 0.95 * best_of_n_kl(n), "no equality: single responses are likely"


def test_it_is_met_where_each_response_is_unlikely() -> None:
    """A thousand responses of different scores: the i-th is kept with (i^n - (i - 1)^n) / N^n."""
    n, size = 4, 1000
    ends = (np.arange(size + 1) / size) ** n
    kept = np.diff(ends)
    found = float((kept * np.log(kept * size)).sum())
    assert 0 <= best_of_n_kl(n) - found < 0.002
    assert abs(kl_minus_one_nth(n) - found) > 0.2


def test_of_a_response_that_is_certain_nothing_can_be_chosen() -> None:
    assert exact_kl([1.0], [0.0], 6) == pytest.approx(0.0)


def test_of_one_response_each_that_one_is_kept() -> None:
    assert best_rows(torch.tensor([2.0, 1.0, 3.0]), n=1).tolist() == [0, 1, 2]
