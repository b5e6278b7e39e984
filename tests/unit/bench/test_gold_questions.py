"""What gold questions tell of hurried and careful labelers, by hand."""

import pytest

from bench.gold_questions import (
    Answers,
    answers_needed,
    failing,
    known_answers,
    outcomes,
    share,
)

CAREFUL = {
    "q1": {"ann": "a", "ben": "a", "cleo": "a"},
    "q2": {"ann": "a", "ben": "a", "cleo": "b"},
    "q3": {"ann": "a", "ben": "b", "cleo": "c"},
}
HURRIED = {"q1": {"dan": "b"}, "q2": {"dan": "a", "eve": "b"}, "q3": {"dan": "a"}}


def told(answers: Answers) -> list[tuple[str, str, bool]]:
    return [(o.question, o.labeler, o.is_right) for o in outcomes(CAREFUL, answers)]


def test_what_two_careful_labelers_agree_on_is_known() -> None:
    known = [known_answers(given) for given in CAREFUL.values()]
    assert known == [["a", "a", "a"], ["a"], []]


def test_the_careful_are_measured_by_what_others_say() -> None:
    """Nobody is measured by an answer that is theirs: that would be right by itself."""
    of_q1 = [("q1", name, True) for name in ("ann", "ben", "cleo")]
    assert told(CAREFUL) == [*of_q1, ("q2", "cleo", False)]


def test_the_others_are_measured_on_questions_that_are_known() -> None:
    of_q1 = [("q1", "dan", False)] * 3
    assert told(HURRIED) == [*of_q1, ("q2", "dan", True), ("q2", "eve", False)]
    found = share(outcomes(CAREFUL, HURRIED))
    assert found.value == pytest.approx(1 / 5)
    assert found.n_clusters == 2


def test_nobody_is_measured_by_a_namesake() -> None:
    """Labelers of one name draw the same noise in every arm, so they agree more than others."""
    assert told({"q1": {"ann": "b"}, "q2": {"ann": "a", "cleo": "a"}}) == [
        ("q1", "ann", False),
        ("q2", "cleo", True),
    ]


def test_the_fewest_answers_that_tell_both_kinds_apart() -> None:
    """Of n answers whoever is always right misses none, a coin at least one but for 0.5^n."""
    assert answers_needed(0.0, 1.0) == 1
    assert answers_needed(0.5, 1.0) == 5
    assert answers_needed(0.5, 0.5) is None


def test_the_grade_fails_whoever_is_far_below_the_bar() -> None:
    assert failing(0.3) > 0.99
    assert failing(0.75) < 0.01
