"""What looks at every update while the policy trains: figures beside its own, and alarms."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class PolicyWatch(Protocol):
    """Sees every update of the policy; `audits/watch.py` is the one of a run.

    All that it knows comes from lines of metrics and from checkpoints, so that a run that resumes
    is watched as one that went straight on.
    """

    def begin(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Take the lines of metrics that there are, before updates go on from them."""

    def measure(
        self, line: Mapping[str, Any], prompts: Sequence[str], texts: Sequence[str]
    ) -> dict[str, Any]:
        """Return what the line of an update with these responses holds beside its own numbers.

        `prompts` has the prompt of every response.
        """

    def report(self, line: Mapping[str, Any]) -> None:
        """Say what the newest line raises; where a run asks for it, ask that the run stops."""

    def kls(self) -> Mapping[int, float]:
        """Return the KL of every update that it saw, in nats, by the update's number."""

    def state(self) -> dict[str, Any]:
        """Return as JSON what no line holds, for a checkpoint."""

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from what a checkpoint holds; nothing: as at the start."""


class Unwatched:
    """Sees nothing: the policy of a stage that nobody looks at."""

    def begin(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Take nothing."""

    def measure(
        self, line: Mapping[str, Any], prompts: Sequence[str], texts: Sequence[str]
    ) -> dict[str, Any]:
        """Return nothing."""
        return {}

    def report(self, line: Mapping[str, Any]) -> None:
        """Say nothing."""

    def kls(self) -> Mapping[int, float]:
        """Return nothing."""
        return {}

    def state(self) -> dict[str, Any]:
        """Return nothing."""
        return {}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take nothing."""
