"""What gold questions tell of hurried and careful labelers, by hand."""

import pytest

from bench.gold_questions import (
    answers_needed,
    by_known,
    by_leaving_out,
    failing,
    known_answers,
    share,
)

CAREFUL = {
    "q1": {"ann": "a", "ben": "a", "cleo": "a"},
    "q2": {"ann": "a", "ben": "a", "cleo": "b"},
    "q3": {"ann": "a", "ben": "b", "cleo": "c"},
}
HURRIED = {"q1": {"dan": "b"}, "q2": {"dan": "a", "eve": "b"}, "q3": {"dan": "a"}}


def test_what_two_careful_labelers_agree_on_is_known() -> None:
    assert known_answers(CAREFUL) == {"q1": ["a", "a", "a"], "q2": ["a"]}


def test_the_careful_are_measured_by_what_others_say() -> None:
    """Nobody is measured by an answer that is theirs: that would be right by itself."""
    told = [(o.question, o.labeler, o.is_right) for o in by_leaving_out(CAREFUL)]
    of_q1 = [("q1", name, True) for name in ("ann", "ben", "cleo")]
    assert told == [*of_q1, ("q2", "cleo", False)]


def test_the_others_are_measured_on_questions_that_are_known() -> None:
    outcomes = by_known(known_answers(CAREFUL), HURRIED)
    told = [(o.question, o.labeler, o.is_right) for o in outcomes]
    of_q1 = [("q1", "dan", False)] * 3
    assert told == [*of_q1, ("q2", "dan", True), ("q2", "eve", False)]
    assert share(outcomes).value == pytest.approx(1 / 5)
    assert share(outcomes).n_clusters == 2


def test_the_fewest_answers_that_tell_both_kinds_apart() -> None:
    """Of n answers whoever is always right misses none, a coin at least one but for 0.5^n."""
    assert answers_needed(0.0, 1.0) == 1
    assert answers_needed(0.5, 1.0) == 5
    assert answers_needed(0.5, 0.5) is None


def test_the_grade_fails_whoever_is_far_below_the_bar() -> None:
    assert failing(0.3) > 0.99
    assert failing(0.75) < 0.01
