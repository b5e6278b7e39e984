"""The answer orders all samples, the best first (Luce 1959; Plackett 1975).

An order is read as choices one after another: the best of all, the best of those left, and so on.
Samples may share a place below the first; each order among them then counts alike.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from prefloop.label_types.answers import AnswerContent, AnswerDetails, answer_problems
from prefloop.label_types.best_of_k.type import BEST_OF_K
from prefloop.label_types.label_type import LabelTarget
from prefloop.records import Label
from prefloop.settings.section import Section

Places = Sequence[Sequence[str]]
"""Sample ids by place, the best first."""


class RankingDetails(AnswerDetails):
    """What a ranking says besides the best sample."""

    ranking: tuple[tuple[str, ...], ...]
    """Sample ids by place, the best first; the first place holds one, later ones may be shared."""


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """An order of all samples."""

    name: str = "ranking"
    description: str = "an order of all samples"
    sizes: range = range(2, 9)
    details: type[Section] = RankingDetails
    loss: str = "plackett_luce"

    def problems(self, label: Label, sample_ids: Sequence[str]) -> list[str]:
        """Return what is wrong with a label as an answer to a comparison of these samples."""
        problems = answer_problems(label, sample_ids, self.details)
        if label.answer != "best" or problems:
            return problems
        found = _ranking_problems(label.details["ranking"], sample_ids, label.chosen)
        return [f"label {label.id} {problem}" for problem in found]

    def renamed(self, label: Label, names: Mapping[str, str]) -> Label:
        """Return the label with every sample named as `names` says."""
        renamed = BEST_OF_K.renamed(label, names)
        if "ranking" not in label.details:
            return renamed
        ranking = [[names[name] for name in place] for place in label.details["ranking"]]
        return replace(renamed, details={**label.details, "ranking": ranking})

    def from_scores(
        self, scores: NDArray[np.float64], sample_ids: Sequence[str], *, tie_margin: float
    ) -> AnswerContent:
        """Return the order of the scores; a tie if the best two are closer than the margin.

        Below the first place, samples closer than the margin to the one before share its place.
        """
        content = BEST_OF_K.from_scores(scores, sample_ids, tie_margin=tie_margin)
        if content.answer != "best":
            return content
        order = np.argsort(-scores, kind="stable")
        places = [[sample_ids[int(order[0])]]]
        for before, here in pairwise(order):
            is_shared = len(places) > 1 and scores[before] - scores[here] < tie_margin
            if is_shared:
                places[-1].append(sample_ids[int(here)])
            else:
                places.append([sample_ids[int(here)]])
        # The last place needs no choice.
        return replace(content, details={"ranking": places}, n_choices=max(1, len(places) - 1))

    def preferred_pairs(self, label: Label) -> list[tuple[str, str]]:
        """Return all pairs of samples with different places."""
        places: Places = label.details.get("ranking", ())
        return [
            (better, worse)
            for above, below in combinations(places, 2)
            for better in above
            for worse in below
        ]

    def target(self, label: Label, sample_ids: Sequence[str]) -> LabelTarget | None:
        """Return votes of shape (k, 2^k): how often a sample was chosen among a set.

        Column n is the set that holds sample j where bit j of n is 1. A shared place, a tie and
        `all_bad` spread each vote over all orders of those who share.
        """
        match label.answer:
            case "best":
                return stage_votes(label.details["ranking"], sample_ids)
            case "tie" | "all_bad":
                return stage_votes([sample_ids], sample_ids)
            case _:
                return None

    def best_probabilities(self, target: LabelTarget) -> LabelTarget:
        """Return the votes in the choice among all samples."""
        return np.array(target[:, -1])

    def loss_at_chance(self, n_samples: int) -> float:
        """Return log k!, the logarithm of the number of orders."""
        return math.lgamma(n_samples + 1)


def stage_votes(places: Places, sample_ids: Sequence[str]) -> NDArray[np.float64]:
    """Return the votes of an order, shape (k, 2^k); those of one column sum to at most 1.

    Of m that share a place, a set of t is what is left of them with probability 1 / C(m, t) if all
    orders are alike, and then each is the next with 1 / t.
    """
    bits = {name: 1 << i for i, name in enumerate(sample_ids)}
    votes = np.zeros((len(sample_ids), 1 << len(sample_ids)))
    left = sum(bits.values())
    for place in places:
        later = left - sum(bits[name] for name in place)
        for t in range(1, len(place) + 1):
            share = 1.0 / (math.comb(len(place), t) * t)
            for among in combinations(place, t):
                column = later + sum(bits[name] for name in among)
                if column.bit_count() > 1:
                    votes[[sample_ids.index(name) for name in among], column] = share
        left = later
    return votes


def _ranking_problems(places: Places, sample_ids: Sequence[str], chosen: str | None) -> list[str]:
    """Return what is wrong with places as an order of these samples."""
    problems = [
        f"leaves place {number} of its ranking empty; give each place a sample"
        for number, place in enumerate(places, start=1)
        if not place
    ]
    counts = Counter(name for place in places for name in place)
    known = ", ".join(sample_ids)
    problems += [
        f"ranks the unknown sample {name}; its comparison has {known}"
        for name in counts
        if name not in sample_ids
    ]
    problems += [
        f"ranks sample {name} {n} times; each has one place" for name, n in counts.items() if n > 1
    ]
    missing = [name for name in sample_ids if name not in counts]
    if missing:
        problems.append(f"gives no place to {', '.join(missing)}; rank every sample")
    if not problems and tuple(places[0]) != (chosen,):
        problems.append(
            f"has {', '.join(places[0])} in the first place and chooses {chosen}; the first place "
            "is that of the chosen sample alone (answer `tie` if the best are equally good)"
        )
    return problems


RANKING = Ranking()
