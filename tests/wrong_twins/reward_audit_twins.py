"""Plausible mistakes in what a reward model is audited by; each must fail its numbers."""

from typing import Any

import numpy as np

from prefloop.functional import amplification as right
from prefloop.functional.choice_model import ChoiceRows
from prefloop.functional.frontier import order_weights


def kept_by_its_own_value(rewards: Any, values: Any, n: int) -> Any:
    """The other judge's best draw: it selects for itself, and always rises."""
    return np.sort(values, axis=1) @ order_weights(values.shape[1], n)


def kept_of_the_first_n(rewards: Any, values: Any, n: int) -> Any:
    """The best of the first n draws: unbiased, but of one subset only."""
    best = rewards[:, :n].argmax(axis=1)
    return values[np.arange(len(values)), best]


def kept_ties_in_order(rewards: Any, values: Any, n: int) -> Any:
    """Of equal rewards the later draw is kept."""
    order = np.argsort(rewards, axis=1, kind="stable")
    return np.take_along_axis(values, order, axis=1) @ order_weights(values.shape[1], n)


def choices_over_everything(scores: Any, starts: Any, scale: float = 1.0) -> Any:
    """One softmax over all questions."""
    weights = np.exp(scores * scale)
    return weights / weights.sum()


def choices_unscaled(scores: Any, starts: Any, scale: float = 1.0) -> Any:
    """The scale is forgotten."""
    return right.model_choices(scores, starts)


def choices_divided(scores: Any, starts: Any, scale: float = 1.0) -> Any:
    """The scale is taken for a temperature."""
    return right.model_choices(scores, starts, 1.0 / scale)


def scale_as_temperature(rows: ChoiceRows, scores: Any) -> float:
    """1 / c."""
    return 1.0 / right.score_scale(rows, scores)


def scale_of_spread(rows: ChoiceRows, scores: Any) -> float:
    """Scores are brought to variance 1, whatever the labels say."""
    return float(1.0 / scores.std())


def draws_of_questions(rows: ChoiceRows, scores: Any, prompt: Any, **rest: Any) -> Any:
    """Questions on one prompt are drawn as if they were independent."""
    return right.amplification(rows, scores, np.arange(len(prompt)), **rest)
