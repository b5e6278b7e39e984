"""The command line, called as a user calls it but in this process: torch starts only once."""

import json
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from typer.main import get_command

from prefloop.cli.main import main

parser = cache(get_command)
"""Typer's parser of all verbs; Typer itself makes it again for every command, in 20 ms."""


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Return standard output as JSON; there must be nothing else on it."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Command:
    """`prefloop` with its output caught. An exception that escapes is our bug: the test fails."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: object) -> Outcome:
        """Run to the end."""
        self.capsys.readouterr()
        self.monkeypatch.setattr(sys, "argv", ["prefloop", *map(str, arguments)])
        self.monkeypatch.setattr("typer.main.get_command", parser)
        code = 0
        try:
            main()
        except SystemExit as error:
            code = int(error.code or 0)
        out, err = self.capsys.readouterr()
        return Outcome(code, out, err)

    def done(self, *arguments: object) -> Outcome:
        """Run to the end, which must be a good one."""
        outcome = self(*arguments)
        assert outcome.code == 0, outcome.err or outcome.out
        return outcome

    def refused(self, *arguments: object) -> str:
        """Run to a refusal and return it: exit code 2, told on standard error, no traceback."""
        outcome = self(*arguments)
        assert outcome.code == 2, f"left with {outcome.code}: {outcome.out}{outcome.err}"
        assert "Traceback" not in outcome.err
        return outcome.err
