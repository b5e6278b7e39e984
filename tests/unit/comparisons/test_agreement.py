"""Agreement, ceiling and cost, worked by hand."""

from dataclasses import replace

import numpy as np

from prefloop.comparisons.agreement import (
    label_ceiling,
    label_cost,
    pair_agreements,
    scorer_agreement,
)
from prefloop.functional.statistics import wilson
from prefloop.scorers.length import LengthScorer
from tests.tolerances import FP64
from tests.unit.comparisons.builders import make_label, make_question

QUESTIONS = [make_question(["a", "a b", "a b c"], number=i) for i in range(3)]
COMPARISONS = [question.comparison for question in QUESTIONS]
C0, C1, C2 = COMPARISONS
LABELS = [
    make_label(C0, "bob", "best", "p0-s2"),
    make_label(C0, "ann", "best", "p0-s2"),
    make_label(C0, "cleo", "best", "p0-s0"),
    make_label(C1, "ann", "best", "p1-s1"),
    make_label(C1, "bob", "tie"),
    make_label(C2, "ann", "tie"),
    make_label(C2, "bob", "tie"),
]


def test_pairs_by_name() -> None:
    found = {p.labelers: (p.n_same, p.n) for p in pair_agreements(LABELS)}
    assert found == {("ann", "bob"): (2, 3), ("ann", "cleo"): (0, 1), ("bob", "cleo"): (0, 1)}
    first = pair_agreements(LABELS)[0]
    assert first.interval == wilson(2.0, 3.0)
    np.testing.assert_allclose(first.share, 2 / 3, **FP64)


def test_without_overlap_nothing_is_known() -> None:
    single = [make_label(C0, "ann", "best", "p0-s0"), make_label(C1, "bob", "best", "p1-s0")]
    assert label_ceiling(COMPARISONS, single) is None
    assert pair_agreements(single) == []


def test_ceiling_weighs_comparisons_alike_and_keeps_to_the_asked_ones() -> None:
    more = [*LABELS, make_label(C2, "dan", "best", "p2-s0"), make_label(C2, "eve", "best", "p2-s0")]
    ceiling = label_ceiling(COMPARISONS, more)
    assert ceiling is not None
    np.testing.assert_allclose(ceiling, (1 / 3 + 1) / 2, **FP64)
    assert label_ceiling([C2], more) == 1.0


def test_agreement_with_the_noise_free_scorer() -> None:
    estimate = scorer_agreement(QUESTIONS, LABELS, LengthScorer())
    assert estimate is not None
    assert (estimate.value, estimate.n) == (0.5, 4)  # s2 is the longest: right, right, wrong, wrong
    assert scorer_agreement([], LABELS, LengthScorer()) is None


def test_cost_leaves_unknown_times_out_and_says_so() -> None:
    cost = label_cost([*LABELS, replace(LABELS[0], seconds=float("nan"))])
    assert (cost.n_labels, cost.n_untimed, cost.seconds) == (8, 1, 28.0)
    np.testing.assert_allclose(cost.hours, 28 / 3600, **FP64)
