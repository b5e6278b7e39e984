"""95 % intervals of a win rate hold the truth where prompts and labelers differ."""

import numpy as np
import pytest

from prefloop.functional.statistics import paired_win_rate, wilson

Cell = tuple[int, int, int, float, float]
CELLS: list[Cell] = [
    (200, 3, 10, 1.0, 0.0),
    (200, 3, 10, 1.0, 0.5),
    (400, 1, 8, 1.0, 0.5),
    (100, 5, 8, 1.5, 0.5),
    (300, 2, 6, 1.0, 0.3),
    (400, 1, 20, 1.0, 0.3),
]
"""Prompts, labels of each, labelers, and the spread of prompts and of labelers in log-odds."""
NAIVE = {CELLS[1]: 0.80, CELLS[3]: 0.80, CELLS[4]: 0.85}
"""Cells where an interval that ignores who judged covers less than this."""


def _coverage(cell: Cell, trials: int, seed: int) -> tuple[float, float]:
    """Return how often the two-way interval, and Wilson's, hold one half: all effects are even."""
    n, each, people, sd_prompt, sd_labeler = cell
    rng = np.random.default_rng(seed)
    prompt = np.repeat(np.arange(n), each)
    hits = naive = 0
    for _ in range(trials):
        labeler = np.concatenate([rng.permutation(people)[:each] for _ in range(n)])
        logit = rng.normal(0, 1, n)[prompt] * sd_prompt
        logit += rng.normal(0, 1, people)[labeler] * sd_labeler
        y = (rng.random(n * each) < 1 / (1 + np.exp(-logit))).astype(float)
        low, high = paired_win_rate(y, prompt.tolist(), labelers=labeler.tolist()).interval
        hits += low <= 0.5 <= high
        low, high = wilson(float(y.sum()), len(y))
        naive += low <= 0.5 <= high
    return hits / trials, naive / trials


@pytest.mark.parametrize("cell", CELLS[1::2], ids=str)
def test_two_way_intervals_cover(cell: Cell) -> None:
    two_way, naive = _coverage(cell, trials=400, seed=7)
    assert 0.93 <= two_way <= 0.99
    assert naive < NAIVE.get(cell, 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_two_way_intervals_cover_in_all_cells(cell: Cell) -> None:
    two_way, naive = _coverage(cell, trials=2000, seed=8)
    assert 0.93 <= two_way <= 0.99
    assert naive < NAIVE.get(cell, 1.0)
