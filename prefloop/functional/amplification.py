"""Does a reward model weigh a feature more than the labels that it learned from?

Shapes: N = samples shown, over all questions; A = questions; P = features; D = draws.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtri

from prefloop.functional.choice_model import ChoiceRows, fit_choice_model
from prefloop.functional.drawn_fits import drawn_coefficients
from prefloop.functional.statistics import Estimate, Interval


@dataclass(frozen=True, kw_only=True)
class Amplification:
    """The weights of features in labels and in a reward model's own choices."""

    scale: float
    """What the scores are multiplied by before the softmax."""
    labels: Float[np.ndarray, " P"]
    model: Float[np.ndarray, " P"]
    draws: Float[np.ndarray, "D P"]
    """Model less labels, on prompts drawn with replacement."""
    model_draws: Float[np.ndarray, "D P"]
    """The model alone, on the same prompts."""
    n_questions: int
    n_prompts: int

    def differences(self, confidence: float = 0.95) -> list[Estimate]:
        """Return model less labels for each feature, with the bootstrap's normal interval."""
        return self._estimates(self.model - self.labels, self.draws, confidence)

    def model_weights(self, confidence: float = 0.95) -> list[Estimate]:
        """Return the model's own weight of each feature, with the same interval."""
        return self._estimates(self.model, self.model_draws, confidence)

    def _estimates(
        self, values: Float[np.ndarray, " P"], draws: Float[np.ndarray, "D P"], confidence: float
    ) -> list[Estimate]:
        half = float(ndtri(0.5 + confidence / 2)) * draws.std(axis=0, ddof=1)
        return [
            Estimate(
                value=float(value),
                interval=Interval(float(value - width), float(value + width)),
                confidence=confidence,
                n=self.n_questions,
                n_clusters=self.n_prompts,
                how="normal interval, bootstrap over prompts",
            )
            for value, width in zip(values, half, strict=True)
        ]


def model_choices(
    scores: Float[np.ndarray, " N"], starts: Int[np.ndarray, " A"], scale: float = 1.0
) -> Float[np.ndarray, " N"]:
    """Return how likely a reward model chooses each sample of a question.

    P(i | question) = exp(c r_i) / sum_j exp(c r_j)
    """
    sizes = np.diff(np.append(starts, len(scores)))
    top = np.repeat(np.maximum.reduceat(scores * scale, starts), sizes)
    weights = np.exp(scores * scale - top)
    return np.asarray(weights / np.repeat(np.add.reduceat(weights, starts), sizes))


def score_scale(rows: ChoiceRows, scores: Float[np.ndarray, " N"]) -> float:
    """Return the c with which softmax(c r) predicts the labels best, at least 0.

        maximize over c  sum_i t_i log softmax(c r)_i

    1 for a calibrated reward model; below, it is surer than the labels bear out. Guo et al. 2017,
    arXiv:1706.04599, section 4.2 (temperature 1 / c).
    """
    own = ChoiceRows(features=scores[:, None], targets=rows.targets, starts=rows.starts)
    return max(0.0, float(fit_choice_model(own, ridge=1e-6).coefficients[0]))


def amplification(
    rows: ChoiceRows,
    scores: Float[np.ndarray, " N"],
    prompt: Int[np.ndarray, " A"],
    *,
    scale: float,
    seed: int,
    n_draws: int = 200,
) -> Amplification:
    """Return the choice model of the labels beside that of a reward model's own choices.

        b_labels: fitted to the labels t      b_model: fitted to softmax(c r)
        d = b_model - b_labels,   its spread over draws of whole prompts with replacement

    `rows` hold the questions' features and labels, `scores` the r of each sample. A sound model has
    d = 0: it takes each feature for as much as labelers do. Efron and Tibshirani 1993, chapter 6.
    """
    own = model_choices(scores, rows.starts, scale)
    labels = fit_choice_model(rows).coefficients
    model = fit_choice_model(replace(rows, targets=own)).coefficients
    names, number = np.unique(prompt, return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(names), size=(n_draws, len(names)))
    times = np.array([np.bincount(draw, minlength=len(names)) for draw in drawn], dtype=float)
    counts = times.T[number]
    of_labels = drawn_coefficients(rows, counts, labels)
    of_model = drawn_coefficients(replace(rows, targets=own), counts, model)
    return Amplification(
        scale=scale,
        labels=labels,
        model=model,
        draws=of_model - of_labels,
        model_draws=of_model,
        n_questions=len(rows.starts),
        n_prompts=len(names),
    )
