"""Outcomes that several people decided together, with intervals that know who decided.

Shapes: Q questions, each answered by a panel of one or more of L labelers; N answers in all.
"""

from collections.abc import Hashable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from prefloop.functional.statistics import Estimate, Spread, paired_win_rate, share_estimate

FEW_LABELERS = 5
"""Fewer labelers than this cannot stand for others: the interval is about these ones only."""

Votes = Mapping[Any, float]
"""What each labeler said of one question: 1 (win), 0.5 (tie) or 0 (loss)."""


def majority_outcome(votes: Sequence[float]) -> float:
    """Return what more than half of the votes say; 0.5 (a tie) where no outcome has so many.

    >>> majority_outcome([1.0, 0.0, 1.0]), majority_outcome([1.0, 0.5, 0.0])
    (1.0, 0.5)
    """
    if not votes:
        raise ValueError("a majority needs at least one vote")
    for outcome in (1.0, 0.0):
        if 2 * sum(vote == outcome for vote in votes) > len(votes):
            return outcome
    return 0.5


def panel_win_rate(
    panels: Sequence[Votes], clusters: Sequence[Hashable], confidence: float = 0.95
) -> Estimate:
    """Return the mean of what majorities said, one outcome y for each question.

        V = V_prompt(y) + g^2 (V_labeler(x) - V_cell(x)),   g = 3 (1 - A), at least 1
        V_labeler(x) = L / (L - 1) * sum_a (sum_{i in a} (x_ia - mean))^2 / N^2

    x are the single votes and A the share of pairs of votes on one question that agree. A labeler
    who leans to one side moves the mean of three votes by a third of that, and their majority where
    the other two differ, which is 1 - A of the time: so g carries the variance through labelers
    from the votes to the majorities (delta method). A negative difference counts as 0. Where every
    question has one vote this is `paired_win_rate` with labelers, and is computed as such. The
    interval is that of `share_estimate`, with (smaller number of groups - 1) degrees of freedom.
    Two ways: Cameron, Gelbach, Miller 2011, JBES 29:238-249, eq. 2.5.
    """
    outcomes = [majority_outcome(list(votes.values())) for votes in panels]
    if all(len(votes) == 1 for votes in panels):
        labelers = [next(iter(votes)) for votes in panels]
        return paired_win_rate(outcomes, clusters, confidence, labelers=labelers)
    y, prompt = np.asarray(outcomes), _numbered(clusters)
    x = np.asarray([vote for votes in panels for vote in votes.values()])
    labeler = _numbered([who for votes in panels for who in votes])
    through_labelers = _variance_of_mean(x, labeler) - _variance_of_mean(x, np.arange(len(x)))
    gain = max(1.0, 3.0 * (1.0 - _agreement(panels)))
    n_prompts, n_labelers = len(set(clusters)), int(labeler.max()) + 1
    few = "; for these labelers only" if n_labelers < FEW_LABELERS else ""
    return share_estimate(
        float(y.mean()),
        Spread(
            variance=_variance_of_mean(y, prompt) + gain**2 * max(0.0, through_labelers),
            degrees=max(min(n_prompts, n_labelers) - 1, 1),
            how=f"clustered by prompt and labeler{few}",
        ),
        n=len(y),
        n_clusters=n_prompts,
        confidence=confidence,
    )


def _agreement(panels: Sequence[Votes]) -> float:
    """Return the share of pairs of votes on one question that are equal."""
    pairs = [a == b for votes in panels for a, b in combinations(votes.values(), 2)]
    return sum(pairs) / len(pairs)


def _numbered(names: Sequence[Hashable]) -> Int[np.ndarray, " N"]:
    """Number the groups in order of first appearance."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names])


def _variance_of_mean(values: Float[np.ndarray, " N"], group: Int[np.ndarray, " N"]) -> float:
    """Return the cluster-robust variance of the mean; 0 where there is one group."""
    n_groups = int(group.max()) + 1
    if n_groups < 2:
        return 0.0
    sums = np.bincount(group, weights=values - values.mean())
    return float(n_groups / (n_groups - 1) * (sums**2).sum() / len(values) ** 2)
