"""Stop requests: where a run stops, what it leaves there, and how it goes on."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import pytest

from prefloop.progress import StopPoint
from prefloop.run.monitor import STOPPED, RunMonitor
from prefloop.run.stops import RollBack
from prefloop.store.store import Store
from tests.unit.run.doubles import PausablePolicy, RecordedProgress, Turns, release

POINTS: tuple[StopPoint, ...] = get_args(StopPoint)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "prefloop.db") as opened:
        yield opened


def attached(store: Store, policy: PausablePolicy, *turns: Callable[[], object]) -> RunMonitor:
    monitor = RunMonitor(store, RecordedProgress(), sleep=Turns(*turns))
    monitor.attach(policy)
    return monitor


@pytest.mark.parametrize("point", POINTS)
def test_an_active_request_stops_the_run_with_a_checkpoint_until_it_is_released(
    store: Store, point: StopPoint
) -> None:
    policy, progress = PausablePolicy(7, 0), RecordedProgress()
    seen: list[tuple[str, int | None]] = []

    def watch() -> None:
        state, request = store.updates.state(), store.stop_requests.active()
        assert state is not None and request is not None
        assert state.checkpoints == (0, 7), "the owner chooses among all of them"
        seen.append((state.phase, request.update))

    monitor = RunMonitor(store, progress, sleep=Turns(watch, watch, lambda: release(store)))
    monitor.attach(policy)
    monitor.check_stop(point)
    store.stop_requests.pull("ann", "it swears", ())
    monitor.check_stop(point)
    assert seen == [(STOPPED, 7), (STOPPED, 7)]
    [request] = store.stop_requests.all()
    assert request.stopped_at is not None and request.update == 7
    assert f"ann stopped the run {point}: it swears" in progress.said[0]
    assert "olga released the stop, having checked: read ten samples" in progress.said[1]
    monitor.check_stop(point)
    assert len(progress.said) == 2, "a released request stops nothing"


def test_reports_neither_wait_nor_raise_while_a_request_is_active(store: Store) -> None:
    """The run stops where it asks, and reporting progress is not asking."""
    policy = PausablePolicy(3, 3)
    monitor = attached(store, policy)  # Sleeping would fail: nothing happens meanwhile.
    store.stop_requests.pull("ann", "it swears", ())
    monitor.count("training the policy", 1, 10)
    monitor.say("still here")
    monitor.report("training the policy", 2, 10)
    monitor.send()
    request = store.stop_requests.active()
    assert request is not None and request.stopped_at is None


def test_reports_do_not_wait_for_a_store_that_others_write_to(tmp_path: Path) -> None:
    """Another process holds the right to write for as long as it likes."""
    path = tmp_path / "prefloop.db"
    with Store.open(path) as store, Store.open(path) as other:
        monitor = RunMonitor(store, RecordedProgress())
        with monitor.keepalive(), other._database.writing():
            began = time.monotonic()
            for done in range(100):
                monitor.outbox.write({"stage": "policy", "round": 0, "update": done})
                monitor.count("training the policy", done, 100)
            assert time.monotonic() - began < 1.0
        monitor.finish()
        assert len(store.updates.after(0)) == 100
        state = store.updates.state()
        assert state is not None and state.phase == "finished"


def test_a_request_that_was_made_before_the_trainer_came_stops_it_at_once(store: Store) -> None:
    store.stop_requests.pull("ann", "it swears", ())
    policy = PausablePolicy(3)
    monitor = attached(store, policy, lambda: release(store))
    monitor.check_stop("between stages")
    assert policy.checkpoints == [3]
    assert store.stop_requests.all()[0].update == 3


def test_a_roll_back_is_raised_once_where_the_run_stopped(store: Store) -> None:
    policy = PausablePolicy(7, 3, 5)
    monitor = attached(store, policy, lambda: release(store, "roll_back", 3))
    store.stop_requests.pull("ann", "it swears", ())
    with pytest.raises(RollBack) as raised:
        monitor.check_stop("between policy updates")
    assert raised.value.request.roll_back_to == 3
    monitor.check_stop("between policy updates")


def test_a_release_that_came_before_the_trainer_looked_is_carried_out(store: Store) -> None:
    monitor = attached(store, PausablePolicy(7, 3, 5))
    monitor.report("training the policy")
    monitor.send()
    store.stop_requests.pull("ann", "it swears", ())
    release(store, "roll_back", 5)
    with pytest.raises(RollBack):
        monitor.check_stop("between policy updates")


@pytest.mark.parametrize(
    ("policy", "rolls_back"),
    [
        (PausablePolicy(7, 3, 5), True),
        (PausablePolicy(5, 3, 5), True),
        (PausablePolicy(3, 3), False),
        (PausablePolicy(0), False),
    ],
    ids=["beyond", "exactly there", "before", "all checkpoints deleted"],
)
def test_a_process_that_died_before_it_rolled_back_does_so_when_it_starts(
    store: Store, policy: PausablePolicy, rolls_back: bool
) -> None:
    store.updates.heartbeat(phase="x", round=0, done=0, total=0, checkpoints=(3, 5))
    request = store.stop_requests.pull("ann", "it swears", ())
    release(store, "roll_back", 5)
    monitor = attached(store, policy)
    if rolls_back:
        with pytest.raises(RollBack):
            monitor.check_stop("between stages")
    policy.rolled_back_by = request.id
    attached(store, policy).check_stop("between stages")


def test_a_roll_back_is_owed_though_another_request_came_since(store: Store) -> None:
    store.updates.heartbeat(phase="x", round=0, done=0, total=0, checkpoints=(3, 5))
    store.stop_requests.pull("ann", "it swears", ())
    release(store, "roll_back", 5)
    store.stop_requests.pull("ben", "it still swears", ())
    policy = PausablePolicy(7, 3, 5)
    monitor = attached(store, policy, lambda: release(store))
    with pytest.raises(RollBack):
        monitor.check_stop("between stages")
    policy.update = 5
    monitor.check_stop("between stages")
    assert store.stop_requests.all()[1].update == 5, "and then the run stops there"
