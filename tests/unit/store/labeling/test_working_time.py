"""Time by the database's clock: each second once, a pause at most a lease, no browser believed."""

from collections.abc import Sequence

import pytest

from prefloop.store.core import clock as store_clock
from prefloop.store.store import Store
from prefloop.teamwork import Assignment, Timing
from tests.clock_for_tests import HOUR_SECONDS
from tests.unit.store.asking_for_tests import WORK_ONLY, answer, ask, give, send
from tests.unit.store.records_for_tests import fill

LEASE_SECONDS = WORK_ONLY.lease_seconds
YEAR_SECONDS = 365 * 24 * HOUR_SECONDS
NOON = 1_768_046_400.0


class Watch:
    """The database's clock, which stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self, connection: object) -> float:
        return self.now


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr(store_clock, "database_seconds", watch)
    return watch


@pytest.fixture
def views(store: Store, watch: Watch) -> list[Assignment]:
    """Questions that were fetched together."""
    fill(store, 12)
    ask(store, wanted=5)
    return give(store, n=6)


def worked(store: Store, labeler: str = "ann") -> float:
    return sum(t.seconds for t in store.tallies.all() if t.labeler == labeler)


def work(store: Store, watch: Watch, views: Sequence[Assignment], *seconds: float) -> None:
    """Answer questions, each so many seconds after the one before."""
    for view, passed in zip(views, seconds, strict=True):
        watch.now += passed
        assert send(store, answer(view)) == ["stored"]


def test_time_is_from_hand_out_to_answer_and_each_second_counts_once(
    store: Store, watch: Watch, views: list[Assignment]
) -> None:
    work(store, watch, views[:3], 10, 20, 5)
    assert worked(store) == pytest.approx(35, abs=1e-3)
    times = store.recent.answer_times([view.comparison_id for view in views])
    assert sorted(round(t.worked_seconds or 0) for t in times.values()) == [5, 10, 20]
    assert sorted(round(t.held_seconds) for t in times.values()) == [10, 30, 35]


@pytest.mark.parametrize("said", [0.0, 1e7])
def test_what_a_browser_says_changes_no_hour(
    store: Store, watch: Watch, views: list[Assignment], said: float
) -> None:
    watch.now += 12
    timing = Timing(active_seconds=said, first_key_seconds=said)
    assert send(store, answer(views[0], seconds=said, timing=timing)) == ["stored"]
    assert worked(store) == pytest.approx(12)
    [times] = store.recent.answer_times([views[0].comparison_id]).values()
    assert times.worked_seconds == pytest.approx(12)
    assert times.active_seconds == said


def test_a_pause_counts_at_most_a_lease(
    store: Store, watch: Watch, views: list[Assignment]
) -> None:
    work(store, watch, views[:3], 10, 5 * HOUR_SECONDS, 10)
    assert worked(store) == pytest.approx(20 + LEASE_SECONDS, abs=1e-3)


def test_a_renewed_lease_counts_from_the_hand_out(
    store: Store, watch: Watch, views: list[Assignment]
) -> None:
    watch.now += 600
    store.queue.renew([views[0].id], "ann")
    watch.now += 60
    send(store, answer(views[0]))
    assert worked(store) == pytest.approx(660, abs=1e-3)


def test_answers_that_come_in_a_heap_count_no_longer_than_the_clock_ran(
    store: Store, watch: Watch, views: list[Assignment]
) -> None:
    """Two tabs, or a browser that was without a connection."""
    watch.now += 100
    assert send(store, *map(answer, views)) == ["stored"] * 6
    assert worked(store) == pytest.approx(100)


def test_each_person_has_a_time_of_their_own(
    store: Store, watch: Watch, views: list[Assignment]
) -> None:
    watch.now += 50
    [other] = give(store, "bob")
    watch.now += 10
    assert send(store, answer(views[0]), answer(other)) == ["stored"] * 2
    assert worked(store) == pytest.approx(60)
    assert worked(store, "bob") == pytest.approx(10)


def test_the_time_of_what_was_withdrawn_and_of_edits_counts(
    store: Store, watch: Watch, views: list[Assignment]
) -> None:
    watch.now += 10
    send(store, answer(views[0], "slip"))
    watch.now += 3
    store.answers.withdraw("slip", "ann")
    watch.now += 4
    send(store, answer(views[0], "meant"))
    watch.now += 5
    send(store, answer(views[0], "edited", replaces="meant", answer="tie"))
    # From the slip until it was withdrawn nobody was asked anything.
    assert worked(store) == pytest.approx(10 + 4 + 5)
    [times] = store.recent.answer_times([views[0].comparison_id]).values()
    assert times.worked_seconds == pytest.approx(19)
    assert store.tallies.totals() == {"ann": {"best": 1}}


@pytest.mark.parametrize("seconds", [-YEAR_SECONDS, -HOUR_SECONDS, HOUR_SECONDS, YEAR_SECONDS])
def test_a_clock_that_jumps_freezes_no_sum_and_adds_at_most_a_lease(
    store: Store, watch: Watch, views: list[Assignment], seconds: float
) -> None:
    work(store, watch, views[:2], 10, 10)
    watch.now += seconds
    work(store, watch, views[2:4], 10, 10)
    after = worked(store) - 20
    # Back: what was handed out in the future counts nothing, and the second of them from the first.
    assert after == pytest.approx(LEASE_SECONDS + 10 if seconds > 0 else 0, abs=1e-3)
    later = give(store, n=9)[-2:]
    before = worked(store)
    work(store, watch, later, 10, 10)
    assert worked(store) - before == pytest.approx(20, abs=1e-3)


def test_hours_of_a_year_never_exceed_the_clock(store: Store, watch: Watch) -> None:
    """Whoever holds many questions in many tabs is paid for the time, not for the tabs."""
    fill(store, 40)
    ask(store, wanted=5)
    for _ in range(5):
        views = give(store, n=8)
        watch.now += 30
        send(store, *(answer(view) for view in views))
    assert worked(store) == pytest.approx(150, abs=1e-3)
