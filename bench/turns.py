"""Sides that take turns, update by update, each in a process of its own. Standard library only.

A side prints `WAITING` when it is ready to make an update and reads a line: `go`, or `stop` when
time is up. Its last line is `RESULT` and what it found as JSON.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

WAITING, GO, STOP, RESULT = "WAITING", "go", "stop", "RESULT "


def may_go_on() -> bool:
    """Wait for this side's turn, in the side's process; False: time is up."""
    print(WAITING, flush=True)
    return sys.stdin.readline().strip() == GO


class Side:
    """One side as the process that asked for it sees it."""

    def __init__(self, command: Sequence[str], threads: int, errors: IO[str]) -> None:
        """`errors` takes what the side writes to its standard error."""
        self.command = list(command)
        self.turns = 0
        self.found: dict[str, Any] | None = None
        self._errors = errors
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=os.environ
            | {
                "OMP_NUM_THREADS": str(threads),
                "HF_HUB_OFFLINE": "1",
                "TRL_EXPERIMENTAL_SILENCE": "1",
            },
        )

    def take_turn(self, word: str) -> None:
        """Let the side make an update or end, and wait until it has."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{word}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            self._fail()
        self.turns += 1
        self.wait()

    def wait(self) -> None:
        """Wait until it is the side's turn, or until it has ended."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.strip() == WAITING:
                return
            if line.startswith(RESULT):
                self.found = json.loads(line.removeprefix(RESULT))
        if self._process.wait() or self.found is None:
            self._fail()

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def _fail(self) -> None:
        self._errors.seek(0)
        raise SystemExit(f"{' '.join(self.command)} failed:\n{self._errors.read()[-6000:]}")


def take_turns(
    commands: Sequence[Sequence[str]], *, threads: int, seconds: float, least: int
) -> list[dict[str, Any]]:
    """Run the sides in turns and return what each found.

    They start together, which is not measured. After `seconds` no side makes another update, once
    it has had `least` turns.
    """
    end = time.monotonic() + seconds
    with ExitStack() as stack:
        sides = []
        for command in commands:
            errors = stack.enter_context(tempfile.TemporaryFile("w+"))
            sides.append(Side(command, threads, errors))
            stack.callback(sides[-1].end)
        for side in sides:
            side.wait()
        while running := [side for side in sides if side.found is None]:
            is_over = time.monotonic() > end and min(side.turns for side in running) >= least
            for side in running:
                side.take_turn(STOP if is_over else GO)
    return [side.found for side in sides if side.found is not None]


@dataclass(frozen=True)
class Ratio:
    """How many times the responses per second of the other side, and of its memory."""

    speed: float
    """By the medians."""
    least: float
    """The smallest among updates that were neighbors in time."""
    most: float
    memory: float


def ratio(ours: dict[str, Any], theirs: dict[str, Any]) -> Ratio:
    """Compare what two sides found that took turns."""
    skip = ours["warm_ups"]
    pairs = zip(ours["update_seconds"][skip:], theirs["update_seconds"][skip:], strict=False)
    each = [their / own for own, their in pairs]
    return Ratio(
        speed=ours["responses_per_second"] / theirs["responses_per_second"],
        least=min(each),
        most=max(each),
        memory=ours["peak_rss_mb"] / theirs["peak_rss_mb"],
    )


def responses_per_second(responses: int, update_seconds: Sequence[float], warm_ups: int) -> float:
    """Return the responses of an update over the median seconds of those after the warm-ups."""
    return responses / statistics.median(list(update_seconds)[warm_ups:])


def write_result(result: dict[str, Any], text: str, stem: Path) -> None:
    """Write the result as JSON and as the text beside it, and print the text."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    stem.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    stem.with_suffix(".md").write_text(text)
    print(text)
