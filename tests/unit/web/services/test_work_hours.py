"""Work by the hour, without reading what was read before."""

import pytest

from prefloop.teamwork import Tally
from prefloop.web.services.work_hours import WorkHours, add_work, total


class Counted:
    """Tallies that say from which hour on they were asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.kept = [tally(hour, "ann", 1) for hour in (100, 101, 104)]

    def all(self, since_hour: int = 0) -> list[Tally]:
        self.asked.append(since_hour)
        return [t for t in self.kept if t.hour >= since_hour]


def tally(hour: int, labeler: str, n: int) -> Tally:
    return Tally(hour=hour, labeler=labeler, instructions="1", n={"best": n, "skip": 2}, seconds=9)


def test_hours_that_are_over_are_read_once() -> None:
    counted = Counted()
    hours = WorkHours(counted)  # type: ignore[arg-type]
    assert list(hours.read()) == [100, 101, 104]
    counted.kept += [tally(104, "bob", 5), tally(106, "ann", 7)]
    found = hours.read()
    assert counted.asked == [0, 103]
    assert {hour: total(there).preferences for hour, there in found.items()} == {
        100: 1,
        101: 1,
        104: 6,
        106: 7,
    }


def test_an_answer_that_came_in_late_in_the_last_hour_is_seen() -> None:
    counted = Counted()
    hours = WorkHours(counted)  # type: ignore[arg-type]
    hours.read()
    counted.kept += [tally(105, "ann", 1)]
    hours.read()
    counted.kept += [tally(104, "eve", 3)]
    assert total(hours.read()[104]).preferences == 4


def test_sums_by_the_hour_keep_up() -> None:
    counted = Counted()
    hours = WorkHours(counted)  # type: ignore[arg-type]
    hours.read()
    counted.kept += [tally(104, "bob", 5), tally(107, "ann", 2)]
    hours.read()
    assert {h: w.preferences for h, w in hours.sums().items()} == {100: 1, 101: 1, 104: 6, 107: 2}
    assert add_work(hours.sums().values()) == total(counted.kept)


def test_work_adds_up() -> None:
    work = total([tally(1, "ann", 3), tally(2, "bob", 4)])
    assert (work.preferences, work.n["skip"], work.seconds) == (7, 4, 18)
    assert total([]).seconds == pytest.approx(0)
