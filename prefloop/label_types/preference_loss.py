"""A loss on the labels of comparisons, with the accuracy that belongs to it.

Shapes: B = batch of comparisons, K = responses in the largest of them.
"""

from dataclasses import dataclass
from typing import Protocol

from jaxtyping import Bool, Float
from torch import Tensor


class LossFunction(Protocol):
    """A differentiable function of scores; see `functional/preference_loss.py`."""

    def __call__(
        self,
        scores: Float[Tensor, "B K"],
        targets: Float[Tensor, "B K ..."],
        present: Bool[Tensor, "B K"] | None = None,
        *,
        denominator: int | None = None,
    ) -> Float[Tensor, ""]:
        """Return the sum of the comparisons' losses over `denominator`."""
        ...


class AccuracyFunction(Protocol):
    """How far scores agree with targets, between 0 and 1."""

    def __call__(
        self,
        scores: Float[Tensor, "B K"],
        targets: Float[Tensor, "B K ..."],
        present: Bool[Tensor, "B K"] | None = None,
    ) -> Float[Tensor, " B"]:
        """Return one number per comparison."""
        ...


@dataclass(frozen=True, kw_only=True)
class PreferenceLoss:
    """What the reward trainer minimizes and reports."""

    loss: LossFunction
    accuracy: AccuracyFunction
