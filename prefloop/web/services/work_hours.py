"""The work of labelers by the hour, cached: hours in which nothing happened are not read again."""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from prefloop.label_types.answers import PREFERENCES
from prefloop.store.labeling.tallies import Tallies
from prefloop.teamwork import Tally


@dataclass(frozen=True, kw_only=True)
class Work:
    """Numbers of answers, and the seconds they took."""

    n: Counter[str]
    seconds: float

    @property
    def preferences(self) -> int:
        """The number of answers with a preference."""
        return sum(self.n[kind] for kind in PREFERENCES)


class WorkHours:
    """All tallies of a run; each call queries the store for the hours that changed since the last.

    By the ledger, not by the clock: a clock that is set back counts on in hours that were over.
    """

    def __init__(self, tallies: Tallies) -> None:
        self._tallies = tallies
        self._hours: dict[int, list[Tally]] = {}
        self._sums: dict[int, Work] = {}
        self._sequence = -1
        self._lock = threading.Lock()

    def read(self) -> dict[int, list[Tally]]:
        """Return the tallies of every hour with answers, oldest first."""
        with self._lock:
            changed, self._sequence = self._tallies.changed_since(self._sequence)
            found: dict[int, list[Tally]] = defaultdict(list)
            for tally in changed:
                found[tally.hour].append(tally)
            if found:
                self._hours = dict(sorted({**self._hours, **found}.items()))
                self._sums |= {hour: total(tallies) for hour, tallies in found.items()}
            return self._hours

    def forget(self) -> None:
        """Read all hours again at the next call: a labeler has another name."""
        with self._lock:
            self._hours, self._sums, self._sequence = {}, {}, -1

    def sums(self) -> dict[int, Work]:
        """Return the sums of each hour, as of the last call of `read`."""
        with self._lock:
            return dict(self._sums)


def add_work(works: Iterable[Work]) -> Work:
    """Return the sum."""
    n: Counter[str] = Counter()
    seconds = 0.0
    for work in works:
        n.update(work.n)
        seconds += work.seconds
    return Work(n=n, seconds=seconds)


def total(tallies: Iterable[Tally]) -> Work:
    """Return the sum of tallies."""
    n: Counter[str] = Counter()
    seconds = 0.0
    for tally in tallies:
        n.update(tally.n)
        seconds += tally.seconds
    return Work(n=n, seconds=seconds)
