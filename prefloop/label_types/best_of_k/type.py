"""The answer names the best of k samples (Ziegler et al. 2019, arXiv:1909.08593)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from prefloop.label_types.answers import AnswerContent, AnswerDetails, answer_problems
from prefloop.label_types.label_type import LabelTarget
from prefloop.records import Label
from prefloop.settings.section import Section

UNLIMITED = 2**31
"""Imported comparisons may have any number of samples; the labeling page shows up to 8."""


@dataclass(frozen=True, kw_only=True)
class BestOfK:
    """A choice of the best sample."""

    name: str = "best_of_k"
    description: str = "the best of several samples"
    sizes: range = range(3, UNLIMITED)
    details: type[Section] = AnswerDetails
    loss: str = "best_of_k"

    def problems(self, label: Label, sample_ids: Sequence[str]) -> list[str]:
        """Return what is wrong with a label as an answer to a comparison of these samples."""
        return answer_problems(label, sample_ids, self.details)

    def renamed(self, label: Label, names: Mapping[str, str]) -> Label:
        """Return the label with every sample named as `names` says."""
        return replace(
            label,
            shown=tuple(names[name] for name in label.shown),
            chosen=None if label.chosen is None else names[label.chosen],
        )

    def from_scores(
        self, scores: NDArray[np.float64], sample_ids: Sequence[str], *, tie_margin: float
    ) -> AnswerContent:
        """Return the choice of the highest score; a tie if the best two are closer than margin."""
        second, first = np.sort(scores)[-2:]
        if first - second < tie_margin:
            return AnswerContent(answer="tie")
        return AnswerContent(answer="best", chosen=sample_ids[int(np.argmax(scores))])

    def preferred_pairs(self, label: Label) -> list[tuple[str, str]]:
        """Return k - 1 pairs: the chosen sample is better than each of the others."""
        if label.chosen is None:
            return []
        return [(label.chosen, other) for other in label.shown if other != label.chosen]

    def target(self, label: Label, sample_ids: Sequence[str]) -> LabelTarget | None:
        """Return a vote, shape (k,).

        best    -> 1 on the chosen sample
        tie     -> 1/k on each of the k samples
        all_bad -> 1/k on each: none is better than the others
        """
        match label.answer:
            case "best":
                return np.array([float(sample_id == label.chosen) for sample_id in sample_ids])
            case "tie" | "all_bad":
                return np.full(len(sample_ids), 1.0 / len(sample_ids))
            case _:
                return None

    def best_probabilities(self, target: LabelTarget) -> LabelTarget:
        """Return the target: a mean of votes is a probability."""
        return target

    def loss_at_chance(self, n_samples: int) -> float:
        """Return log k."""
        return math.log(n_samples)


BEST_OF_K = BestOfK()
