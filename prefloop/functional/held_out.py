"""What of a reward model's scores goes with a measure of the texts, and can be taken out of them.

Shapes: Q = questions; K = samples of the largest; M = measures.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

ROUNDING = 1e-9
"""Share of a measure's size below which its differences within questions are rounding."""


@dataclass(frozen=True, kw_only=True)
class SharedPart:
    """The linear part of scores that measures explain within questions."""

    weights: Float[np.ndarray, " M"]
    """Score for one more of each measure, the others held."""
    means: Float[np.ndarray, " M"]
    """Mean of each measure over all samples."""
    share: float
    """Share of the scores' squared differences within questions that the part explains, 0 to 1."""


def shared_part(
    scores: Float[np.ndarray, "Q K"],
    measures: Float[np.ndarray, "Q K M"],
    present: Bool[np.ndarray, "Q K"],
) -> SharedPart:
    """Return the least-squares fit of scores by measures, both less their question's mean.

        minimize over w  sum_qi [ (r_qi - mean_q r) - w (m_qi - mean_q m) ]^2

    Within questions, because a prompt that is easy to copy from may also be one of which all
    answers are good: what differs between prompts is no reason why one answer beats another. A
    measure that never differs within a question gets weight 0. Frisch, Waugh 1933, Econometrica
    1:387-401; with one intercept per question it is the within estimator.
    """
    centered_scores = _less_question_mean(scores[..., None], present)[:, 0]
    centered = _less_question_mean(measures, present)
    # The mean of equal numbers may differ from them in its last bit, which is no difference.
    noise = ROUNDING * np.linalg.norm(measures[present], axis=0)
    centered[:, np.linalg.norm(centered, axis=0) <= noise] = 0.0
    weights, *_ = np.linalg.lstsq(centered, centered_scores, rcond=None)
    total = float(centered_scores @ centered_scores)
    left = centered_scores - centered @ weights
    return SharedPart(
        weights=weights,
        means=measures[present].mean(axis=0),
        share=1.0 - float(left @ left) / total if total > 0 else 0.0,
    )


def _less_question_mean(
    values: Float[np.ndarray, "Q K M"], present: Bool[np.ndarray, "Q K"]
) -> Float[np.ndarray, "N M"]:
    """Return the samples that are there, each less the mean of its question's."""
    counted = np.where(present[..., None], values, 0.0)
    means = counted.sum(axis=1) / present.sum(axis=1)[:, None]
    return np.asarray((values - means[:, None])[present])
