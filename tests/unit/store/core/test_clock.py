import time

import pytest

from prefloop.store.store import Store
from tests.clock_for_tests import HOUR_SECONDS, MovableClock
from tests.unit.store.records_for_tests import own_events


def test_the_clock_counts_seconds_since_1970_in_utc(store: Store) -> None:
    before = time.time()
    shown = store.now()
    # Both run on this machine; one of them in another time zone.
    assert before - 0.01 <= shown <= time.time() + 0.01


def test_the_clock_knows_fractions_and_goes_on(store: Store) -> None:
    shown = [store.now() for _ in range(20)]
    assert shown == sorted(shown)
    assert any(each % 1 for each in shown)
    with store._database.writing() as connection:
        from prefloop.store.core.clock import now

        # In PostgreSQL the time of a transaction stands still; that of the clock does not.
        first = now(connection)
        deadline = time.monotonic() + 10
        while now(connection) == first:
            assert time.monotonic() < deadline


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_jumps_takes_every_store_along(
    store: Store, clock: MovableClock, hours: float
) -> None:
    before = store.now()
    clock.jump(hours * HOUR_SECONDS)
    assert store.now() - before == pytest.approx(hours * HOUR_SECONDS, abs=60)
    bob = store.people.add("bob", "labeler")
    assert bob.created_at - before == pytest.approx(hours * HOUR_SECONDS, abs=60)


def test_events_that_come_with_a_row_cannot_be_written_without_it(store: Store) -> None:
    from prefloop.errors import StoreError
    from prefloop.store.store import OWN_KINDS

    assert {"label", "check", "gold_added", "cord_released", "rule_undone"} <= OWN_KINDS
    for kind in sorted(OWN_KINDS):
        with pytest.raises(StoreError, match="written by adding or withdrawing"):
            store.add_event(kind, {})
    assert own_events(store) == []
