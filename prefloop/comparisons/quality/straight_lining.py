"""Straight-lining: long streaks of the same position, or of ties."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prefloop.comparisons.quality.finding import LabelerFinding, unknown
from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.figures.text import counted, number, ordinal
from prefloop.functional.runs import longest_run, run_probability
from prefloop.label_types.answers import PREFERENCES
from prefloop.records import Label

NOUNS = {"tie": "a tie", "all_bad": "all bad"}


@dataclass(frozen=True, kw_only=True)
class Streak:
    """A labeler's longest streak of one kind of answer."""

    what: str
    length: int
    n: int
    probability: float
    """Of a streak as long in so many answers, if each question is answered on its own."""


def straight_lining_findings(history: LabelHistory, thresholds: Thresholds) -> list[LabelerFinding]:
    """Return for each labeler whether a streak of equal answers is too long for chance.

    A uniform random order gives each position an equal chance in every answer, whatever the labeler
    prefers, so the probability of a streak of one position is exact. How often a labeler honestly
    answers "tie" is not known: the larger of the others' rate and the labeler's own rate outside
    the streak is used.
    """
    counts = {name: _counts(given) for name, given in history.labels_by.items()}
    totals: dict[str, int] = {k: sum(c.get(k, 0) for c in counts.values()) for k in PREFERENCES}
    found = []
    for name in history.labelers:
        labels = [x for x in history.labels_by.get(name, ()) if x.answer in totals]
        if len(labels) < thresholds.least_overlap:
            needed = f"{counted(len(labels), 'answer')}; {thresholds.least_overlap} are needed."
            found.append(unknown(name, "streaks", len(labels), needed))
            continue
        rates = _others_rates(totals, counts[name])
        streaks = [
            _position_streak(history, labels),
            *(_answer_streak(labels, answer, rates[answer]) for answer in NOUNS),
        ]
        rarest = min(streaks, key=lambda streak: streak.probability)
        found.append(_finding(name, rarest, thresholds))
    return found


def _position_streak(history: LabelHistory, labels: list[Label]) -> Streak:
    positions = np.array([_position(label) for label in labels])
    sizes = [max(history.n_options(label), 1) for label in labels]
    start, length = longest_run(positions, positions >= 0)
    # A streak of m equal positions is m - 1 answers that repeat the position before.
    again = [1 / k for k in sizes[1:]]
    probability = run_probability(again, length - 1) if length > 1 else 1.0
    what = f"the {ordinal(int(positions[start]))} sample shown" if length else "a choice"
    return Streak(what=what, length=length, n=len(labels), probability=probability)


def _answer_streak(labels: list[Label], answer: str, others: float) -> Streak:
    given = np.array([label.answer == answer for label in labels])
    _, length = longest_run(given, given)
    outside = len(labels) - length
    own = (int(given.sum()) - length) / outside if outside else 0.0
    probability = run_probability([max(others, own)] * len(labels), length) if length else 1.0
    return Streak(what=NOUNS[answer], length=length, n=len(labels), probability=probability)


def _finding(labeler: str, streak: Streak, thresholds: Thresholds) -> LabelerFinding:
    is_found = streak.probability < thresholds.streak_probability
    chance = "less often than once in 10,000 people"
    if streak.probability >= 1e-4:
        chance = f"with probability {number(streak.probability)}"
    return LabelerFinding(
        labeler=labeler,
        kind="streaks",
        status="found" if is_found else "not found",
        message=f"Answered {streak.length} times in a row with {streak.what}, in {streak.n} "
        f"answers; chance gives a streak as long {chance}.",
        n=streak.n,
        value=float(streak.length),
        action="ask" if is_found else None,
    )


def _position(label: Label) -> int:
    if label.answer != "best" or label.chosen not in label.shown:
        return -1
    return label.shown.index(label.chosen)


def _counts(labels: Sequence[Label]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for label in labels:
        counts[label.answer] = counts.get(label.answer, 0) + 1
    return counts


def _others_rates(totals: Mapping[str, int], own: Mapping[str, int]) -> dict[str, float]:
    """Return how often the others answer "tie" and "all bad", with one answer of each added."""
    others = {answer: totals[answer] - own.get(answer, 0) for answer in totals}
    n = sum(others.values())
    return {answer: (others[answer] + 1) / (n + 2) for answer in NOUNS}
