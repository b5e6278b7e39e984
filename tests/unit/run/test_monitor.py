"""The run monitor: what those who watch are sent, and a store that is away meanwhile."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prefloop.errors import StoreAwayError
from prefloop.run import monitor
from prefloop.run.monitor import RunMonitor
from prefloop.store.store import Store
from tests.unit.run.doubles import PausablePolicy, RecordedProgress


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "prefloop.db") as opened:
        yield opened


def test_a_count_reaches_the_terminal_and_those_who_watch(store: Store) -> None:
    progress = RecordedProgress()
    watched = RunMonitor(store, progress)
    watched.round, watched.note = 2, "labels 3 of 8"
    watched.attach(PausablePolicy(7, 0, 5))
    watched.count("training the policy", 3, 10, "KL 2.0 nats")
    watched.send()
    assert progress.counts == [("training the policy", 3, 10, "KL 2.0 nats; labels 3 of 8")]
    state = store.updates.state()
    assert state is not None
    assert (state.phase, state.round, state.done, state.total) == ("training the policy", 2, 3, 10)
    assert (state.detail, state.checkpoints) == ("KL 2.0 nats; labels 3 of 8", (0, 5))


def test_reports_of_one_phase_are_sent_once_per_second(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr("prefloop.run.heartbeat.time.monotonic", lambda: clock[0])
    watched = RunMonitor(store, RecordedProgress())
    seen = []
    for done, phase in enumerate(["learning"] * 4 + ["sampling"]):
        watched.count(phase, done, 9)
        watched.send()
        state = store.updates.state()
        assert state is not None
        seen.append((state.phase, state.done))
        clock[0] += 0.4
    assert seen == [*[("learning", 0)] * 3, ("learning", 3), ("sampling", 4)]


def heartbeat_at(store: Store) -> float:
    state = store.updates.state()
    return 0.0 if state is None else state.heartbeat_at


def test_a_long_step_sends_heartbeats_and_a_dead_trainer_does_not(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor, "REPEAT_SECONDS", 0.01)
    monkeypatch.setattr("prefloop.run.heartbeat.REPEAT_SECONDS", 0.01)
    watched = RunMonitor(store, RecordedProgress())

    def wait_for_a_beat_after(moment: float) -> float:
        deadline = time.monotonic() + 20
        while heartbeat_at(store) <= moment and time.monotonic() < deadline:
            threading.Event().wait(0.01)
        return heartbeat_at(store)

    with watched.keepalive():
        threading.Event().wait(0.05)
        assert heartbeat_at(store) == 0.0, "nothing was reported yet"
        watched.report("training the reward model", 1, 9)
        first = wait_for_a_beat_after(0.0)
        assert wait_for_a_beat_after(first) > first > 0.0
    ended = heartbeat_at(store)
    threading.Event().wait(0.05)
    assert heartbeat_at(store) == ended


def test_what_was_reported_last_is_sent_though_the_run_failed(store: Store) -> None:
    watched = RunMonitor(store, RecordedProgress())
    with pytest.raises(ZeroDivisionError), watched.keepalive():
        watched.outbox.write(LINES[0])
        raise ZeroDivisionError
    assert sent(store) == [1]


LINES = [{"stage": "policy", "round": 0, "update": u, "policy/kl": 0.5} for u in (1, 2, 3)]


class Away:
    """The store's database is away while this is entered."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store, self.monkeypatch = store, monkeypatch

    def __enter__(self) -> None:
        def gone(*_arguments: Any, **_named: Any) -> None:
            raise StoreAwayError("postgresql://db cannot be reached.")

        self.broken = self.monkeypatch.context()
        patch = self.broken.__enter__()
        for part, name in (
            ("updates", "write"),
            ("updates", "heartbeat"),
            ("stop_requests", "all"),
        ):
            patch.setattr(getattr(self.store, part), name, gone)

    def __exit__(self, *_error: object) -> None:
        self.broken.__exit__(None, None, None)


def sent(store: Store) -> list[int]:
    return [u.update for u in store.updates.after(0)]


def test_lines_that_the_store_does_not_take_are_kept_and_sent_later(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    progress = RecordedProgress()
    watched = RunMonitor(store, progress)
    watched.attach(PausablePolicy(0))
    with Away(store, monkeypatch):
        watched.outbox.write(LINES[0], [{"prompt": "p"}])
        for _ in range(20):
            clock[0] += 1.0
            watched.count("training the policy", 1, 3)
            watched.check_stop("between policy updates")
            watched.send()
        watched.outbox.write(LINES[1], ())
        assert not watched.try_query(lambda _: None), "right after a failure nothing is asked"
    assert sent(store) == []
    assert len(progress.said) == 1 and "Training continues" in progress.said[0]
    clock[0] += 10.0
    watched.outbox.write(LINES[2], ())
    watched.send()
    assert sent(store) == [1, 2, 3]
    assert store.updates.after(0)[0].samples == ({"prompt": "p"},)
    assert "The store answers again" in progress.said[1]
    assert watched.try_query(lambda _: None)


def test_lines_that_a_dead_process_did_not_send_are_sent_once(store: Store) -> None:
    first = RunMonitor(store, RecordedProgress())
    first.outbox.write(LINES[1])
    first.send()
    for _ in range(2):
        resumed = RunMonitor(store, RecordedProgress())
        resumed.outbox.catch_up(store, LINES)
        resumed.send()
    assert sorted(sent(store)) == [1, 2, 3]


def test_lines_after_a_checkpoint_are_dropped_in_the_order_of_the_log(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = RunMonitor(store, RecordedProgress())
    watched.outbox.write(LINES[0])
    watched.outbox.write(LINES[1])
    with Away(store, monkeypatch):
        watched.send()
        watched.outbox.write(LINES[2])
    watched.outbox.forget_after("policy", 1, None)
    watched.outbox.write(LINES[1] | {"policy/kl": 0.7})
    watched.finish()
    assert [(u.update, u.line["policy/kl"]) for u in store.updates.after(0)] == [(1, 0.5), (2, 0.7)]
