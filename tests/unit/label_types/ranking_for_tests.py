"""A third label type, made of what a type is made of and nothing else: an order of all samples.

It proves the seam: store, exchange, targets and reward training read it without knowing it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import combinations
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import logsigmoid

from prefloop.functional.preference_loss import best_of_k_accuracy
from prefloop.label_types.answers import AnswerContent, answer_problems
from prefloop.label_types.best_of_k.type import BEST_OF_K
from prefloop.label_types.label_type import LabelTarget
from prefloop.label_types.losses import LOSSES
from prefloop.label_types.preference_loss import PreferenceLoss
from prefloop.label_types.types import TYPES
from prefloop.records import Label
from prefloop.settings.section import Section


class RankingDetails(Section):
    """All samples, the best first."""

    ranking: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """An order of all samples, learned from as all of its pairs (Ouyang et al. 2022)."""

    name: str = "ranking"
    description: str = "an order of all samples"
    sizes: range = range(2, 9)
    details: type[Section] = RankingDetails
    loss: str = "ranked_pairs"

    def problems(self, label: Label, sample_ids: Sequence[str]) -> list[str]:
        problems = answer_problems(label, sample_ids, self.details)
        if label.answer != "best" or problems:
            return problems
        order = label.details["ranking"]
        if sorted(order) != sorted(sample_ids) or order[0] != label.chosen:
            return [f"label {label.id} ranks {', '.join(order)}; rank each sample once, best first"]
        return []

    def renamed(self, label: Label, names: Mapping[str, str]) -> Label:
        renamed = BEST_OF_K.renamed(label, names)
        if not label.details:
            return renamed
        return replace(renamed, details={"ranking": [names[x] for x in label.details["ranking"]]})

    def from_scores(
        self, scores: NDArray[np.float64], sample_ids: Sequence[str], *, tie_margin: float
    ) -> AnswerContent:
        content = BEST_OF_K.from_scores(scores, sample_ids, tie_margin=tie_margin)
        order = [sample_ids[int(i)] for i in np.argsort(-scores, kind="stable")]
        return replace(content, details={"ranking": order} if content.chosen else {})

    def preferred_pairs(self, label: Label) -> list[tuple[str, str]]:
        return list(combinations(label.details.get("ranking", ()), 2))

    def target(self, label: Label, sample_ids: Sequence[str]) -> LabelTarget | None:
        """Return row i, column j: i is better than j. The diagonal is the vote for the best."""
        vote = BEST_OF_K.target(label, sample_ids)
        if vote is None:
            return None
        wins = np.diag(vote)
        for better, worse in self.preferred_pairs(label):
            wins[sample_ids.index(better), sample_ids.index(worse)] = 1.0
        return wins

    def best_probabilities(self, target: LabelTarget) -> LabelTarget:
        return np.diagonal(target).copy()

    def loss_at_chance(self, n_samples: int) -> float:
        return float(np.log(2))


def ranked_pairs_loss(
    scores: Tensor,
    targets: Tensor,
    present: Tensor | None = None,
    *,
    denominator: int | None = None,
) -> Tensor:
    """Return the mean over comparisons of the mean over pairs of -log sigmoid(better - worse)."""
    is_pair = 1 - torch.eye(targets.shape[1])
    wins = targets * is_pair
    terms = -wins * logsigmoid(scores[:, :, None] - scores[:, None, :])
    per_comparison = terms.sum((1, 2)) / wins.sum((1, 2)).clamp(min=1)
    return per_comparison.sum() / (len(scores) if denominator is None else denominator)


def ranked_accuracy(scores: Tensor, targets: Tensor, present: Tensor | None = None) -> Tensor:
    return best_of_k_accuracy(scores, torch.diagonal(targets, dim1=1, dim2=2), present)


@contextmanager
def ranking_is_known() -> Iterator[None]:
    """Add the two lines that a type needs in the tables, for a while."""
    loss = PreferenceLoss(loss=ranked_pairs_loss, accuracy=ranked_accuracy)
    with patch.dict(TYPES, ranking=Ranking()), patch.dict(LOSSES, ranked_pairs=loss):
        yield
