"""Labels as pairs of samples: what a method learns from that needs no reward model."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from prefloop.label_types.types import type_of
from prefloop.records import Comparison, Label
from prefloop.settings.rewards import StrengthConfig


@dataclass(frozen=True, kw_only=True)
class PreferencePair:
    """Two samples of one comparison, and how often each was preferred to the other."""

    prompt_id: str
    sample_ids: tuple[str, str]
    votes: tuple[float, float]
    """Per label of the comparison; together 1 where every label compares the two."""


def preference_pairs(
    comparisons: Sequence[Comparison], labels: Sequence[Label], strength: StrengthConfig
) -> list[PreferencePair]:
    """Return the pairs that the labels compare, in the order of `comparisons` and their samples.

    best    -> the chosen sample against each of the others; of a ranking, all pairs of places
    tie     -> all pairs, half a vote on either side; as many votes together as an answer `best`
    all_bad -> the same: none is better than the others

    What an answer of less than full strength leaves (`rewards.strength`) is spread on both sides.
    `skip` and `flag` say nothing. Several labels of a comparison are averaged, so disagreement is
    votes on both sides.
    """
    by_comparison: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        by_comparison[label.comparison_id].append(label)
    return [
        pair
        for comparison in comparisons
        for pair in _pairs_of(comparison, by_comparison[comparison.id], strength)
    ]


def _pairs_of(
    comparison: Comparison, labels: Sequence[Label], strength: StrengthConfig
) -> list[PreferencePair]:
    ids = comparison.sample_ids
    votes = {pair: [0.0, 0.0] for pair in combinations(ids, 2)}
    n_labels = 0
    for label in labels:
        match label.answer:
            case "best":
                share = strength.share(label.details.get("strength"))
                chosen = replace(label, shown=ids)  # a file need not say what was shown
                for better, worse in type_of(comparison).preferred_pairs(chosen):
                    pair, side = ((better, worse), 0)
                    if pair not in votes:
                        pair, side = (worse, better), 1
                    votes[pair][side] += (1.0 + share) / 2.0
                    votes[pair][1 - side] += (1.0 - share) / 2.0
            case "tie" | "all_bad":
                for both in votes.values():
                    both[0] += 1.0 / len(ids)
                    both[1] += 1.0 / len(ids)
            case _:
                continue
        n_labels += 1
    return [
        PreferencePair(
            prompt_id=comparison.prompt_id,
            sample_ids=pair,
            votes=(first / n_labels, second / n_labels),
        )
        for pair, (first, second) in votes.items()
        if first + second > 0
    ]
