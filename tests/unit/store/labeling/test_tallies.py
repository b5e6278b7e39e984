import math
from dataclasses import replace

import pytest

from prefloop.records import Label
from prefloop.store.labeling.tallies import BREAK_SECONDS, count_answers
from prefloop.store.store import Store
from tests.unit.store.records_for_tests import label, tie

HOUR = 3600.0


def count(store: Store, now: float, *labels: Label, active: dict[str, float] | None = None) -> None:
    with store._database.writing() as connection:
        count_answers(connection, now, labels, active)


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


def test_breaks_are_left_out_of_the_time(store: Store) -> None:
    unknown, forgotten = replace(label(0), seconds=math.nan), replace(label(1), seconds=9000.0)
    count(store, 0.0, unknown, forgotten, label(2), active={"l2": 2.5})
    assert store.tallies.all()[0].seconds == pytest.approx(BREAK_SECONDS + 2.5)


def test_nothing_counted_is_nothing(store: Store) -> None:
    count(store, 0.0)
    assert store.tallies.all() == []
    assert store.tallies.totals() == {}
