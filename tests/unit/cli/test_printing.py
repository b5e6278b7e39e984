"""What comes from others reaches the terminal without what it obeys."""

import io
import sys
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from prefloop.cli.console import LogProgress, TerminalProgress
from prefloop.cli.main import main
from prefloop.cli.serving import _tell_user
from prefloop.cli.showing import cell
from prefloop.cli.trying import _one_line, _say

HOSTILE = "\x1b]0;owned\x07\x1b[2J[red]ann[/red]"
"""A name as a file may bring it: it sets the window's title and clears the screen."""

SAFE = "\ufffd]0;owned\ufffd\ufffd[2J[red]ann[/red]"


@pytest.mark.parametrize("say", [LogProgress().say, TerminalProgress().say, _say])
def test_what_is_said_on_standard_error(say: object, capsys: pytest.CaptureFixture[str]) -> None:
    say(HOSTILE)  # type: ignore[operator]
    assert capsys.readouterr().err == f"{SAFE}\n"


def test_what_the_server_says(capsys: pytest.CaptureFixture[str]) -> None:
    _tell_user("say", HOSTILE)
    assert capsys.readouterr().out == f"{SAFE}\n"


def test_a_cell_of_a_table_is_a_text_as_it_is() -> None:
    written = io.StringIO()
    table = Table(title=cell(HOSTILE))
    table.add_column(cell(HOSTILE))
    table.add_row(cell(HOSTILE))
    Console(file=written, width=100).print(table)
    assert written.getvalue().count(SAFE) == 3
    assert "\x1b" not in written.getvalue()


def test_a_response_on_one_line() -> None:
    assert _one_line(f"{HOSTILE}\nsecond") == f"{SAFE} second"


@pytest.mark.parametrize("name", ["caf\xe9", "caf\udce9"], ids=["accented", "not UTF-8"])
@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_terminal_that_lacks_a_character_shows_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, encoding: str
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    monkeypatch.setattr(sys, "argv", ["prefloop", "init", str(tmp_path / name)])
    with pytest.raises(SystemExit) as left:
        main()
    sys.stdout.flush()
    assert not left.value.code
    assert b"caf" in written.getvalue() and b"holds what you may want" in written.getvalue()
