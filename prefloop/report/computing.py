"""How long the machine computed for a run, by the times at which the trainer wrote something."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from prefloop.store.core.row_digests import STORED
from prefloop.store.core.score_digests import SCORES_STORED
from prefloop.store.store import Store

PAUSE = 1800.0
"""Seconds without anything written from which on nobody computed: the run waited, or was stopped.
A single update takes less."""


@dataclass(frozen=True, kw_only=True)
class ComputingTime:
    """Time between what the trainer wrote, without pauses."""

    seconds: float
    marks: int
    """Times at which it wrote something: metrics, prompts, samples, scores, verdicts."""
    pauses: int
    """Gaps that were left out."""


def computing_time(store: Store) -> ComputingTime | None:
    """Return how long the trainer was at work; None where fewer than two times are known."""
    return time_without_pauses([*_update_times(store), *_event_times(store)])


def time_without_pauses(times: Sequence[float]) -> ComputingTime | None:
    """Return the sum of the gaps between `times`, in seconds, that are shorter than PAUSE."""
    marks = sorted(times)
    if len(marks) < 2:
        return None
    gaps = [after - before for before, after in pairwise(marks)]
    worked = [gap for gap in gaps if gap < PAUSE]
    return ComputingTime(seconds=sum(worked), marks=len(marks), pauses=len(gaps) - len(worked))


def _update_times(store: Store) -> list[float]:
    times: list[float] = []
    number = 0
    while page := store.updates.after(number):
        number = page[-1].number
        times += [update.created_at for update in page]
    return times


def _event_times(store: Store) -> list[float]:
    events = (e for kind in (*STORED, SCORES_STORED) for e in store.events_of_kind(kind))
    return [datetime.fromisoformat(event.created_at).timestamp() for event in events]
