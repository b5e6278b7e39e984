"""Labels as probabilities, worked by hand."""

import numpy as np
import pytest

from prefloop.comparisons.targets import preference_targets
from prefloop.records import Answer
from prefloop.settings.rewards import StrengthConfig
from tests.tolerances import EXACT
from tests.unit.comparisons.builders import make_label, make_question

PLAIN = StrengthConfig()

ONE = make_question(["w", "x", "y", "z"], number=1).comparison
TWO = make_question(["x", "y"], number=2).comparison


def test_one_vote_is_one_hot_in_the_order_of_the_comparison() -> None:
    (target,) = preference_targets([ONE], [make_label(ONE, "ann", "best", "p1-s2")], PLAIN)
    assert target.probabilities == (0.0, 0.0, 1.0, 0.0)
    assert (target.comparison, target.n_labels) == (ONE, 1)


def test_the_order_shown_does_not_matter() -> None:
    from dataclasses import replace

    label = make_label(ONE, "ann", "best", "p1-s2")
    other = replace(label, shown=label.shown[::-1])
    assert preference_targets([ONE], [label], PLAIN) == preference_targets([ONE], [other], PLAIN)


@pytest.mark.parametrize("answer", ["tie", "all_bad"])
def test_a_tie_is_spread_over_all(answer: Answer) -> None:
    (target,) = preference_targets([ONE], [make_label(ONE, "ann", answer)], PLAIN)
    assert target.probabilities == (0.25, 0.25, 0.25, 0.25)


@pytest.mark.parametrize("answer", ["skip", "flag"])
def test_an_answer_without_preference_is_dropped(answer: Answer) -> None:
    assert preference_targets([ONE], [make_label(ONE, "ann", answer)], PLAIN) == []
    both = [make_label(ONE, "ann", answer), make_label(ONE, "bob", "best", "p1-s0")]
    (target,) = preference_targets([ONE], both, PLAIN)
    assert (target.probabilities, target.n_labels) == ((1.0, 0.0, 0.0, 0.0), 1)


def test_several_labels_average() -> None:
    labels = [
        make_label(ONE, "ann", "best", "p1-s0"),
        make_label(ONE, "bob", "best", "p1-s1"),
        make_label(ONE, "cleo", "best", "p1-s1"),
        make_label(ONE, "dan", "tie"),
    ]
    (target,) = preference_targets([ONE], labels, PLAIN)
    np.testing.assert_allclose(target.probabilities, [1.25 / 4, 2.25 / 4, 0.0625, 0.0625], **EXACT)
    assert target.n_labels == 4


def test_order_follows_the_comparisons_and_the_unlabeled_are_left_out() -> None:
    three = make_question(["x", "y"], number=3).comparison
    labels = [make_label(TWO, "ann", "best", "p2-s0"), make_label(ONE, "ann", "best", "p1-s0")]
    targets = preference_targets([ONE, three, TWO], labels, PLAIN)
    assert [t.comparison.id for t in targets] == ["c1", "c2"]
    assert all(sum(t.probabilities) == 1.0 for t in targets)
