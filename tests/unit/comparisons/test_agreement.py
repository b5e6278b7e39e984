"""The ceiling, worked by hand."""

import numpy as np

from prefloop.comparisons.agreement import label_ceiling
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


def test_without_overlap_nothing_is_known() -> None:
    single = [make_label(C0, "ann", "best", "p0-s0"), make_label(C1, "bob", "best", "p1-s0")]
    assert label_ceiling(COMPARISONS, single) is None


def test_ceiling_weighs_comparisons_alike_and_keeps_to_the_asked_ones() -> None:
    more = [*LABELS, make_label(C2, "dan", "best", "p2-s0"), make_label(C2, "eve", "best", "p2-s0")]
    ceiling = label_ceiling(COMPARISONS, more)
    assert ceiling is not None
    np.testing.assert_allclose(ceiling.agreement, (1 / 3 + 1) / 2, **FP64)
    assert ceiling.n_questions == 2, "of the third, nobody else said which is best"
    assert label_ceiling([C2], more) == (1.0, 1)
