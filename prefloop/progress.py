"""How a stage tells a person what it is doing. The command line draws it; tests stay silent."""

from typing import Protocol


class Progress(Protocol):
    """Hears about the work that is done and to do."""

    def say(self, text: str) -> None:
        """Take one finished sentence."""

    def count(self, what: str, done: int, total: int, detail: str = "") -> None:
        """Take how much of `what` is done; called again and again until done equals total."""


class Silent:
    """Says nothing."""

    def say(self, text: str) -> None:
        """Ignore `text`."""

    def count(self, what: str, done: int, total: int, detail: str = "") -> None:
        """Ignore the count."""
