"""How far labels agree with each other, what that allows a reward model, and what they cost.

The agreement of all labelers together, with an interval that knows who judged, is in
`quality/peers.py`.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from prefloop.comparisons.questions import Question
from prefloop.functional.statistics import Estimate, Interval, paired_win_rate, wilson
from prefloop.label_types.answers import PREFERENCES
from prefloop.records import Comparison, Label
from prefloop.scorers.scorer import Scorer

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class PairAgreement:
    """How often two labelers gave the same answer to the questions that both answered."""

    labelers: tuple[str, str]
    n_same: int
    n: int
    interval: Interval
    """Wilson, over their common questions."""

    @property
    def share(self) -> float:
        """Same answers over common questions."""
        return self.n_same / self.n


@dataclass(frozen=True, kw_only=True)
class LabelCost:
    """What the labels took; labels of unknown duration are counted apart."""

    n_labels: int
    n_untimed: int
    seconds: float
    hours: float


def pair_agreements(labels: Sequence[Label]) -> list[PairAgreement]:
    """Return the raw agreement of each two labelers with common questions, sorted by name.

    Answers are the same if they name the same sample, or are both a tie, or both "all bad".
    """
    same: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for a, b in _pairs(labels, PREFERENCES):
        same[(a.labeler, b.labeler)].append((a.answer, a.chosen) == (b.answer, b.chosen))
    return [
        PairAgreement(
            labelers=names,
            n_same=sum(outcomes),
            n=len(outcomes),
            interval=wilson(float(sum(outcomes)), float(len(outcomes))),
        )
        for names, outcomes in sorted(same.items())
    ]


def label_ceiling(comparisons: Sequence[Comparison], labels: Sequence[Label]) -> float | None:
    """Return how often another labeler would choose the same sample; None without overlap.

        mean over comparisons of sum_i n_i (n_i - 1) / (n (n - 1)),   n_i labels for sample i

    An accuracy to measure a reward model against, but no hard limit: one that predicts the most
    likely choice is right max_i p_i of the time, and max_i p_i >= sum_i p_i^2.
    """
    wanted = {comparison.id for comparison in comparisons}
    outcomes: dict[str, list[bool]] = defaultdict(list)
    for a, b in _pairs([x for x in labels if x.comparison_id in wanted], ("best",)):
        outcomes[a.comparison_id].append(a.chosen == b.chosen)
    return float(np.mean([np.mean(o) for o in outcomes.values()])) if outcomes else None


def scorer_agreement(
    questions: Sequence[Question], labels: Sequence[Label], scorer: Scorer
) -> Estimate | None:
    """Return how often a label names what the scorer, without noise, puts highest.

    With synthetic labelers this is the accuracy of a perfect reward model: the hard limit.
    """
    favorites = {q.comparison.id: _favorite(q, scorer) for q in questions}
    judged = [x for x in labels if x.answer == "best" and x.comparison_id in favorites]
    if not judged:
        return None
    hits = [float(label.chosen == favorites[label.comparison_id]) for label in judged]
    return paired_win_rate(hits, [label.comparison_id for label in judged])


def label_cost(labels: Sequence[Label]) -> LabelCost:
    """Return the time that the labels took."""
    timed = [label.seconds for label in labels if not np.isnan(label.seconds)]
    return LabelCost(
        n_labels=len(labels),
        n_untimed=len(labels) - len(timed),
        seconds=sum(timed),
        hours=sum(timed) / SECONDS_PER_HOUR,
    )


def _pairs(labels: Sequence[Label], answers: Sequence[str]) -> Iterator[tuple[Label, Label]]:
    """Yield each two labels of different labelers on one comparison, in the order of the names."""
    by_comparison: Mapping[str, dict[str, Label]] = defaultdict(dict)
    for label in labels:
        if label.answer in answers:
            by_comparison[label.comparison_id][label.labeler] = label
    for given in by_comparison.values():
        yield from combinations([given[name] for name in sorted(given)], 2)


def _favorite(question: Question, scorer: Scorer) -> str:
    scores = scorer.score([question.prompt.text] * len(question.samples), question.texts)
    return question.samples[int(np.argmax(scores))].id
