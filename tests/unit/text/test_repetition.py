"""Repetition, worked by hand."""

import pytest

from prefloop.text.repetition import (
    distinct_share,
    duplicate_share,
    longest_repeated_run,
    said_before_share,
    top_opening,
    top_opening_share,
)


def test_repetition_by_hand() -> None:
    assert distinct_share(["a b a b", "a b"]) == pytest.approx(2 / 4)
    assert distinct_share(["a"]) is None
    assert duplicate_share(["Yes.", "yes", "no"]) == pytest.approx(2 / 3)
    assert duplicate_share([]) is None
    assert longest_repeated_run("so it goes and so it went") == 2
    assert longest_repeated_run("ha ha ha") == 2
    assert longest_repeated_run("all words differ") == 0


def test_openings_by_hand() -> None:
    responses = [t.split() for t in ("she was a queen", "she was a cat", "it fell", "")]
    assert top_opening_share(responses) == 2 / 4
    assert top_opening_share(responses[1:]) == 0.0, "what stands once repeats nothing"
    assert top_opening_share([[], []]) == 0.0, "two empty responses begin with nothing"
    assert top_opening(responses[1:]) == top_opening([[], []]) == top_opening([]) == ""


def test_only_another_prompt_makes_the_same_text_a_repetition() -> None:
    assert said_before_share(["a", "a", "b", "b"], [["yes"], ["yes"], ["yes"], ["no"]]) == 1 / 4
