"""95 % intervals of figures that are pooled over three seeds hold the truth at least so often."""

import numpy as np
import pytest

from prefloop.functional.statistics import paired_win_rate, ratio_of_means

N_PROMPTS, N_SEEDS, TRIALS = 100, 3, 400
BEFORE, AFTER = 0.1, 0.3
"""Shares of summaries with a copied sentence, over all prompts and seeds."""
LEAST = 0.95 - 2.33 * (0.95 * 0.05 / TRIALS) ** 0.5
"""An interval that covers in 95 % falls below this in one test of 100."""


def places(n_seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the prompt and the seed of each summary."""
    return np.tile(np.arange(N_PROMPTS), n_seeds), np.repeat(np.arange(n_seeds), N_PROMPTS)


def ratio_coverage(n_seeds: int, sd_seed: float) -> tuple[float, float]:
    """Return how often the ratio's interval holds it: with the seeds as repeats, and without.

    Prompts invite copies from 0.2 to 1.8 times as much as the mean. What a seed learns to copy
    differs by `sd_seed`, on the scale of the ratio's logarithm.
    """
    rng = np.random.default_rng(7)
    prompt, seed = places(n_seeds)
    repeats = seed if n_seeds > 1 else None
    hits = []
    for _ in range(TRIALS):
        invites = rng.uniform(0.2, 1.8, N_PROMPTS)[prompt]
        learned = np.exp(sd_seed * rng.normal(size=n_seeds) - sd_seed**2 / 2)[seed]
        before = rng.random(len(prompt)) < BEFORE * invites
        after = rng.random(len(prompt)) < AFTER * invites * learned
        found = [ratio_of_means(after, before, prompt, repeats=by) for by in (repeats, None)]
        hits.append([low <= AFTER / BEFORE <= high for low, high in (f.interval for f in found)])
    with_seeds, without = np.mean(hits, axis=0)
    return float(with_seeds), float(without)


def win_rate_coverage(sd_seed: float) -> tuple[float, float]:
    """Return how often a win rate's interval holds one half: two-way, and by prompt alone."""
    rng = np.random.default_rng(8)
    prompt, seed = places(N_SEEDS)
    hits = []
    for _ in range(TRIALS):
        logit = rng.normal(size=N_PROMPTS)[prompt] + sd_seed * rng.normal(size=N_SEEDS)[seed]
        won = (rng.random(len(prompt)) < 1 / (1 + np.exp(-logit))).astype(float)
        found = [paired_win_rate(won, prompt, labelers=by) for by in (seed, None)]
        hits.append([low <= 0.5 <= high for low, high in (f.interval for f in found)])
    two_way, by_prompt = np.mean(hits, axis=0)
    return float(two_way), float(by_prompt)


@pytest.mark.parametrize(("n_seeds", "sd_seed"), [(1, 0.0), (3, 0.0), (3, 0.3)])
def test_a_ratio_of_three_seeds_is_covered(n_seeds: int, sd_seed: float) -> None:
    with_seeds, without = ratio_coverage(n_seeds, sd_seed)
    assert with_seeds >= LEAST
    if sd_seed == 0.3:
        assert without < 0.9, "prompts alone do not know that seeds differ"


@pytest.mark.parametrize("sd_seed", [0.0, 0.5])
def test_a_win_rate_of_three_seeds_is_covered(sd_seed: float) -> None:
    two_way, by_prompt = win_rate_coverage(sd_seed)
    assert two_way >= LEAST
    if sd_seed == 0.5:
        assert by_prompt < 0.7, "prompts alone do not know that seeds differ"
