"""Long rows of the same key: the same place, or one tie after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prefloop.comparisons.quality.finding import Finding, unknown
from prefloop.comparisons.quality.label_history import LabelHistory
from prefloop.comparisons.quality.sentences import ordinal
from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.functional.runs import longest_run, run_probability
from prefloop.records import Label

SAID = {"tie": "a tie", "all_bad": "all bad"}
Counts = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A labeler's longest row of one kind of answer."""

    what: str
    length: int
    n: int
    probability: float
    """Of a row as long in so many answers, if each answer is given for its own question."""


def straight_lining_findings(history: LabelHistory, thresholds: Thresholds) -> list[Finding]:
    """Return for each labeler whether a row of like answers is too long for chance.

    A fresh random order gives each place its equal chance in every answer, whatever one likes, so
    the probability of a row in one place is exact. How often somebody honestly says "tie" is not
    known: the larger of the others' rate and the labeler's own outside the row is taken.
    """
    counts = {name: _counts(given) for name, given in history.labels_by.items()}
    totals = {k: sum(c.get(k, 0) for c in counts.values()) for k in ("best", "tie", "all_bad")}
    found = []
    for name in history.labelers:
        labels = [x for x in history.labels_by.get(name, ()) if x.answer in totals]
        if len(labels) < thresholds.least_overlap:
            told = f"{len(labels)} answers: too few to see a row in them."
            found.append(unknown(name, "rows", len(labels), told))
            continue
        rates = _others_rates(totals, counts[name])
        rows = [_place_row(history, labels), *(_answer_row(labels, a, rates[a]) for a in SAID)]
        found.append(_finding(name, min(rows, key=lambda row: row.probability), thresholds))
    return found


def _place_row(history: LabelHistory, labels: list[Label]) -> Row:
    places = np.array([_place(label) for label in labels])
    sizes = [max(history.n_options(label), 1) for label in labels]
    start, length = longest_run(places, places >= 0)
    # A row of m like places is a row of m - 1 answers that repeat the place before.
    again = [1 / k for k in sizes[1:]]
    probability = run_probability(again, length - 1) if length > 1 else 1.0
    what = f"the {ordinal(int(places[start]))} sample shown" if length else "a choice"
    return Row(what=what, length=length, n=len(labels), probability=probability)


def _answer_row(labels: list[Label], answer: str, others: float) -> Row:
    given = np.array([label.answer == answer for label in labels])
    _, length = longest_run(given, given)
    outside = len(labels) - length
    own = (int(given.sum()) - length) / outside if outside else 0.0
    probability = run_probability([max(others, own)] * len(labels), length) if length else 1.0
    return Row(what=SAID[answer], length=length, n=len(labels), probability=probability)


def _finding(labeler: str, row: Row, thresholds: Thresholds) -> Finding:
    is_found = row.probability < thresholds.run_probability
    chance = "less often than once in 10,000 people"
    if row.probability >= 1e-4:
        chance = f"with probability {row.probability:.2g}"
    return Finding(
        labeler=labeler,
        kind="rows",
        status="found" if is_found else "not found",
        told=f"Answered {row.length} times in a row with {row.what}, in {row.n} answers; chance "
        f"brings a row as long {chance}.",
        n=row.n,
        value=float(row.length),
        action="ask" if is_found else None,
    )


def _place(label: Label) -> int:
    if label.answer != "best" or label.chosen not in label.shown:
        return -1
    return label.shown.index(label.chosen)


def _counts(labels: Sequence[Label]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for label in labels:
        counts[label.answer] = counts.get(label.answer, 0) + 1
    return counts


def _others_rates(totals: Mapping[str, int], own: Mapping[str, int]) -> dict[str, float]:
    """Return how often the others say "tie" and "all bad", with one answer of each added."""
    others = {answer: totals[answer] - own.get(answer, 0) for answer in totals}
    n = sum(others.values())
    return {answer: (others[answer] + 1) / (n + 2) for answer in SAID}
