"""Labels as probabilities: what the reward model should say about each comparison."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prefloop.records import Comparison, Label


@dataclass(frozen=True, kw_only=True)
class Target:
    """How likely each sample of a comparison is to be called best.

    >>> from prefloop.records import Comparison
    >>> c = Comparison(id="c1", prompt_id="p", sample_ids=("s1", "s2"), round=0, split="train")
    >>> Target(comparison=c, probabilities=(0.5, 0.5), n_labels=2).n_labels
    2
    """

    comparison: Comparison
    probabilities: tuple[float, ...]
    """In the order of `comparison.sample_ids`; sums to 1."""
    n_labels: int
    """Labels behind it that carry a preference."""


def preference_targets(comparisons: Sequence[Comparison], labels: Sequence[Label]) -> list[Target]:
    """Return a target for every comparison that has a preference, in the order of `comparisons`.

        probabilities = mean over labels of: best    -> 1 on the chosen sample
                                             tie     -> 1/k on each of the k samples
                                             all_bad -> 1/k on each: none is better than the others

    `skip` and `flag` carry no preference; a comparison with nothing else is left out.
    """
    by_comparison: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        by_comparison[label.comparison_id].append(label)
    targets = []
    for comparison in comparisons:
        votes = [
            vote
            for label in by_comparison[comparison.id]
            if (vote := _vote(label, comparison.sample_ids)) is not None
        ]
        if votes:
            mean = np.mean(votes, axis=0)
            targets.append(
                Target(
                    comparison=comparison,
                    probabilities=tuple(float(p) for p in mean),
                    n_labels=len(votes),
                )
            )
    return targets


def _vote(label: Label, sample_ids: Sequence[str]) -> NDArray[np.float64] | None:
    match label.answer:
        case "best":
            return np.array([float(sample_id == label.chosen) for sample_id in sample_ids])
        case "tie" | "all_bad":
            return np.full(len(sample_ids), 1.0 / len(sample_ids))
        case _:
            return None
