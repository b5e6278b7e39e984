"""How a stage reports its progress, and where it asks whether to stop."""

from collections.abc import Callable
from typing import Literal, Protocol

StopPoint = Literal[
    "between stages",
    "between sampling batches",
    "between label batches",
    "between reward-model steps",
    "between policy updates",
    "during evaluation",
    "while waiting for labels",
]
"""Every safe point of a run: a place where it may stop with nothing half done."""

StopCheck = Callable[[StopPoint], None]
"""Asked at safe points. It returns when the run may go on, which may take days, or raises."""


class StopRequested(Exception):
    """The run is to end at this safe point, and not to fail: its next start goes on from here.

    A function that `prefloop.Run.train` calls after every update may raise it.
    """


BeforeMaking = Callable[[], None]
"""Called before something is made that was not there: what it prepares is done once."""


class Progress(Protocol):
    """Takes reports of the work. It returns at once and never raises because a run should stop."""

    def say(self, text: str) -> None:
        """Report one finished sentence."""

    def count(self, what: str, done: int, total: int, detail: str = "") -> None:
        """Report how much of `what` is done; called repeatedly until `done` equals `total`."""


class Silent:
    """Discards every report."""

    def say(self, text: str) -> None:
        """Discard `text`."""

    def count(self, what: str, done: int, total: int, detail: str = "") -> None:
        """Discard the count."""


def never_stop(point: StopPoint) -> None:
    """Go on: the stop check of work that nobody can stop."""


def make_freely() -> None:
    """Prepare nothing: what work calls before it makes something, where nobody keeps settings."""
