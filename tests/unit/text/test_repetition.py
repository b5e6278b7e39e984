"""Repetition, worked by hand."""

import pytest

from prefloop.text.repetition import distinct_share, duplicate_share, longest_repeated_run


def test_repetition_by_hand() -> None:
    assert distinct_share(["a b a b", "a b"]) == pytest.approx(2 / 4)
    assert distinct_share(["a"]) is None
    assert duplicate_share(["Yes.", "yes", "no"]) == pytest.approx(2 / 3)
    assert duplicate_share([]) is None
    assert longest_repeated_run("so it goes and so it went") == 2
    assert longest_repeated_run("ha ha ha") == 2
    assert longest_repeated_run("all words differ") == 0
