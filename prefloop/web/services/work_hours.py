"""The work of people by the hour, kept in memory: hours that are over do not change."""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from prefloop.store.labeling.tallies import Tallies
from prefloop.teamwork import Tally

PREFERENCES = ("best", "tie", "all_bad")
"""Answers that say what somebody prefers."""

ANSWERS = (*PREFERENCES, "skip", "flag")


@dataclass(frozen=True, kw_only=True)
class Work:
    """Answers by kind, and the seconds they took."""

    n: Counter[str]
    seconds: float

    @property
    def preferences(self) -> int:
        """How many of them say what somebody prefers."""
        return sum(self.n[kind] for kind in PREFERENCES)


class WorkHours:
    """All tallies of a run; each look asks the store for the last two hours only."""

    def __init__(self, tallies: Tallies) -> None:
        self._tallies = tallies
        self._hours: dict[int, list[Tally]] = {}
        self._sums: dict[int, Work] = {}
        self._turn = threading.Lock()

    def read(self) -> dict[int, list[Tally]]:
        """Return the tallies of every hour in which somebody answered, oldest first."""
        with self._turn:
            # An answer given in the last second of an hour may have come after we looked.
            since = max(self._hours, default=1) - 1
            found: dict[int, list[Tally]] = defaultdict(list)
            for tally in self._tallies.all(since_hour=since):
                found[tally.hour].append(tally)
            kept = {hour: there for hour, there in self._hours.items() if hour < since}
            self._hours = {**kept, **dict(sorted(found.items()))}
            self._sums |= {hour: total(there) for hour, there in found.items()}
            return self._hours

    def sums(self) -> dict[int, Work]:
        """Return what `read` found last, added up by the hour."""
        with self._turn:
            return dict(self._sums)


def together(works: Iterable[Work]) -> Work:
    """Return works added up."""
    n: Counter[str] = Counter()
    seconds = 0.0
    for work in works:
        n.update(work.n)
        seconds += work.seconds
    return Work(n=n, seconds=seconds)


def total(tallies: Iterable[Tally]) -> Work:
    """Return tallies added up."""
    n: Counter[str] = Counter()
    seconds = 0.0
    for tally in tallies:
        n.update(tally.n)
        seconds += tally.seconds
    return Work(n=n, seconds=seconds)
