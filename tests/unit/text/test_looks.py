"""Names that differ only in look are told apart by no reader."""

import pytest

from prefloop.text.looks import look_alike


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Olga", "\u043elga"),
        ("ann", "\u0410NN"),
        ("bob-1", "bob-l"),
        ("Ian", "lan"),
        ("cop", "\u0441\u043e\u0440"),
        ("O'Neil", "O\u2019Neil"),
        ("ann", "an\ufe0fn\u034f"),
        ("zo\u00eb", "z\u03bf\u0435\u0308"),
        ("Amos", "Arnos"),
        ("vera", "vera\u3164"),
    ],
)
def test_these_look_alike(one: str, other: str) -> None:
    assert look_alike(one, other) and look_alike(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ali", "all"),
        ("Andr\u00e9", "Andre"),
        ("labeler-1", "labeler-2"),
        ("person 10", "person 11"),
        ("\u0410\u043d\u043d\u0430", "Anna"),
        ("\u5f20\u4f1f", "\u5f20\u4e3d"),
    ],
)
def test_these_do_not(one: str, other: str) -> None:
    assert not look_alike(one, other)
