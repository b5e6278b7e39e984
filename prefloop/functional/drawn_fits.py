"""The choice model on many draws of the same answers, fitted side by side.

Shapes: N = samples shown, over all answers; A = answers; P = features; D = draws.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from prefloop.functional.choice_model import RIDGE, STEPS, TOLERANCE, ChoiceRows

NUMBERS_AT_ONCE = 1 << 20
"""N x D at most: 8 MiB an array of that shape."""


def drawn_coefficients(
    rows: ChoiceRows,
    counts: Float[np.ndarray, "A D"],
    start: Float[np.ndarray, " P"],
    *,
    ridge: float = RIDGE,
) -> Float[np.ndarray, "D P"]:
    """Return the coefficients of `fit_choice_model` for each draw, to its tolerance.

        maximize  sum_a n_ad sum_{i in a} t_i log P(i)  -  ridge / 2 |b_d|^2

    n_ad, one column of `counts`, says how often draw d has answer a. `start` is where the search
    begins: the coefficients of all answers are near those of most draws.
    """
    # What all samples of an answer share explains no choice, and far from zero it costs digits.
    means = np.add.reduceat(rows.features, rows.starts) / rows.sizes[:, None]
    rows = replace(rows, features=rows.features - means[rows.answer])
    width = max(1, NUMBERS_AT_ONCE // max(1, len(rows.targets)))
    parts = [
        _fitted(rows, counts[:, first : first + width], start, ridge)
        for first in range(0, counts.shape[1], width)
    ]
    return np.concatenate(parts)


def _fitted(rows: ChoiceRows, counts: np.ndarray, start: np.ndarray, ridge: float) -> np.ndarray:
    """Return the most likely coefficients of draws, by Newton's method, D x P."""
    b = np.tile(start, (counts.shape[1], 1))
    value, step = np.full(len(b), -np.inf), np.zeros_like(b)
    for _ in range(STEPS):
        new_value, pull, information = _at(rows, counts, b, ridge)
        # A step that made it worse is taken back by half, as often as it takes.
        is_worse = new_value < value - 1e-9 * np.abs(value)
        newton = np.linalg.solve(information, pull[:, :, None])[:, :, 0]
        move = np.where(is_worse[:, None], -step / 2, newton)
        step = np.where(is_worse[:, None], step / 2, newton)
        value = np.where(is_worse, value, new_value)
        if not move.size or np.abs(move).max() < TOLERANCE:
            return b
        b = b + move
    return b


def _at(
    rows: ChoiceRows, counts: np.ndarray, b: np.ndarray, ridge: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each draw's penalized log-likelihood, its slope (D x P) and its curvature (D x P x P).

    The curvature is sum_a n_a (sum_i p_i x_i x_i' - m m'), m = sum_i p_i x_i within the answer.
    """
    x, starts, answer = rows.features, rows.starts, rows.answer
    eta = x @ b.T
    eta -= np.maximum.reduceat(eta, starts)[answer]
    p = np.exp(eta)
    totals = np.add.reduceat(p, starts)
    p /= totals[answer]
    log_p = np.add.reduceat(rows.targets[:, None] * eta, starts)
    log_p -= np.add.reduceat(rows.targets, starts)[:, None] * np.log(totals)
    value = (counts * log_p).sum(axis=0) - ridge / 2 * (b**2).sum(axis=1)

    means = np.stack([np.add.reduceat(p * column[:, None], starts) for column in x.T], axis=-1)
    chosen = np.add.reduceat(rows.targets[:, None] * x, starts)
    pull = counts.T @ chosen - np.einsum("ad,adp->dp", counts, means) - ridge * b

    weights = (p * counts[answer]).T
    # One column at a time: all products of two features are P times as much as the features.
    curvature = np.stack([weights @ (x * column[:, None]) for column in x.T], axis=1)
    weighted = (means * counts[:, :, None]).transpose(1, 2, 0)
    curvature -= weighted @ means.transpose(1, 0, 2)
    return value, pull, curvature + ridge * np.eye(x.shape[1])
