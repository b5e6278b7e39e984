"""Work by the hour, without reading what was read before."""

import pytest

from prefloop.store.labeling.tallies import ChangedTallies
from prefloop.teamwork import Tally
from prefloop.web.services.work_hours import WorkHours, add_work, total


class Counted:
    """Tallies that say what changed, and since when they were asked for it."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.events = [tally(hour, "ann", 1) for hour in (100, 101, 104)]

    def changed_since(self, sequence: int) -> ChangedTallies:
        self.asked.append(sequence)
        hours = {t.hour for t in self.events[max(sequence, 0) :]}
        return ChangedTallies([t for t in self.events if t.hour in hours], len(self.events))


def tally(hour: int, labeler: str, n: int) -> Tally:
    return Tally(hour=hour, labeler=labeler, instructions="1", n={"best": n, "skip": 2}, seconds=9)


def counts(hours: WorkHours) -> dict[int, int]:
    return {hour: total(there).preferences for hour, there in hours.read().items()}


def test_hours_are_read_once_and_again_when_they_change() -> None:
    counted = Counted()
    hours = WorkHours(counted)  # type: ignore[arg-type]
    assert counts(hours) == {100: 1, 101: 1, 104: 1}
    counted.events += [tally(104, "bob", 5), tally(106, "ann", 7)]
    assert counts(hours) == {100: 1, 101: 1, 104: 6, 106: 7}
    assert counts(hours) == {100: 1, 101: 1, 104: 6, 106: 7}
    assert counted.asked == [-1, 3, 5]


def test_a_clock_that_is_set_back_freezes_nothing() -> None:
    counted = Counted()
    hours = WorkHours(counted)  # type: ignore[arg-type]
    counted.events += [tally(9000, "ann", 1)]
    hours.read()
    counted.events += [tally(104, "ann", 2), tally(105, "eve", 3)]
    assert counts(hours) == {100: 1, 101: 1, 104: 3, 105: 3, 9000: 1}
    assert list(hours.read()) == [100, 101, 104, 105, 9000]
    assert add_work(hours.sums().values()) == total(counted.events)


def test_all_hours_are_read_again_after_a_rename() -> None:
    counted = Counted()
    hours = WorkHours(counted)  # type: ignore[arg-type]
    before = counts(hours)
    hours.forget()
    assert counts(hours) == before == {100: 1, 101: 1, 104: 1}
    assert add_work(hours.sums().values()) == total(counted.events)
    assert counted.asked == [-1, -1]


def test_sums_by_the_hour_keep_up() -> None:
    counted = Counted()
    hours = WorkHours(counted)  # type: ignore[arg-type]
    hours.read()
    counted.events += [tally(104, "bob", 5), tally(107, "ann", 2)]
    hours.read()
    assert {h: w.preferences for h, w in hours.sums().items()} == {100: 1, 101: 1, 104: 6, 107: 2}
    assert add_work(hours.sums().values()) == total(counted.events)


def test_work_adds_up() -> None:
    work = total([tally(1, "ann", 3), tally(2, "bob", 4)])
    assert (work.preferences, work.n["skip"], work.seconds) == (7, 4, 18)
    assert total([]).seconds == pytest.approx(0)
