"""Nothing that a terminal obeys comes from a text of others."""

import pytest

from prefloop.text.printable import on_one_line, printable, without_controls


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 語 \U0001f600", "plain é 語 \U0001f600"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[2Jgone\x07\x7f\x9b31m", "\ufffd[2Jgone\ufffd\ufffd\ufffd31m"),
        ("ann\u202egpj.exe\u2066", "ann\ufffdgpj.exe\ufffd"),
        ("over\rwritten", "over\ufffdwritten"),
        ("half \ud83d", "half \ufffd"),
    ],
)
def test_what_a_terminal_obeys_is_replaced(text: str, shown: str) -> None:
    assert printable(text) == shown
    shown.encode()


def test_a_line_stays_one_line() -> None:
    assert on_one_line("ann\r\nerror:  all is\x1b lost\n") == "ann\ufffd error: all is\ufffd lost"


def test_what_is_stored_keeps_the_direction_of_writing_and_has_plain_ends_of_lines() -> None:
    assert without_controls("one\r\ntwo\rthree") == "one\ntwo\nthree"
    assert without_controls("\u2067שלום\u2069\x1b]0;x\x07") == "\u2067שלום\u2069\ufffd]0;x\ufffd"
