"""What surrounds the run monitor in its tests: a terminal, a policy, and time that passes."""

from collections.abc import Callable
from typing import Any

from prefloop.store.store import Store


class RecordedProgress:
    """A progress that remembers."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.counts: list[tuple[str, int, int, str]] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def count(self, what: str, done: int, total: int, detail: str = "") -> None:
        self.counts.append((what, done, total, detail))


class PausablePolicy:
    """A policy at an update, with checkpoints."""

    def __init__(self, update: int = 0, *checkpoints: int) -> None:
        self.update = update
        self.checkpoints = list(checkpoints)
        self.rolled_back_by = ""

    def ensure_checkpoint(self) -> None:
        if self.update not in self.checkpoints:
            self.checkpoints.append(self.update)


class Turns:
    """Instead of sleeping: what others do meanwhile, one thing per second."""

    def __init__(self, *turns: Callable[[], object]) -> None:
        self.turns = list(turns)

    def __call__(self, _seconds: float) -> None:
        self.turns.pop(0)()


def release(store: Store, action: Any = "resume", to: int | None = None) -> None:
    """Release the active stop request as the run's owner."""
    request = store.stop_requests.active()
    assert request is not None
    store.stop_requests.release(request.id, "olga", "read ten samples", action, to)
