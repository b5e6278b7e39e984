"""Progress bars with an ETA on a terminal; plain lines in a log file."""

import sys
import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from prefloop.figures.text import duration
from prefloop.text.printable import printable

LOG_SECONDS = 15.0
"""In a log file a line at most this often per kind of work."""


class TerminalProgress:
    """Draws one bar per kind of work, with the time that is left."""

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def say(self, text: str) -> None:
        """Print a sentence above the bars."""
        (self._bars.console if self._bars else self.console).print(printable(text), markup=False)

    def count(self, what: str, done: int, total: int, detail: str = "") -> None:
        """Draw how far `what` is; a finished bar stays, and the next begins below it."""
        if self._bars is None:
            self._bars = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[detail]}"),
                console=self.console,
            )
            self._bars.start()
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(what, total=total, detail="")
        self._bars.update(self._tasks[what], completed=done, total=total, detail=detail)
        if done >= total:
            del self._tasks[what]
        if not self._tasks:
            self.close()

    def close(self) -> None:
        """Leave the bars as they are and give the terminal back."""
        if self._bars is not None:
            self._bars.stop()
        self._bars = None
        self._tasks = {}


class LogProgress:
    """Writes lines with an ETA, for output that goes to a file."""

    def __init__(self) -> None:
        self._started: dict[str, tuple[float, int]] = {}
        self._last: dict[str, float] = {}

    def say(self, text: str) -> None:
        """Write a sentence."""
        print(printable(text), file=sys.stderr, flush=True)

    def count(self, what: str, done: int, total: int, detail: str = "") -> None:
        """Write a line at the start, now and then, and at the end."""
        now = time.monotonic()
        began = self._started.setdefault(what, (now, done))
        if done < total and now - self._last.get(what, 0.0) < LOG_SECONDS:
            return
        self._last[what] = now
        left = time_left(done, total, detail, began=began, now=now)
        left = f", {left} left" if left else ""
        tail = f" ({detail})" if detail else ""
        print(f"{what}: {done} of {total}{left}{tail}", file=sys.stderr, flush=True)
        if done >= total:
            self._started.pop(what, None)

    def close(self) -> None:
        """Nothing is open."""


def time_left(done: int, total: int, detail: str, *, began: tuple[float, int], now: float) -> str:
    """Return how long the rest takes at the pace since `began`, a time with how much was done.

    "" where nothing is known yet, and where the detail says it: people, who are waited for, do not
    work evenly.

    >>> time_left(30, 120, "", began=(100.0, 10), now=110.0)
    '45 s'
    """
    rate = (done - began[1]) / max(now - began[0], 1e-9)
    is_known = rate > 0 and done < total and not detail.endswith(" left")
    return duration((total - done) / rate) if is_known else ""


def make_progress() -> TerminalProgress | LogProgress:
    """Return bars on a terminal and lines elsewhere."""
    return TerminalProgress() if sys.stderr.isatty() else LogProgress()
