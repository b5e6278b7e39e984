"""How often labelers choose alike: what a reward model's accuracy is measured against.

The agreement of all labelers together, with an interval that knows who judged, is in
`quality/peers.py`.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from prefloop.records import Comparison, Label


class Ceiling(NamedTuple):
    """How often two labelers choose the same sample."""

    agreement: float
    n_questions: int
    """Questions that two of them answered, or more."""


def label_ceiling(comparisons: Sequence[Comparison], labels: Sequence[Label]) -> Ceiling | None:
    """Return how often another labeler would choose the same sample; None without overlap.

        mean over comparisons of sum_i n_i (n_i - 1) / (n (n - 1)),   n_i labels for sample i

    An accuracy to measure a reward model against, but no hard limit: one that predicts the most
    likely choice is right max_i p_i of the time, and max_i p_i >= sum_i p_i^2.
    """
    wanted = {comparison.id for comparison in comparisons}
    outcomes: dict[str, list[bool]] = defaultdict(list)
    for a, b in _pairs([x for x in labels if x.comparison_id in wanted]):
        outcomes[a.comparison_id].append(a.chosen == b.chosen)
    if not outcomes:
        return None
    return Ceiling(float(np.mean([np.mean(o) for o in outcomes.values()])), len(outcomes))


def _pairs(labels: Sequence[Label]) -> Iterator[tuple[Label, Label]]:
    """Yield each two choices of different labelers on one comparison, in the order of the names."""
    by_comparison: Mapping[str, dict[str, Label]] = defaultdict(dict)
    for label in labels:
        if label.answer == "best":
            by_comparison[label.comparison_id][label.labeler] = label
    for given in by_comparison.values():
        yield from combinations([given[name] for name in sorted(given)], 2)
