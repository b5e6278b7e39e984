from dataclasses import replace

import pytest

from prefloop.records import Label
from prefloop.store.labeling.tallies import CountedAnswer, count_answers
from prefloop.store.store import Store
from tests.unit.store.records_for_tests import label, tie

HOUR = 3600.0


def count(
    store: Store,
    now: float,
    *labels: Label,
    seconds: float = 4.2,
    is_new: bool = True,
    sequence: int = 1,
) -> None:
    answers = [CountedAnswer(each, seconds, is_new) for each in labels]
    with store._database.writing() as connection:
        count_answers(connection, now, sequence, answers)


def test_answers_are_counted_by_hour_labeler_version_and_kind(store: Store) -> None:
    count(store, 10 * HOUR, label(0), label(1), tie(2), label(3, labeler="bob"))
    count(store, 11 * HOUR - 0.1, label(4), replace(label(5), instructions="4"))
    count(store, 11 * HOUR, label(6))
    found = store.tallies.all()
    assert [(t.hour, t.labeler, t.instructions, t.n) for t in found] == [
        (10, "ann", "3", {"best": 3, "tie": 1}),
        (10, "ann", "4", {"best": 1}),
        (10, "bob", "3", {"best": 1}),
        (11, "ann", "3", {"best": 1}),
    ]
    assert found[0].seconds == pytest.approx(4 * 4.2)
    assert store.tallies.all(since_hour=11) == found[3:]
    assert store.tallies.totals() == {"ann": {"best": 5, "tie": 1}, "bob": {"best": 1}}


def test_an_answer_that_was_counted_before_adds_its_time_alone(store: Store) -> None:
    count(store, 0.0, label(0), seconds=3.0)
    count(store, 0.0, tie(1), seconds=2.0, is_new=False)
    [tally] = store.tallies.all()
    assert (tally.n, tally.seconds) == ({"best": 1}, 5.0)
    assert store.tallies.totals() == {"ann": {"best": 1}}


def test_hours_that_changed_are_found_whatever_the_clock_says(store: Store) -> None:
    count(store, 10 * HOUR, label(0), sequence=4)
    count(store, 11 * HOUR, label(1), label(2, labeler="bob"), sequence=6)
    everything = store.tallies.changed_since(-1)
    assert (everything.tallies, everything.sequence) == (store.tallies.all(), 6)
    assert store.tallies.changed_since(6) == ([], 6)
    # The clock was set back.
    count(store, 3 * HOUR, label(3), sequence=7)
    count(store, 11 * HOUR, label(4), sequence=8)
    count(store, 10 * HOUR, label(5), sequence=8)
    later = store.tallies.changed_since(7)
    assert [(t.hour, t.labeler, t.n) for t in later.tallies] == [
        (10, "ann", {"best": 2}),
        (11, "ann", {"best": 2}),
        (11, "bob", {"best": 1}),
    ]
    assert later.sequence == 8
    assert [t.hour for t in store.tallies.changed_since(6).tallies] == [3, 10, 11, 11]


def test_nothing_counted_is_nothing(store: Store) -> None:
    count(store, 0.0)
    assert store.tallies.all() == []
    assert store.tallies.changed_since(-1) == ([], -1)
    assert store.tallies.totals() == {}
