"""Progress in a notebook: bars that move in the output of the cell that runs."""

import sys
import time
import warnings
from dataclasses import dataclass
from typing import Any, Protocol

from prefloop.cli.console import time_left
from prefloop.python.rendering import rendered
from prefloop.text.printable import printable

DRAW_SECONDS = 0.5
"""A bar moves at most this often; what is said and what is finished shows at once."""

MOST_SAID = 30
"""Sentences that stay below the bars, the newest."""


class Output(Protocol):
    """A place in the output of a cell, which can be written again."""

    def update(self, shown: Any) -> None:
        """Show something else in this place."""


@dataclass
class _Work:
    what: str
    began: tuple[float, int]
    done: int = 0
    total: int = 0
    detail: str = ""
    left: str = ""


class NotebookProgress:
    """Shows one bar per kind of work, with the time that is left, and what is said below them."""

    def __init__(self) -> None:
        self._works: list[_Work] = []
        self._said: list[str] = []
        self._output: Output | None = None
        self._drawn = 0.0

    def say(self, text: str) -> None:
        """Show a sentence below the bars."""
        self._said = [*self._said, printable(text)][-MOST_SAID:]
        self._draw()

    def count(self, what: str, done: int, total: int, detail: str = "") -> None:
        """Show how far `what` is; a finished bar stays, and the next begins below it."""
        now = time.monotonic()
        running = [work for work in self._works if work.what == what and work.done < work.total]
        if not running:
            self._works.append(_Work(what, (now, done)))
        work = running[-1] if running else self._works[-1]
        work.done, work.total, work.detail = done, total, detail
        work.left = time_left(done, total, detail, began=work.began, now=now)
        if done >= total or now - self._drawn >= DRAW_SECONDS:
            self._draw()

    def close(self) -> None:
        """Leave the bars as they are."""
        if self._works or self._said:
            self._draw()

    def _draw(self) -> None:
        from IPython.display import HTML, display

        self._drawn = time.monotonic()
        shown = HTML(rendered("progress", works=self._works, said=self._said))
        if self._output is None:
            self._output = display(shown, display_id=True)
        else:
            self._output.update(shown)


def prepare_notebook() -> None:
    """Keep what a library says at its import out of cells; elsewhere nothing is changed.

    tqdm, which transformers loads, warns in red that it misses ipywidgets. No bar here is tqdm's.
    """
    if is_notebook():
        warnings.filterwarnings("ignore", message="IProgress not found")


def is_notebook() -> bool:
    """Whether this process runs the cells of a notebook."""
    loaded = sys.modules.get("IPython")
    shell = loaded.get_ipython() if loaded is not None else None
    return getattr(shell, "kernel", None) is not None
